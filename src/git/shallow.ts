/**
 * Where a history is cut that is not sent whole. The rules are those of git's upload-pack: `get_shallow_commits` and
 * `get_shallow_commits_by_rev_list`.
 */
import type { ObjectId } from "./objects.ts"
import { type FindCommit, type HistoryCommit, type Walk, walkHistory } from "./walk.ts"

/** A part of a history: all its commits, and those of them whose parents are left out, in the order in which git names them. */
export interface Cut {
  commits: ReadonlySet<ObjectId>
  boundary: readonly ObjectId[]
}

/** From which depth on git takes a depth as no limit. */
export const INFINITE_DEPTH = 0x7f_ff_ff_ff

/** The history of `starts` down to a depth; `starts` themselves have depth 1. Every commit at that depth is a boundary, one without parents too. */
export async function cutAtDepth(find: FindCommit, starts: readonly ObjectId[], depth: number): Promise<Cut> {
  const levels: HistoryCommit[][] = []
  const commits = new Set<ObjectId>()
  let level: readonly ObjectId[] = starts
  while (level.length > 0 && levels.length < depth) {
    const found = await findNew(find, level, commits)
    levels.push(found)
    level = found.flatMap(({ parents }) => parents)
  }
  return { commits, boundary: boundaryOf(levels, starts, depth) }
}

/** The commits of the last of `depth` levels, the last one first that is reached when the last parent of each commit is followed before the others. */
function boundaryOf(levels: readonly HistoryCommit[][], starts: readonly ObjectId[], depth: number): ObjectId[] {
  const left = new Map(levels.flatMap((level, index) => level.map((commit) => [commit.id, { commit, at: index + 1 }])))
  const boundary: ObjectId[] = []
  const open = starts.map((id) => ({ id, at: 1 })).toReversed()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { id, at } = next
    const found = left.get(id)
    // By another way it is nearer, and so is all that is behind it.
    if (found?.at !== at) continue
    left.delete(id)
    if (at === depth) boundary.push(id)
    else open.push(...found.commit.parents.map((parent) => ({ id: parent, at: at + 1 })))
  }
  return boundary.toReversed()
}

/** Those of `ids` that are there and not in `seen`, to which they are added. */
async function findNew(find: FindCommit, ids: readonly ObjectId[], seen: Set<ObjectId>): Promise<HistoryCommit[]> {
  const found: HistoryCommit[] = []
  for (const id of ids) {
    const commit = seen.has(id) ? null : await find(id)
    if (commit === null) continue
    seen.add(id)
    found.push(commit)
  }
  return found
}

/** Which commits belong to a history that is cut by other things than its depth. */
export interface Within {
  /** Only commits since then, in seconds since 1970; null for all. */
  since: number | null
  /** Only commits that cannot be reached from these. */
  without: readonly ObjectId[]
  /** The walk is given up when it has found more commits than this. */
  commits: number
}

/** The history of `starts` within limits. `empty`: no commit is in it. */
export async function cutWithin(
  find: FindCommit,
  starts: readonly ObjectId[],
  { since, without, commits: most }: Within,
): Promise<{ outcome: "cut"; cut: Cut } | { outcome: "empty" } | Exclude<Walk, { outcome: "walked" }>> {
  const isOld = ({ time }: HistoryCommit) => since !== null && time < since
  const walk = await walkHistory(find, starts, without, {
    wantedParents: (commit) => (isOld(commit) ? [] : commit.parents),
    knownParents: ({ parents }) => parents,
    commits: most,
  })
  if (walk.outcome !== "walked") return walk
  const within = walk.commits.filter((commit) => !isOld(commit))
  if (within.length === 0) return { outcome: "empty" }
  const commits = new Set(within.map(({ id }) => id))
  const isCut = ({ parents }: HistoryCommit) => parents.some((id) => !commits.has(id))
  return { outcome: "cut", cut: { commits, boundary: within.filter(isCut).map(({ id }) => id) } }
}
