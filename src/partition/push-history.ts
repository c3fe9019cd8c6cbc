/**
 * Which commits a push adds to a branch. Everything that stands on a branch is reached from its head, so that nothing below the pushed commits
 * has to be walked: one statement says which of their parents stand there.
 */
import { and, desc, eq, inArray, type SQL, sql } from "drizzle-orm"
import { type ObjectId, parseCommit } from "../git/objects.ts"
import { type HistoryCommit, lineTo } from "../git/walk.ts"
import { valuesOf } from "./bulk.ts"
import { headOfCommit, readHeader } from "./git-objects.ts"
import type { Database, Partition } from "./partition.ts"
import { FETCH_FIRST, RefProblem } from "./push-problem.ts"
import type { Branch, Repository } from "./refs.ts"
import { branchCommits, commits } from "./schema.ts"
import { through } from "./through.ts"

/** The most commits that one push can add to a branch. */
const MOST_COMMITS = 1_000
/** How many commits, with their parents, are looked up at once. */
const MOST_NAMED = 20_000
/** How often commits of other branches are looked for, about a thousand at a time. */
const MOST_ROUNDS = 10
const ROUND_COMMITS = 1_000

/** The commits that a push adds to a branch, each behind its parents, and the tree of the head that the first of them follows. */
export interface AddedCommits {
  commits: readonly HistoryCommit[]
  startTree: ObjectId | null
}

/**
 * The commits that moving `branch` to the commit `to` adds; `pushed` are those of the pack. Throws a `RefProblem`, also when the branch has
 * moved since `branch` was read.
 */
export async function commitsToAdd(
  { db }: Partition,
  { projectId }: Repository,
  pushed: ReadonlyMap<ObjectId, Uint8Array>,
  branch: Branch,
  to: ObjectId,
): Promise<AddedCommits> {
  const { inside, outside } = reachable(pushed, to)
  if (inside.size + outside.size > MOST_NAMED) throw tooMany()
  const { head, tree, ids: standing } = await lookUp(db, projectId, branch, [...inside.keys(), ...outside])
  if (head !== branch.seq) throw new RefProblem(FETCH_FIRST)
  const added = new Map([...inside].filter(([id]) => !standing.has(id)))
  if (added.size > MOST_COMMITS) throw tooMany()
  let open = [...outside].filter((id) => !standing.has(id))
  for (let round = 0; open.length > 0; round++) {
    if (round === MOST_ROUNDS || open.length > MOST_COMMITS) throw tooMany()
    const found = await lookBelow(db, projectId, branch, open)
    const missing = open.find((id) => !found.standing.has(id) && !found.others.has(id))
    if (missing !== undefined) throw new RefProblem(`the commit ${missing} is missing`)
    for (const id of found.standing) standing.add(id)
    open = addReached(added, open, standing, found.others)
    if (added.size > MOST_COMMITS) throw tooMany()
  }
  const line = [...added.values()]
  if (to !== branch.head && !line.some(({ parents }) => parents.includes(branch.head))) {
    throw new RefProblem("non-fast-forward: fetch, then merge or rebase")
  }
  return { commits: lineTo(to, added), startTree: tree }
}

function tooMany(): RefProblem {
  return new RefProblem(`more than ${MOST_COMMITS} commits at once, or another history: push an older commit first`)
}

/** The commits of the pack that can be reached from `to`, and the commits outside of it that they name. */
function reachable(
  pushed: ReadonlyMap<ObjectId, Uint8Array>,
  to: ObjectId,
): { inside: Map<ObjectId, HistoryCommit>; outside: Set<ObjectId> } {
  const inside = new Map<ObjectId, HistoryCommit>()
  const outside = new Set<ObjectId>()
  const open = [to]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (inside.has(id) || outside.has(id)) continue
    const content = pushed.get(id)
    const facts = content && parseCommit(content)
    if (facts) {
      inside.set(id, { id, tree: facts.tree, parents: facts.parents, time: facts.committer.time })
      open.push(...facts.parents)
    } else {
      outside.add(id)
    }
  }
  return { inside, outside }
}

/** Moves what can be reached from `open` into `added`; returns the ids of which nothing is known yet. */
function addReached(
  added: Map<ObjectId, HistoryCommit>,
  open: readonly ObjectId[],
  standing: ReadonlySet<ObjectId>,
  others: ReadonlyMap<ObjectId, HistoryCommit>,
): ObjectId[] {
  const unknown = new Set<ObjectId>()
  const next = [...open]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (standing.has(id) || added.has(id)) continue
    const commit = others.get(id)
    if (commit) {
      added.set(id, commit)
      next.push(...commit.parents)
    } else {
      unknown.add(id)
    }
  }
  return [...unknown]
}

/** Which of `ids` stand on the branch, and the position and the tree of its head. */
async function lookUp(
  db: Database,
  projectId: string,
  branch: Branch,
  ids: readonly ObjectId[],
): Promise<{ head: number; tree: ObjectId | null; ids: Set<ObjectId> }> {
  const [rows, [top]] = await db.batch([
    standingOf(db, projectId, branch, ids),
    db
      .select({ head: branchCommits.seq, tree: commits.treeId })
      .from(branchCommits)
      .innerJoin(commits, and(eq(commits.projectId, branchCommits.projectId), eq(commits.id, branchCommits.commitId)))
      .where(eq(branchCommits.branchId, branch.id))
      .orderBy(desc(branchCommits.seq))
      .limit(1),
  ])
  return { head: top?.head ?? -1, tree: top?.tree ?? null, ids: new Set(rows.map(({ id }) => id)) }
}

function standingOf(db: Database, projectId: string, branch: Branch, ids: readonly ObjectId[]) {
  return (
    db
      .select({ id: sql<string>`${branchCommits.commitId}`.as("id") })
      // Not by the branch's own key: it can have any number of positions.
      .from(through(branchCommits, BY_COMMIT))
      .where(and(isOneOf(projectId, ids), eq(branchCommits.branchId, branch.id)))
  )
}

/** Which of `ids` stand on the branch; the others, with what stands before them on their branches and not on this one. */
async function lookBelow(
  db: Database,
  projectId: string,
  branch: Branch,
  ids: readonly ObjectId[],
): Promise<{ standing: Set<ObjectId>; others: Map<ObjectId, HistoryCommit> }> {
  const depth = Math.ceil(ROUND_COMMITS / ids.length)
  const places = sql`(select commit_id, min(branch_id) as branch_id, seq from ${through(branchCommits, BY_COMMIT)}
    where ${isOneOf(projectId, ids)} group by commit_id) as place`
  const below = sql`branch_commits as below on below.branch_id = place.branch_id
    and below.seq > place.seq - ${depth} and below.seq <= place.seq`
  const isOurs = sql`exists (select 1 from branch_commits as ours indexed by branch_commits_by_commit
    where ours.project_id = ${projectId} and ours.commit_id = below.commit_id and ours.branch_id = ${branch.id})`
  const [standing, others] = await db.batch([
    standingOf(db, projectId, branch, ids),
    db
      .selectDistinct({ id: commits.id, tree: commits.treeId, header: sql<string>`${headOfCommit}`.as("header") })
      .from(sql`${places} cross join ${below}`)
      .innerJoin(commits, and(eq(commits.projectId, projectId), sql`${commits.id} = below.commit_id`))
      .where(sql`not ${isOurs}`),
  ])
  return {
    standing: new Set(standing.map(({ id }) => id)),
    others: new Map(others.map(({ id, tree, header }) => [id, { id, tree, ...readHeader(header) }])),
  }
}

const BY_COMMIT = "branch_commits_by_commit"

function isOneOf(projectId: string, ids: readonly ObjectId[]): SQL | undefined {
  return and(eq(branchCommits.projectId, projectId), inArray(branchCommits.commitId, valuesOf(JSON.stringify(ids))))
}
