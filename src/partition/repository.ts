/**
 * A project as a git repository: files of a scope read, listed and written. A scope is a folder of a branch: the default
 * branch for a project, a stage's branch for a stage, a folder of that branch for a service. Scopes do not fall back on
 * each other.
 */
import { and, asc, eq, gte, inArray, isNull, lt, or, type Placeholder, type SQL, sql } from "drizzle-orm"
import { type ObjectId, objectId, parseTree, type Signature, TREE_MODE, type TreeEntry } from "../git/objects.ts"
import { ancestors, entryAt, type Folder } from "../git/tree-update.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { type Blob, BlobCollision } from "./blobs.ts"
import { valuesOf } from "./bulk.ts"
import {
  type BranchState,
  type FileVersion,
  folderColumns,
  isUnmoved,
  prepareCommit,
  type PreparedCommit,
  requireThat,
  type Statement,
  walkKey,
} from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { prepareEach } from "./prepared.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import { branchCommits, branches, deletedProjects, files, folders, projects, services, trees } from "./schema.ts"
import {
  branchOf,
  inBranch,
  isHead,
  type Missing,
  missingOf,
  type Scope,
  scopeColumns,
  scopeOf,
  type ScopeShape,
  scopeValues,
  serviceOf,
  shapeOf,
} from "./scope.ts"
import { through } from "./through.ts"
import { type BlobInTheWay, blobsInTheWay, mayBeCleared, takeBack } from "./unnamed-blobs.ts"

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

/** What became of a write; paths are relative to the scope. Nothing was written unless it says so. */
export type WriteOutcome =
  | { outcome: "written"; commitId: ObjectId; blobIds: ObjectId[] }
  | Missing
  | Refusal
  /** Other bytes are stored under the git id of these. */
  | { outcome: "collision" }
  /** Other writers were faster each time. */
  | { outcome: "busy" }

/** Why the branch cannot take a write. */
export type Refusal =
  | { outcome: "file-in-the-way" | "folder-in-the-way" | "folder-too-large" | "changed-since"; path: string }
  | { outcome: "precondition-failed" }

/** Who writes, and what the commit says. */
export interface CommitText {
  author: Signature
  message: string
}

/** Whether a write may go on, given what it found: the id of the file's blob, or of the branch's head (null: there is none). */
export type Condition = (current: ObjectId | null) => boolean

const fileOf = prepareEach((db, shape: ScopeShape & { atHead: boolean }) => {
  const scope = scopeOf(shape)
  const path = sql.placeholder("path")
  const atHead = and(
    eq(files.branchId, branches.id),
    isNull(files.untilSeq),
    eq(files.walkKey, sql.placeholder("walkKey")),
  )
  return (
    db
      .select({ ...scopeColumns, pinned: branchCommits.commitId, blobId: files.blobId, size: files.size })
      .from(projects)
      .leftJoin(branches, branchOf(scope))
      .leftJoin(services, serviceOf(scope))
      // No commit has the id "": at the head there is no position to look for.
      .leftJoin(branchCommits, isPosition(sql.placeholder("commitId")))
      .leftJoin(files, shape.atHead ? atHead : standsAt(path))
      .where(eq(projects.name, scope.project))
      .limit(1)
  )
})

/** Finds a file. `commitId` null reads the head; else the file as of that commit, of whatever branch of the project it is. */
export async function findFile(
  partition: Partition,
  scope: Scope,
  path: string,
  commitId: ObjectId | null,
): Promise<FileFound | Missing> {
  const { db } = partition
  const branchPath = inBranch(scope, path)
  const shape = { ...shapeOf(scope), atHead: commitId === null }
  const place = { path: branchPath, walkKey: walkKey(branchPath), commitId: commitId ?? "" }
  const [[row]] = await db.batch([fileOf(db, shape, { ...scopeValues(scope), ...place })])
  const missing = missingOf(scope, row)
  if (missing || !row) return missing ?? { outcome: "missing", what: "project" }
  if (commitId !== null && row.pinned === null) return { outcome: "missing", what: "commit" }
  if (row.blobId === null || row.size === null) return { outcome: "missing", what: "resource" }
  return { outcome: "found", blobId: row.blobId, size: row.size, commitId: commitId ?? row.head ?? "" }
}

const listHeader = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  return db
    .select({ ...scopeColumns, total: folders.fileCount })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(
      folders,
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), eq(folders.path, sql.placeholder("folder"))),
    )
    .where(eq(projects.name, scope.project))
})

const filesOnPage = prepareEach((db, shape: ScopeShape & { inFolder: boolean }) => {
  const scope = scopeOf(shape)
  return db
    .select({ path: sql<string>`${files.path}`.as("path") })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(files, "files_at_head"),
      and(eq(files.branchId, branches.id), isNull(files.untilSeq), shape.inFolder ? inFolder : undefined),
    )
    .where(eq(projects.name, scope.project))
    .orderBy(asc(files.walkKey))
    .limit(sql.placeholder("size"))
    .offset(sql.placeholder("offset"))
})

/** Lists the files of a scope in the order of a directory walk. */
export async function listFiles(
  partition: Partition,
  scope: Scope,
  page: { offset: number; size: number },
): Promise<FileList | Missing> {
  const { db } = partition
  const prefix = inBranch(scope, "")
  const shape = shapeOf(scope)
  const values = { ...scopeValues(scope), folder: prefix.slice(0, -1), ...walkKeysBelow(prefix), ...page }
  const [[found], listed] = await db.batch([
    listHeader(db, shape, values),
    filesOnPage(db, { ...shape, inFolder: prefix !== "" }, values),
  ])
  const missing = missingOf(scope, found)
  if (missing || !found) return missing ?? { outcome: "missing", what: "project" }
  const paths = listed.map((file) => file.path.slice(prefix.length))
  return { outcome: "found", paths, total: found.total ?? 0, commitId: found.head ?? "" }
}

/**
 * Writes `writes` into a scope as one commit, or none when all stand there already. All or nothing; when another writer
 * was faster the commit is made again on the new head. `condition` is asked about the head of the branch.
 */
export async function writeFiles(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const blobs = await blobsOf(writes)
  return commitChanges(partition, scope, {
    startedAt: Date.now(),
    blobs,
    changes: writes.map(({ path, content }, index) => versionOf(scope, path, blobs[index]?.id ?? null, content.length)),
    refuse: (branch) => (condition(branch.commitId) ? null : { outcome: "precondition-failed" }),
    ...text,
  })
}

/** Why `writeFiles` would refuse these as the branch stands, or null. Nothing is written. */
export async function foreseeRefusal(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  { author, message }: CommitText,
): Promise<Refusal | Missing | null> {
  const changes = (await blobsOf(writes)).map(({ id, content }, index) =>
    versionOf(scope, writes[index]?.path ?? "", id, content.length),
  )
  const branch = await readBranch(partition, scope, changes)
  if (branch.outcome === "missing") return branch
  const commit = await prepareCommit(partition.db, branch.state, changes, author, message)
  return commit.outcome === "prepared" || commit.outcome === "unchanged" ? null : inScope(scope, commit)
}

/** Writes files, like `writeFiles`, and runs `also` in the same batch, also when all of them stand there already. */
export async function writeFilesWith(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  text: CommitText,
  also: readonly Statement[],
): Promise<WriteOutcome> {
  const blobs = await blobsOf(writes)
  const changes = writes.map(({ path, content }, index) =>
    versionOf(scope, path, blobs[index]?.id ?? null, content.length),
  )
  return commitChanges(partition, scope, { startedAt: Date.now(), blobs, changes, refuse: () => null, also, ...text })
}

/** Writes one file, like `writeFiles`. `condition` is asked about the file that stands there. */
export async function writeFile(
  partition: Partition,
  scope: Scope,
  write: FileWrite,
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const blobs = await blobsOf([write])
  const change = versionOf(scope, write.path, blobs[0]?.id ?? null, write.content.length)
  const refuse = onFile(change.path, condition)
  return commitChanges(partition, scope, { startedAt: Date.now(), blobs, changes: [change], refuse, ...text })
}

/**
 * Writes one file whose `size` bytes come as a stream, like `writeFile`. What would be refused in the end is refused before anything
 * is uploaded.
 */
export async function uploadFile(
  partition: Partition,
  scope: Scope,
  file: { path: string; body: ReadableStream<Uint8Array>; size: number },
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const startedAt = Date.now()
  const standing = await findFile(partition, scope, file.path, null)
  if (standing.outcome === "missing" && standing.what !== "resource") return standing
  if (!condition(standing.outcome === "found" ? standing.blobId : null)) return { outcome: "precondition-failed" }
  const id = await unlessCollision(() => partition.blobs.upload(scope.project, file.body, file.size))
  if (id === null) return { outcome: "collision" }
  const change = versionOf(scope, file.path, id, file.size)
  const refuse = onFile(change.path, condition)
  return commitChanges(partition, scope, { startedAt, blobs: null, changes: [change], refuse, ...text })
}

/** Removes a file as one commit. `condition` is asked about the file that stands there. */
export async function removeFile(
  partition: Partition,
  scope: Scope,
  path: string,
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const change = versionOf(scope, path, null, 0)
  const conditionFails = onFile(change.path, condition)
  const refuse = (branch: BranchState) => {
    const entry = entryAt(branch.folders, change.path)
    if (entry === null || isFolder(entry)) return { outcome: "missing", what: "resource" } as const
    return conditionFails(branch)
  }
  return commitChanges(partition, scope, { startedAt: Date.now(), blobs: [], changes: [change], refuse, ...text })
}

/** A file (its path in the branch) to be put from `id` back to what it was; null for none. */
export interface Restoration {
  path: string
  id: ObjectId | null
  back: { id: ObjectId; mode: string; size: number } | null
}

/** Puts files back as they stood before some commit. Refused when one of them is not what that commit left. */
export async function restoreFiles(
  partition: Partition,
  scope: Scope,
  changes: readonly Restoration[],
  text: CommitText,
): Promise<WriteOutcome> {
  const refuse = (branch: BranchState) => {
    const changed = changes.find(({ path, id }) => fileAt(branch, path) !== id)
    return changed ? ({ outcome: "changed-since", path: changed.path } as const) : null
  }
  const versions = changes.map(({ path, back }): FileVersion =>
    back ? { path, ...back } : { path, id: null, size: 0 },
  )
  // Removals first: a file may have stood where a folder stands now, or the reverse.
  const ordered = [...versions.filter(({ id }) => id === null), ...versions.filter(({ id }) => id !== null)]
  return commitChanges(partition, scope, { startedAt: Date.now(), blobs: [], changes: ordered, refuse, ...text })
}

/** A write on its way into a commit. */
interface Write extends CommitText {
  startedAt: number
  /** The bytes, to be put, and put again where they were removed meanwhile; null when they are uploaded and cannot be. */
  blobs: readonly Blob[] | null
  changes: readonly FileVersion[]
  /** Why the branch, as it stands, does not take the write; asked on every attempt. */
  refuse: (branch: BranchState) => Refusal | Missing | null
  /** What else is to be done in the same batch. */
  also?: readonly Statement[]
}

type Branch = { outcome: "found"; state: BranchState; clearedAt: number | null; inTheWay: BlobInTheWay[] }

async function commitChanges(partition: Partition, scope: Scope, write: Write): Promise<WriteOutcome> {
  const outcome = await unlessCollision(async () => {
    // The bytes go first: a blob that no commit names is harmless, the reverse would be a loss.
    const [first] = await Promise.all([
      readBranch(partition, scope, write.changes),
      partition.blobs.put(scope.project, write.blobs ?? []),
    ])
    return commitUntilFirst(partition, scope, write, first)
  })
  return outcome ?? { outcome: "collision" }
}

/** What `run` answers; null when other bytes are stored under an id that it puts. */
async function unlessCollision<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof BlobCollision) return null
    throw error
  }
}

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
    const refusal = write.refuse(branch.state)
    if (refusal) return inScope(scope, refusal)
    const stand = await bytesStand(partition, scope, write, branch)
    // An upload is gone when its bytes are: only the caller can send them again.
    if (!stand && write.blobs === null) return { outcome: "busy" }
    if (stand) {
      const commit = await prepareCommit(db, branch.state, write.changes, write.author, write.message)
      if (commit.outcome !== "prepared" && commit.outcome !== "unchanged") return inScope(scope, commit)
      const [head, ...rest] = statementsOf(db, scope, branch.state, commit, write.also ?? [])
      try {
        if (head) await db.batch([head, ...rest])
        return written(write, commit.outcome === "prepared" ? commit.id : (branch.state.commitId ?? ""))
      } catch (error) {
        // Another writer has the position, or the project went away under us: look again.
        if (!isKeyTaken(error, "branch_commits") && !isParentGone(error)) throw error
      }
    }
    if (attempt === WRITE_ATTEMPTS) return { outcome: "busy" }
    await pauseBeforeRetry(attempt)
    branch = await readBranch(partition, scope, write.changes)
  }
}

/** What a write does: its commit, where it needs one, and what else is to be done with it. */
function statementsOf(
  db: Database,
  { service }: Scope,
  branch: BranchState,
  commit: PreparedCommit,
  also: readonly Statement[],
): Statement[] {
  if (commit.outcome !== "prepared") return also.length === 0 ? [] : [requireThat(db, isUnmoved(branch)), ...also]
  // A service whose folder is empty is deleted without a commit, so that the position tells nothing of it.
  const stands = sql`exists (select 1 from services where branch_id = ${branch.branchId} and name = ${service})`
  return [...(service === null ? [] : [requireThat(db, stands)]), ...commit.statements, ...also]
}

/** Sees to it that the bytes of a write stand in the bucket. False while a job is removing some of them. */
async function bytesStand(partition: Partition, scope: Scope, write: Write, branch: Branch): Promise<boolean> {
  if (branch.inTheWay.some(({ removedAt }) => removedAt === null)) return false
  const removed = branch.inTheWay.some(({ removedAt }) => mayBeCleared(removedAt, write.startedAt))
  if (!removed && !mayBeCleared(branch.clearedAt, write.startedAt)) return true
  if (write.blobs === null) return false
  await partition.blobs.put(scope.project, write.blobs)
  return true
}

async function blobsOf(writes: readonly FileWrite[]): Promise<Blob[]> {
  return Promise.all(writes.map(async ({ content }) => ({ id: await objectId("blob", content), content })))
}

function versionOf(scope: Scope, path: string, id: ObjectId | null, size: number): FileVersion {
  return { path: inBranch(scope, path), id, size }
}

function onFile(path: string, condition: Condition): (branch: BranchState) => Refusal | null {
  return (branch) => (condition(fileAt(branch, path)) ? null : { outcome: "precondition-failed" })
}

/** The blob of the file that stands at a path; null for a folder, and for nothing. */
function fileAt(branch: BranchState, path: string): ObjectId | null {
  const entry = entryAt(branch.folders, path)
  return entry === null || isFolder(entry) ? null : entry.id
}

function isFolder(entry: TreeEntry): boolean {
  return entry.mode === TREE_MODE
}

function written(write: Write, commitId: ObjectId): WriteOutcome {
  return { outcome: "written", commitId, blobIds: write.changes.flatMap(({ id }) => id ?? []) }
}

/** A refusal whose path, if it has one, is relative to the scope. */
function inScope<T extends Refusal | Missing>(scope: Scope, refusal: T): T {
  return "path" in refusal ? { ...refusal, path: refusal.path.slice(inBranch(scope, "").length) } : refusal
}

const branchHeader = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  return db
    .select({ ...scopeColumns, seq: branchCommits.seq, clearedAt: deletedProjects.clearedAt })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(branchCommits, isHead)
    .leftJoin(deletedProjects, eq(deletedProjects.name, projects.name))
    .where(eq(projects.name, scope.project))
})

const foldersAbove = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  const isAbove = inArray(folders.path, valuesOf(sql.placeholder("paths")))
  return db
    .select({ ...folderColumns, content: trees.content })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(folders, "folders_at_head"),
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), isAbove),
    )
    .innerJoin(trees, and(eq(trees.projectId, projects.id), eq(trees.id, folders.treeId)))
    .where(eq(projects.name, scope.project))
})

/** Reads what a commit on a scope's branch starts from: the head, and the trees above the changed paths. */
async function readBranch(
  partition: Partition,
  scope: Scope,
  changes: readonly FileVersion[],
): Promise<Branch | Missing> {
  const { aside: db } = partition
  const paths = JSON.stringify([...new Set(changes.flatMap((change) => ancestors(change.path)))])
  const blobIds = JSON.stringify([...new Set(changes.flatMap((change) => change.id ?? []))])
  const shape = shapeOf(scope)
  const values = { ...scopeValues(scope), paths, blobIds }
  const [[found], rows, , inTheWay] = await db.batch([
    branchHeader(db, shape, values),
    foldersAbove(db, shape, values),
    takeBack(db, values),
    blobsInTheWay(db, values),
  ])
  const missing = missingOf(scope, found)
  if (missing || !found?.branchId) return missing ?? { outcome: "missing", what: "project" }
  const { projectId, branchId, head, clearedAt } = found
  const standing = rows.map((row): [string, Folder] => [
    row.path,
    { entries: parseTree(row.content), fileCount: row.fileCount },
  ])
  const state = { projectId, branchId, seq: found.seq ?? -1, commitId: head, folders: new Map(standing) }
  return { outcome: "found", state, clearedAt, inTheWay }
}

/** A position of any branch of the project at which `commitId` stands. All of them have the same files. */
function isPosition(commitId: Placeholder): SQL | undefined {
  return and(eq(branchCommits.projectId, projects.id), eq(branchCommits.commitId, commitId))
}

/** The version of a file that stands at the joined position. */
function standsAt(path: Placeholder): SQL | undefined {
  const version = sql`(select max(from_seq) from files as version where version.branch_id = ${branchCommits.branchId}
    and version.path = ${path} and version.from_seq <= ${branchCommits.seq})`
  return and(
    eq(files.branchId, branchCommits.branchId),
    eq(files.path, path),
    eq(files.fromSeq, version),
    or(isNull(files.untilSeq), sql`${files.untilSeq} > ${branchCommits.seq}`),
  )
}

/** Files with one of the keys that `walkKeysBelow` answers. */
const inFolder = and(
  gte(files.walkKey, sql.placeholder("fromWalkKey")),
  lt(files.walkKey, sql.placeholder("untilWalkKey")),
)

/** Where the keys of the files below a folder of the branch (`carts/`) begin, and where those behind them do. */
function walkKeysBelow(prefix: string): { fromWalkKey: string; untilWalkKey: string } {
  const fromWalkKey = walkKey(prefix)
  return { fromWalkKey, untilWalkKey: `${fromWalkKey.slice(0, -1)}\u0002` }
}
