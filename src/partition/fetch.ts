/** What a fetch asks for and gets: which commits are common, which are to be sent, and where a shallow history is cut. */
import type { ObjectId } from "../git/objects.ts"
import { type FindCommit, type HistoryCommit, walkHistory } from "../git/walk.ts"
import { historyOf, knownCommits } from "./git-objects.ts"
import { LARGEST_PACK, type PackCommit } from "./pack.ts"
import type { Partition } from "./partition.ts"
import type { Repository } from "./refs.ts"

/** How deep a history is asked for. `since` is in seconds since 1970; `not` are commits that shall not be in it. */
export interface Depth {
  commits: number | null
  /** Counted from where the other side's history is cut now, not from what it wants. */
  relative: boolean
  since: number | null
  not: readonly ObjectId[]
}

/** What the other side wants and has. `shallow`: the commits where its history is cut. `depth` null: it asks for no cut. */
export interface FetchRequest {
  wants: readonly ObjectId[]
  haves: readonly ObjectId[]
  shallow: readonly ObjectId[]
  depth: Depth | null
}

/** What is to be sent, and how the cuts of the other side's history change. */
export interface FetchPlan {
  outcome: "planned"
  commits: PackCommit[]
  shallow: ObjectId[]
  unshallow: ObjectId[]
  /** Whether what the other side has is enough to know what it lacks: more of it would change nothing. */
  settled: boolean
}

/** Why nothing can be sent: a commit is wanted that is not there, or there is too much to send. */
export type NoFetch = { outcome: "missing"; id: ObjectId } | { outcome: "too-many" }

/** Which of `haves` the repository has, in their order. */
export async function commonCommits(
  { db }: Partition,
  { projectId }: Repository,
  haves: readonly ObjectId[],
): Promise<ObjectId[]> {
  if (haves.length === 0) return []
  const known = await knownCommits(db, projectId, haves)
  return haves.filter((id) => known.has(id))
}

/** Plans a fetch. `haves` must be commits of the repository. */
export async function planFetch(
  { db }: Partition,
  { projectId }: Repository,
  request: FetchRequest,
): Promise<FetchPlan | NoFetch> {
  const find = historyOf(db, projectId)
  const theirs = new Set(request.shallow)
  const cut = request.depth === null ? null : await cutHistory(find, request, request.depth)
  const unshallow = request.shallow.filter((id) => cut !== null && cut.visited.has(id) && !cut.boundary.has(id))
  const uncovered: ObjectId[] = []
  for (const id of unshallow) uncovered.push(...((await find(id))?.parents ?? []))

  const ends = cut?.boundary ?? theirs
  const wantedParents = ({ id, parents }: HistoryCommit) => (ends.has(id) ? [] : parents)
  const walk = await walkHistory(find, [...request.wants, ...uncovered], request.haves, {
    wantedParents,
    knownParents: ({ id, parents }) => (theirs.has(id) ? [] : parents),
    commits: LARGEST_PACK,
  })
  if (walk.outcome !== "walked") return walk
  const commits: PackCommit[] = []
  for (const commit of walk.commits) {
    const [parent] = wantedParents(commit)
    const base = parent === undefined ? null : await find(parent)
    commits.push({ ...commit, baseTree: base?.tree ?? null })
  }
  const shallow = [...(cut?.boundary ?? [])].filter((id) => !theirs.has(id))
  const settled = request.haves.length > 0 && walk.commits.every(({ parents }) => parents.length > 0)
  return { outcome: "planned", commits, shallow, unshallow, settled }
}

/** A history that is not sent whole: what was looked at, and the commits whose parents are left out. */
interface Cut {
  visited: ReadonlySet<ObjectId>
  boundary: ReadonlySet<ObjectId>
}

async function cutHistory(find: FindCommit, request: FetchRequest, depth: Depth): Promise<Cut> {
  const excluded = await reachable(find, depth.not)
  const tooOld = (commit: HistoryCommit) => depth.since !== null && commit.time < depth.since
  const visited = new Set<ObjectId>()
  const boundary = new Set<ObjectId>()
  // The commits where a history is cut stand at depth 1, so that one more below them are `commits` of them.
  let level: readonly ObjectId[] = depth.relative ? request.shallow : request.wants
  const limit = depth.commits === null ? Number.POSITIVE_INFINITY : depth.commits + (depth.relative ? 1 : 0)
  for (let at = 1; level.length > 0; at++) {
    const below: ObjectId[] = []
    for (const id of level) {
      const commit = visited.has(id) ? null : await find(id)
      if (commit === null) continue
      visited.add(id)
      const parents: HistoryCommit[] = []
      for (const parent of commit.parents) parents.push(...[(await find(parent)) ?? []].flat())
      const isCut = parents.some((parent) => at >= limit || tooOld(parent) || excluded.has(parent.id))
      if (isCut) boundary.add(id)
      else below.push(...commit.parents)
    }
    level = below
  }
  return { visited, boundary }
}

/** Everything that can be reached from `starts`. */
async function reachable(find: FindCommit, starts: readonly ObjectId[]): Promise<ReadonlySet<ObjectId>> {
  const found = new Set<ObjectId>()
  const open = [...starts]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const commit = found.has(id) ? null : await find(id)
    if (commit === null) continue
    found.add(id)
    open.push(...commit.parents)
  }
  return found
}
