/** Which commits can be reached from some and not from others: what a fetch has to send, and what a push adds. */
import { CommitQueue } from "./commit-queue.ts"
import type { ObjectId } from "./objects.ts"

/** A commit as a node of the history. `time` is the committer's, in seconds since 1970. */
export interface HistoryCommit {
  id: ObjectId
  tree: ObjectId
  parents: readonly ObjectId[]
  time: number
}

/** Finds a commit by its id; null when there is none. */
export type FindCommit = (id: ObjectId) => Promise<HistoryCommit | null>

/** How a walk is limited. */
export interface WalkLimits {
  /** The parents that may be followed from a commit that is wanted. */
  wantedParents: (commit: HistoryCommit) => readonly ObjectId[]
  /** The same for a commit that the other side has. */
  knownParents: (commit: HistoryCommit) => readonly ObjectId[]
  /** The walk is given up when it has found more commits than this. */
  commits: number
}

/**
 * What a walk found; `missing` is a commit that is named and not there. `isKnown` says whether the walk reached a
 * commit from `known`.
 */
export type Walk =
  | {
      outcome: "walked"
      commits: HistoryCommit[]
      isKnown: (id: ObjectId) => boolean
    }
  | { outcome: "missing"; id: ObjectId }
  | { outcome: "too-many" }

const WANTED = 1
const KNOWN = 2

/**
 * The commits that can be reached from `wanted` and not from `known`, newer ones first. It goes from the newest commit to the oldest
 * and stops when only known ones are left. Where clocks were wrong it may find some that can be reached from both; it never
 * leaves one out.
 */
export async function walkHistory(
  find: FindCommit,
  wanted: readonly ObjectId[],
  known: readonly ObjectId[],
  limits: WalkLimits,
): Promise<Walk> {
  const ends = new OpenEnds(find)
  for (const id of wanted) if (!(await ends.mark(id, WANTED))) return { outcome: "missing", id }
  for (const id of known) await ends.mark(id, KNOWN)
  const commits = new Map<ObjectId, HistoryCommit>()
  while (ends.wanted > 0) {
    const { commit, flag } = ends.takeNewest()
    if (flag === WANTED) commits.set(commit.id, commit)
    else commits.delete(commit.id)
    if (commits.size > limits.commits) return { outcome: "too-many" }
    if ((flag & KNOWN) !== 0) for (const id of limits.knownParents(commit)) await ends.mark(id, KNOWN)
    if ((flag & WANTED) !== 0) {
      for (const id of limits.wantedParents(commit)) {
        if (!(await ends.mark(id, WANTED))) return { outcome: "missing", id }
      }
    }
  }
  return {
    outcome: "walked",
    commits: [...commits.values()],
    isKnown: (id) => (ends.flagOf(id) & KNOWN) !== 0,
  }
}

/** The commits that a walk has reached and not passed yet, and from where it reached those that it has seen. */
class OpenEnds {
  readonly #find: FindCommit
  readonly #seen = new Map<ObjectId, { commit: HistoryCommit; flag: number; open: boolean }>()
  readonly #queue = new CommitQueue()
  /** How many of them were reached from what is wanted alone. */
  wanted = 0

  constructor(find: FindCommit) {
    this.#find = find
  }

  /** Reaches a commit; false when it is not there. */
  async mark(id: ObjectId, flag: number): Promise<boolean> {
    const seen = this.#seen.get(id)
    if (seen !== undefined && (seen.flag & flag) === flag) return true
    const commit = seen?.commit ?? (await this.#find(id))
    if (commit === null) return false
    if (seen?.open === true && seen.flag === WANTED) this.wanted--
    const flags = (seen?.flag ?? 0) | flag
    if (flags === WANTED) this.wanted++
    // One that was passed already is passed again, for the sake of its parents.
    if (seen?.open !== true) this.#queue.push(commit)
    this.#seen.set(id, { commit, flag: flags, open: true })
    return true
  }

  /** Passes the newest of them. */
  takeNewest(): { commit: HistoryCommit; flag: number } {
    const commit = this.#queue.pop()
    const seen = commit && this.#seen.get(commit.id)
    if (commit === undefined || seen === undefined) throw new Error("a walk went on with nothing pending")
    seen.open = false
    if (seen.flag === WANTED) this.wanted--
    return { commit, flag: seen.flag }
  }

  /** From where a commit was reached. */
  flagOf(id: ObjectId): number {
    return this.#seen.get(id)?.flag ?? 0
  }
}

/**
 * The commits that `tip` leads to as one line, every one behind its parents. A merge comes right behind its first parent, unless
 * that was needed earlier: what a position differs in from the one before it is then what the merge changed.
 */
export function lineTo(tip: ObjectId, commits: ReadonlyMap<ObjectId, HistoryCommit>): HistoryCommit[] {
  const line: HistoryCommit[] = []
  const placed = new Set<ObjectId>()
  const open = [tip]
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const commit = placed.has(id) ? undefined : commits.get(id)
    const next = commit?.parents.findLast((parent) => commits.has(parent) && !placed.has(parent))
    if (next !== undefined) {
      open.push(next)
      continue
    }
    open.pop()
    if (commit === undefined) continue
    placed.add(id)
    line.push(commit)
  }
  return line
}

/** `commits`, every one behind its parents. */
export function parentsFirst(commits: readonly HistoryCommit[]): HistoryCommit[] {
  const here = new Set(commits.map(({ id }) => id))
  const children = new Map<ObjectId, HistoryCommit[]>()
  const waitsFor = new Map<ObjectId, number>()
  for (const commit of commits) {
    const parents = commit.parents.filter((id) => here.has(id))
    waitsFor.set(commit.id, parents.length)
    for (const id of parents) {
      const known = children.get(id)
      if (known) known.push(commit)
      else children.set(id, [commit])
    }
  }
  const ordered = commits.toReversed().filter(({ id }) => waitsFor.get(id) === 0)
  // It grows while it is gone through.
  for (const { id } of ordered) {
    for (const child of children.get(id) ?? []) {
      const left = (waitsFor.get(child.id) ?? 0) - 1
      waitsFor.set(child.id, left)
      if (left === 0) ordered.push(child)
    }
  }
  return ordered
}
