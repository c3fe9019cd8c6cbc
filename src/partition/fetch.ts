/** What a fetch asks for and gets: which commits are common, which are to be sent, and where a shallow history is cut. */
import { enoughHaves } from "../git/negotiation.ts"
import type { ObjectId } from "../git/objects.ts"
import { type Cut, cutAtDepth, cutWithin, INFINITE_DEPTH } from "../git/shallow.ts"
import { type HistoryCommit, walkHistory } from "../git/walk.ts"
import { CommitGraph, type PlacedCommit } from "./commit-graph.ts"
import { LARGEST_PACK } from "./pack-contents.ts"
import type { Partition } from "./partition.ts"
import type { Repository } from "./refs.ts"

/** How deep a history is asked for: by a number of commits, or by other limits. */
export type Depth =
  | {
      by: "commits"
      commits: number
      /** Counted from where the other side's history is cut now, not from what it wants. */
      relative: boolean
    }
  | {
      by: "limits"
      /** In seconds since 1970; null for no such limit. */
      since: number | null
      /** Commits that shall not be in it, nor what can be reached from them. */
      without: readonly ObjectId[]
    }

/** What the other side wants and has. `shallow`: the commits where its history is cut. `depth` null: it asks for no cut. */
export interface FetchRequest {
  wants: readonly ObjectId[]
  haves: readonly ObjectId[]
  shallow: readonly ObjectId[]
  depth: Depth | null
}

/** Why nothing can be sent: a commit is wanted that is not there, there is too much to send, or the depth leaves nothing. */
export type NoFetch = { outcome: "missing"; id: ObjectId } | { outcome: "too-many" } | { outcome: "empty" }

/** A fetch whose request was looked up. */
export interface OpenFetch extends FetchRequest {
  outcome: "opened"
  graph: CommitGraph
  /** Those of `haves` that are commits of the repository, in their order. */
  common: readonly ObjectId[]
  /** Those of `shallow` that are commits of the repository. */
  shallow: readonly ObjectId[]
}

/** How the cuts of the other side's history change, and where they stand then. */
export interface Cuts {
  outcome: "cut"
  shallow: readonly ObjectId[]
  unshallow: readonly ObjectId[]
  ends: ReadonlySet<ObjectId>
}

/** The commits to send, and those that the other side has. */
export interface FetchPlan {
  outcome: "planned"
  sent: PlacedCommit[]
  had: PlacedCommit[]
}

/** Looks up everything that a request names. One trip. */
export async function openFetch(
  { db }: Partition,
  { projectId }: Repository,
  request: FetchRequest,
): Promise<OpenFetch | NoFetch> {
  const graph = new CommitGraph(db, projectId)
  const { wants, haves, shallow, depth } = request
  const without = depth?.by === "limits" ? depth.without : []
  await graph.read([...wants, ...haves, ...shallow, ...without])
  const missing = wants.find((id) => !graph.has(id))
  if (missing !== undefined) return { outcome: "missing", id: missing }
  const isHere = (id: ObjectId) => graph.has(id)
  return { ...request, outcome: "opened", graph, common: haves.filter(isHere), shallow: shallow.filter(isHere) }
}

/** How many of the common commits are enough to know what the other side lacks; null when all of them are not. Throws `HistoryTooLong`. */
export function enoughCommon({ graph, wants, common }: OpenFetch): Promise<number | null> {
  return enoughHaves(graph.find, wants, common)
}

/** Where the other side's history is cut afterwards. Throws `HistoryTooLong`. */
export async function cutsOf(fetch: OpenFetch): Promise<Cuts | NoFetch> {
  const { shallow, depth } = fetch
  if (depth === null) return changedCuts(shallow, [], [])
  if (depth.by === "commits" && depth.commits >= INFINITE_DEPTH) return changedCuts(shallow, [], shallow)
  const found = depth.by === "commits" ? await cutByDepth(fetch, depth) : await cutByLimits(fetch, depth)
  if (found.outcome !== "cut") return found
  const { commits, boundary } = found.cut
  const ends = new Set(boundary)
  return changedCuts(
    shallow,
    boundary,
    shallow.filter((id) => commits.has(id) && !ends.has(id)),
  )
}

function changedCuts(before: readonly ObjectId[], boundary: readonly ObjectId[], unshallow: readonly ObjectId[]): Cuts {
  const theirs = new Set(before)
  const gone = new Set(unshallow)
  const ends = new Set([...boundary, ...before.filter((id) => !gone.has(id))])
  return { outcome: "cut", shallow: boundary.filter((id) => !theirs.has(id)), unshallow, ends }
}

async function cutByDepth(
  { graph, wants, shallow }: OpenFetch,
  { commits, relative }: Depth & { by: "commits" },
): Promise<{ outcome: "cut"; cut: Cut }> {
  // The commits where a history is cut stand at depth 1, so that one more below them are `commits` of them.
  const cut = await (relative ? cutAtDepth(graph.find, shallow, commits + 1) : cutAtDepth(graph.find, wants, commits))
  return { outcome: "cut", cut }
}

function cutByLimits({ graph, wants }: OpenFetch, { since, without }: Depth & { by: "limits" }) {
  return cutWithin(graph.find, wants, { since, without, commits: LARGEST_PACK })
}

/** Plans what is sent. Throws `HistoryTooLong`. */
export async function planFetch(fetch: OpenFetch, { unshallow, ends }: Cuts): Promise<FetchPlan | NoFetch> {
  const { graph, wants, common, shallow } = fetch
  const theirs = new Set(shallow)
  const uncovered: ObjectId[] = []
  for (const id of unshallow) uncovered.push(...((await graph.find(id))?.parents ?? []))
  const walk = await walkHistory(graph.find, [...wants, ...uncovered], common, {
    wantedParents: ({ id, parents }: HistoryCommit) => (ends.has(id) ? [] : parents),
    knownParents: ({ id, parents }) => (theirs.has(id) ? [] : parents),
    commits: LARGEST_PACK,
  })
  if (walk.outcome !== "walked") return walk
  const sent = new Set(walk.commits.map(({ id }) => id))
  const read = [...graph.commits()]
  return {
    outcome: "planned",
    sent: read.filter(({ id }) => sent.has(id)),
    had: read.filter(({ id }) => !sent.has(id) && walk.isKnown(id)),
  }
}
