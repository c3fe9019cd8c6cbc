/** The commits of a project, as those who look at its history see them. */
import { and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm"
import { type CommitFacts, type ObjectId, parseCommit } from "../git/objects.ts"
import { type Difference, diffTrees } from "../git/tree-diff.ts"
import { blobSizes, readTrees } from "./git-objects.ts"
import type { Database, Partition } from "./partition.ts"
import type { Restoration } from "./file-writes.ts"
import { branchCommits, branches, commits, projects, services } from "./schema.ts"
import {
  branchOf,
  headCommit,
  inBranch,
  type Missing,
  missingOf,
  type Scope,
  scopeColumns,
  serviceOf,
} from "./scope.ts"

/** How many changes of one commit are answered, and after how many differences (folders among them) no more are looked for. */
const SHOWN_CHANGES = 1_000
const COMPARED = 2 * SHOWN_CHANGES

/** A file that a commit changed: its path in the branch, and its blobs (null where it was or is not there). */
export interface FileDifference {
  path: string
  before: ObjectId | null
  after: ObjectId | null
  modeBefore: string | null
}

/** A commit with what it changed, compared with its first parent. */
export interface HistoryEntry extends CommitFacts {
  id: ObjectId
  changes: FileDifference[]
  /** Whether `changes` are not all. */
  truncated: boolean
}

/** A page of a branch's commits, newest first. `next`: the position behind it, for `before`; null when it is the last. */
export interface HistoryPage {
  outcome: "found"
  commits: HistoryEntry[]
  next: number | null
}

/** One commit, and the names of the branches on which it stands. */
export interface FoundCommit {
  outcome: "found"
  projectId: string
  commit: HistoryEntry
  branches: string[]
}

/** Positions begin at 0 and are counted up: none is beyond this. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER

/**
 * The commits of a scope, or those of them that changed `path` (a file or a folder in the scope), newest first, from before
 * position `before` on. A service has the commits that changed its folder.
 */
export async function listCommits(
  partition: Partition,
  scope: Scope,
  path: string | null,
  page: { before: number | null; size: number },
): Promise<HistoryPage | Missing> {
  const { db } = partition
  const before = page.before ?? BEHIND_ALL
  const branchPath = inBranch(scope, path ?? "").replace(/\/$/, "")
  const branchId = sql`(select ${branches.id} from ${projects} join ${branches} on ${branchOf(scope)}
    where ${projects.name} = ${scope.project})`
  const positions =
    branchPath === "" ? positionsOf(branchId, before) : positionsOfPath(branchId, branchPath, before, page.size + 1)
  const rows = db
    .select({ ...commitColumns, seq: branchCommits.seq })
    .from(sql`(${positions} order by seq desc limit ${page.size + 1}) as at`)
    // In this order: SQLite would read all positions of the branch to find those few.
    .crossJoin(branchCommits)
    .crossJoin(commits)
    .where(
      and(
        sql`${branchCommits.branchId} = ${branchId}`,
        sql`${branchCommits.seq} = at.seq`,
        eq(commits.projectId, branchCommits.projectId),
        eq(commits.id, branchCommits.commitId),
      ),
    )
    .orderBy(desc(branchCommits.seq))
  const [[found], listed] = await db.batch([scopeHeader(db, scope), rows])
  const missing = missingOf(scope, found)
  if (missing || !found) return missing ?? { outcome: "missing", what: "project" }
  const shown = listed.slice(0, page.size)
  const entries = await withChanges(db, found.projectId, shown)
  // A position may differ from the one before it by what a merge brought in, and its commit not from its parent.
  const touching = entries.filter(
    ({ changes, truncated }) => truncated || changes.some((one) => isAt(one.path, branchPath)),
  )
  return {
    outcome: "found",
    commits: branchPath === "" ? entries : touching,
    next: listed.length > shown.length ? (shown.at(-1)?.seq ?? null) : null,
  }
}

/** Finds a commit of the project; null is the newest one of the scope's branch. With it come the names of the branches on which it stands. */
export async function findCommit(
  partition: Partition,
  scope: Scope,
  id: ObjectId | null,
): Promise<FoundCommit | Missing> {
  const { db } = partition
  const commit = db
    .select(commitColumns)
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(commits, and(eq(commits.projectId, projects.id), eq(commits.id, id ?? headCommit)))
    .where(eq(projects.name, scope.project))
  const [[found], [row]] = await db.batch([scopeHeader(db, scope), commit])
  const missing = missingOf(scope, found)
  if (missing || !found) return missing ?? { outcome: "missing", what: "project" }
  if (!row) return { outcome: "missing", what: "commit" }
  const standing = db
    .select({ name: branches.name })
    .from(branchCommits)
    .innerJoin(branches, eq(branches.id, branchCommits.branchId))
    .where(and(eq(branchCommits.projectId, found.projectId), eq(branchCommits.commitId, row.id)))
    .orderBy(asc(branches.name))
  const [[entry], [names]] = await Promise.all([withChanges(db, found.projectId, [row]), db.batch([standing])])
  if (!entry) throw new Error("a commit was read and is not there")
  return { outcome: "found", commit: entry, branches: names.map(({ name }) => name), projectId: found.projectId }
}

/** What puts back everything that a commit changed. */
export async function restorationsOf(
  { db }: Partition,
  projectId: string,
  changes: readonly FileDifference[],
): Promise<Restoration[]> {
  const [rows] = await db.batch([
    blobSizes(
      db,
      projectId,
      changes.flatMap(({ before }) => before ?? []),
    ),
  ])
  const sizes = new Map(rows.map(({ id, size }) => [id, size]))
  return changes.map(({ path, before, after, modeBefore }) => ({
    path,
    id: after,
    back:
      before !== null && modeBefore !== null ? { id: before, mode: modeBefore, size: sizes.get(before) ?? 0 } : null,
  }))
}

function scopeHeader(db: Database, scope: Scope) {
  return db
    .select(scopeColumns)
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .where(eq(projects.name, scope.project))
}

/** A commit beside the tree of its first parent, whose id stands at a fixed place in it. */
const commitColumns = {
  id: sql<string>`${commits.id}`.as("commit_id"),
  content: sql`${commits.content}`.mapWith(commits.content).as("content"),
  treeId: sql<string>`${commits.treeId}`.as("tree_id"),
  parentTree: sql<
    string | null
  >`(select parent.tree_id from commits as parent where parent.project_id = ${commits.projectId}
    and parent.id = cast(substr(${commits.content}, 54, 40) as text))`.as("parent_tree"),
}

/** Whether `path` is `place`, or below it. */
function isAt(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

function positionsOf(branchId: SQL, before: number): SQL {
  return sql`select seq from branch_commits where branch_id = ${branchId} and ${lt(branchCommits.seq, before)}`
}

/**
 * The positions at which a version of a file or folder begins or ends: at least the `count` newest of them, for they belong to as many
 * of the newest versions.
 */
function positionsOfPath(branchId: SQL, path: string, before: number, count: number): SQL {
  const versions = (table: "files" | "folders") => sql`(select from_seq, until_seq from ${sql.identifier(table)}
    where branch_id = ${branchId} and path = ${path} and from_seq < ${before} order by from_seq desc limit ${count})`
  const begin = (table: "files" | "folders") => sql`select from_seq as seq from ${versions(table)}`
  const end = (table: "files" | "folders") =>
    sql`select until_seq as seq from ${versions(table)} where until_seq < ${before}`
  return sql`select seq from (${begin("files")} union ${end("files")} union ${begin("folders")} union ${end("folders")})`
}

/** No page has more commits. */
export const LONGEST_PAGE = 100

async function withChanges(
  db: Database,
  projectId: string,
  rows: readonly { id: string; content: Uint8Array; treeId: string; parentTree: string | null }[],
): Promise<HistoryEntry[]> {
  const pairs = rows.map(({ treeId, parentTree }) => ({ before: parentTree, after: treeId }))
  const differences = await diffTrees(pairs, (ids) => readTrees(db, projectId, ids), COMPARED)
  return rows.map(({ id, content }, index) => {
    const facts = parseCommit(content)
    if (facts === null) throw new Error(`the commit ${id} cannot be read`)
    const changes = filesOf(differences[index] ?? [])
    const truncated = changes.length > SHOWN_CHANGES || (differences[index]?.length ?? 0) >= COMPARED
    return { id, ...facts, changes: changes.slice(0, SHOWN_CHANGES), truncated }
  })
}

function filesOf(differences: readonly Difference[]): FileDifference[] {
  return differences.filter(({ kind }) => kind === "file").toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
