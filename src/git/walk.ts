/** Which commits can be reached from some and not from others: what a fetch has to send, and what a push adds. */
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

/** What a walk found; `missing` is a commit that is named and not there. */
export type Walk =
  | { outcome: "walked"; commits: HistoryCommit[]; reaches: (id: ObjectId) => boolean }
  | { outcome: "missing"; id: ObjectId }
  | { outcome: "too-many" }

const WANTED = 1
const KNOWN = 2

/**
 * The commits that can be reached from `wanted` and not from `known`, newer ones first. It goes from the newest commit to the oldest
 * and stops when only known ones are left. Where clocks were wrong it may find some that can be reached from both; it never
 * leaves one out. `reaches` says whether the walk came by a commit from `wanted`.
 */
export async function walkHistory(
  find: FindCommit,
  wanted: readonly ObjectId[],
  known: readonly ObjectId[],
  limits: WalkLimits,
): Promise<Walk> {
  const flags = new Map<ObjectId, number>()
  const pending = new Map<ObjectId, HistoryCommit>()
  const commits = new Map<ObjectId, HistoryCommit>()
  const mark = async (id: ObjectId, flag: number): Promise<boolean> => {
    const before = flags.get(id) ?? 0
    if ((before & flag) === flag) return true
    const commit = pending.get(id) ?? commits.get(id) ?? (await find(id))
    if (commit === null) return false
    flags.set(id, before | flag)
    // One that was passed already is passed again, for the sake of its parents.
    pending.set(id, commit)
    return true
  }
  for (const id of wanted) if (!(await mark(id, WANTED))) return { outcome: "missing", id }
  for (const id of known) await mark(id, KNOWN)
  while ([...pending.keys()].some((id) => flags.get(id) === WANTED)) {
    const commit = newest(pending)
    pending.delete(commit.id)
    const flag = flags.get(commit.id) ?? 0
    if (flag === WANTED) commits.set(commit.id, commit)
    else commits.delete(commit.id)
    if (commits.size > limits.commits) return { outcome: "too-many" }
    if ((flag & KNOWN) !== 0) for (const id of limits.knownParents(commit)) await mark(id, KNOWN)
    if ((flag & WANTED) !== 0) {
      for (const id of limits.wantedParents(commit)) if (!(await mark(id, WANTED))) return { outcome: "missing", id }
    }
  }
  return {
    outcome: "walked",
    commits: [...commits.values()],
    reaches: (id) => ((flags.get(id) ?? 0) & WANTED) !== 0,
  }
}

function newest(pending: ReadonlyMap<ObjectId, HistoryCommit>): HistoryCommit {
  const [first, ...others] = pending.values()
  if (!first) throw new Error("a walk went on with nothing pending")
  return others.reduce((best, commit) => (commit.time > best.time ? commit : best), first)
}

/** `commits`, every one behind its parents. */
export function parentsFirst(commits: readonly HistoryCommit[]): HistoryCommit[] {
  const here = new Set(commits.map(({ id }) => id))
  const children = new Map<ObjectId, HistoryCommit[]>()
  const waitsFor = new Map<ObjectId, number>()
  for (const commit of commits) {
    const parents = commit.parents.filter((id) => here.has(id))
    waitsFor.set(commit.id, parents.length)
    for (const id of parents) children.set(id, [...(children.get(id) ?? []), commit])
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
