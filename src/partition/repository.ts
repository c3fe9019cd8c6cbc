/**
 * A project as a git repository: files of a scope read, listed and written. A scope is a folder of a branch: the default
 * branch for a project, a stage's branch for a stage, a folder of that branch for a service. Scopes do not fall back on
 * each other.
 */
import { and, asc, eq, gte, inArray, isNotNull, isNull, lt, or, type SQL, sql } from "drizzle-orm"
import { type ObjectId, objectId, parseTree, type Signature } from "../git/objects.ts"
import { ancestors, type Folder } from "../git/tree-update.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import type { Blob } from "./blobs.ts"
import { valuesOf } from "./bulk.ts"
import { type BranchState, type FileVersion, folderColumns, prepareCommit, walkKey } from "./commit.ts"
import type { Partition } from "./partition.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import { branchCommits, branches, deletedProjects, files, folders, projects, services, trees } from "./schema.ts"
import { through } from "./through.ts"

/** The part of a project that a request is about. A service without a stage does not exist. */
export interface Scope {
  project: string
  stage: string | null
  service: string | null
}

/** What a request named and the region does not have. */
export type Missing = { outcome: "missing"; what: "project" | "stage" | "service" | "resource" | "commit" }

/** One file to store, its path relative to the scope. */
export interface FileWrite {
  path: string
  content: Uint8Array<ArrayBuffer>
}

/** A file of a scope at its head or at the commit that was asked for. */
export interface FileFound {
  outcome: "found"
  blobId: ObjectId
  size: number
  commitId: ObjectId
}

/** A page of a scope's files, their paths relative to the scope. `total` counts all of them. */
export interface FileList {
  outcome: "found"
  paths: string[]
  total: number
  commitId: ObjectId
}

/** What became of a write; paths are relative to the scope. `busy`: other writers were faster each time; nothing was written. */
export type WriteOutcome =
  | { outcome: "written"; commitId: ObjectId }
  | Missing
  | { outcome: "file-in-the-way" | "folder-in-the-way" | "folder-too-large"; path: string }
  | { outcome: "busy" }

/**
 * A write puts its blobs again when it began before a deletion of the project's name was cleared, or less than this after it, in
 * milliseconds: the deletion may have removed them. It is how far two clocks may differ.
 */
const DELETION_MARGIN = 60_000

/** Finds a file. `commitId` null reads the head; else the file as of that commit, of whatever branch of the project it is. */
export async function findFile(
  partition: Partition,
  scope: Scope,
  path: string,
  commitId: ObjectId | null,
): Promise<FileFound | Missing> {
  const { db } = partition
  const branchPath = inBranch(scope, path)
  const atHead = and(eq(files.branchId, branches.id), isNull(files.untilSeq), eq(files.walkKey, walkKey(branchPath)))
  const query = db
    .select({ ...scopeColumns, pinned: branchCommits.commitId, blobId: files.blobId, size: files.size })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    // No commit has the id "": at the head there is no position to look for.
    .leftJoin(branchCommits, isPosition(commitId ?? ""))
    .leftJoin(files, commitId === null ? atHead : standsAt(branchPath))
    .where(eq(projects.name, scope.project))
    .limit(1)
  const [[row]] = await db.batch([query])
  const missing = missingOf(scope, row)
  if (missing || !row) return missing ?? { outcome: "missing", what: "project" }
  if (commitId !== null && row.pinned === null) return { outcome: "missing", what: "commit" }
  if (row.blobId === null || row.size === null) return { outcome: "missing", what: "resource" }
  return { outcome: "found", blobId: row.blobId, size: row.size, commitId: commitId ?? row.head ?? "" }
}

/** Lists the files of a scope in the order of a directory walk. */
export async function listFiles(
  partition: Partition,
  scope: Scope,
  page: { offset: number; size: number },
): Promise<FileList | Missing> {
  const { db } = partition
  const prefix = inBranch(scope, "")
  const header = db
    .select({ ...scopeColumns, total: folders.fileCount })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(
      folders,
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), eq(folders.path, prefix.slice(0, -1))),
    )
    .where(eq(projects.name, scope.project))
  const rows = db
    .select({ path: sql<string>`${files.path}`.as("path") })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(files, "files_at_head"),
      and(eq(files.branchId, branches.id), isNull(files.untilSeq), below(prefix)),
    )
    .where(eq(projects.name, scope.project))
    .orderBy(asc(files.walkKey))
    .limit(page.size)
    .offset(page.offset)
  const [[found], listed] = await db.batch([header, rows])
  const missing = missingOf(scope, found)
  if (missing || !found) return missing ?? { outcome: "missing", what: "project" }
  const paths = listed.map((file) => file.path.slice(prefix.length))
  return { outcome: "found", paths, total: found.total ?? 0, commitId: found.head ?? "" }
}

/**
 * Writes `writes` into a scope as one commit, or none when all stand there already. All or nothing; when another writer
 * was faster the commit is made again on the new head.
 */
export async function writeFiles(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  author: Signature,
  message: string,
): Promise<WriteOutcome> {
  const startedAt = Date.now()
  const blobs = await Promise.all(writes.map(async ({ content }) => ({ id: await objectId("blob", content), content })))
  const changes = writes.map(({ path, content }, index) => ({
    path: inBranch(scope, path),
    id: blobs[index]?.id ?? null,
    size: content.length,
  }))
  // The bytes go first: a blob that no commit names is harmless, the reverse would be a loss.
  const [first] = await Promise.all([readBranch(partition, scope, changes), partition.blobs.put(scope.project, blobs)])
  return commitUntilFirst(partition, scope, { startedAt, blobs, changes, author, message }, first)
}

interface Write {
  startedAt: number
  blobs: readonly Blob[]
  changes: readonly FileVersion[]
  author: Signature
  message: string
}

type Branch = { outcome: "found"; state: BranchState; clearedAt: number | null }

async function commitUntilFirst(
  partition: Partition,
  scope: Scope,
  write: Write,
  first: Branch | Missing,
): Promise<WriteOutcome> {
  const { db } = partition
  let branch = first
  for (let attempt = 1; ; attempt++) {
    if (branch.outcome === "missing") return branch
    if (branch.clearedAt !== null && branch.clearedAt > write.startedAt - DELETION_MARGIN) {
      await partition.blobs.put(scope.project, write.blobs)
    }
    const commit = await prepareCommit(db, branch.state, write.changes, write.author, write.message)
    if (commit.outcome === "unchanged") return { outcome: "written", commitId: branch.state.commitId ?? "" }
    if (commit.outcome !== "prepared") return { ...commit, path: commit.path.slice(inBranch(scope, "").length) }
    const [head, ...rest] = commit.statements
    try {
      if (head) await db.batch([head, ...rest])
      return { outcome: "written", commitId: commit.id }
    } catch (error) {
      // Another writer has the position, or the project went away under us: look again.
      if (!isKeyTaken(error, "branch_commits") && !isParentGone(error)) throw error
    }
    if (attempt === WRITE_ATTEMPTS) return { outcome: "busy" }
    await pauseBeforeRetry(attempt)
    branch = await readBranch(partition, scope, write.changes)
  }
}

/** Reads what a commit on a scope's branch starts from: the head, and the trees above the changed paths. */
async function readBranch(
  partition: Partition,
  scope: Scope,
  changes: readonly FileVersion[],
): Promise<Branch | Missing> {
  const { db } = partition
  const paths = JSON.stringify([...new Set(changes.flatMap((change) => ancestors(change.path)))])
  const header = db
    .select({
      ...scopeColumns,
      seq: branchCommits.seq,
      clearedAt: deletedProjects.clearedAt,
    })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(branchCommits, and(eq(branchCommits.branchId, branches.id), eq(branchCommits.seq, headPosition)))
    .leftJoin(deletedProjects, eq(deletedProjects.name, projects.name))
    .where(eq(projects.name, scope.project))
  const above = db
    .select({ ...folderColumns, content: trees.content })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(folders, "folders_at_head"),
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), inArray(folders.path, valuesOf(paths))),
    )
    .innerJoin(trees, and(eq(trees.projectId, projects.id), eq(trees.id, folders.treeId)))
    .where(eq(projects.name, scope.project))
  const [[found], rows] = await db.batch([header, above])
  const missing = missingOf(scope, found)
  if (missing || !found?.branchId) return missing ?? { outcome: "missing", what: "project" }
  const { projectId, branchId, head, clearedAt } = found
  const standing = rows.map((row): [string, Folder] => [
    row.path,
    { entries: parseTree(row.content), fileCount: row.fileCount },
  ])
  const state = { projectId, branchId, seq: found.seq ?? -1, commitId: head, folders: new Map(standing) }
  return { outcome: "found", state, clearedAt }
}

/** The columns that say which parts of a scope exist, and the head of its branch. D1 wants names that differ. */
const scopeColumns = {
  projectId: sql<string>`${projects.id}`.as("project_id"),
  branchId: sql<string | null>`${branches.id}`.as("branch_id"),
  service: sql<string | null>`${services.name}`.as("service"),
  head: sql<string | null>`(select commit_id from branch_commits where branch_id = ${branches.id}
    order by seq desc limit 1)`.as("head"),
}

function missingOf(scope: Scope, row: { branchId: string | null; service: string | null } | undefined): Missing | null {
  if (!row) return { outcome: "missing", what: "project" }
  if (row.branchId === null) return { outcome: "missing", what: "stage" }
  return scope.service !== null && row.service === null ? { outcome: "missing", what: "service" } : null
}

/** The branch of a scope: that of the stage, or the default branch of the project. */
function branchOf(scope: Scope): SQL | undefined {
  const position = branches.stagePosition
  return and(
    eq(branches.projectId, projects.id),
    eq(branches.name, scope.stage ?? projects.defaultBranch),
    scope.stage === null ? isNull(position) : isNotNull(position),
  )
}

function serviceOf(scope: Scope): SQL | undefined {
  return and(eq(services.branchId, branches.id), eq(services.name, scope.service ?? ""))
}

const headPosition = sql`(select max(seq) from branch_commits where branch_id = ${branches.id})`

/** A position of any branch of the project at which `commitId` stands. All of them have the same files. */
function isPosition(commitId: ObjectId): SQL | undefined {
  return and(eq(branchCommits.projectId, projects.id), eq(branchCommits.commitId, commitId))
}

/** The version of a file that stands at the joined position. */
function standsAt(path: string): SQL | undefined {
  const version = sql`(select max(from_seq) from files as version where version.branch_id = ${branchCommits.branchId}
    and version.path = ${path} and version.from_seq <= ${branchCommits.seq})`
  return and(
    eq(files.branchId, branchCommits.branchId),
    eq(files.path, path),
    eq(files.fromSeq, version),
    or(isNull(files.untilSeq), sql`${files.untilSeq} > ${branchCommits.seq}`),
  )
}

/** Files below a folder of the branch (`carts/`), or all of them (""). */
function below(prefix: string): SQL | undefined {
  const from = walkKey(prefix)
  return prefix === "" ? undefined : and(gte(files.walkKey, from), lt(files.walkKey, `${from.slice(0, -1)}\u0002`))
}

/** The path in the branch of a path in the scope. */
function inBranch(scope: Scope, path: string): string {
  return scope.service === null ? path : `${scope.service}/${path}`
}
