/** Commits on one branch, and the statements that store them. */
import { type SQL, sql } from "drizzle-orm"
import type { BatchItem } from "drizzle-orm/batch"
import { toHex } from "../lib/bytes.ts"
import { encodeCommit, type ObjectId, objectId, parseTree, type Signature } from "../git/objects.ts"
import { type FileChange, type Folder, type NewTrees, type NoTrees, updateTrees } from "../git/tree-update.ts"
import { jsonChunks } from "./bulk.ts"
import type { Database } from "./partition.ts"
import {
  endFiles,
  endFolders,
  insertCommits,
  insertFiles,
  insertFolders,
  insertPositions,
  insertTrees,
} from "./commit-rows.ts"
import { branchCommits, files, folders } from "./schema.ts"

/** Statements that some caller commits in one batch. */
export type Statement = BatchItem<"sqlite">

/** A file to be written (`id` and `size` of its blob) or removed (`id` null). Paths are those in the branch. */
export interface FileVersion extends FileChange {
  size: number
}

/** A folder as a commit leaves it: its tree and how many files are in and below it; `id` null when it is gone. */
export interface FolderVersion {
  path: string
  id: ObjectId | null
  fileCount: number
}

/** Where a branch stands before the commit: its highest position and the trees above all changed paths. */
export interface BranchState {
  projectId: string
  branchId: string
  /** The position of the head; -1 for a branch without commits. */
  seq: number
  commitId: ObjectId | null
  folders: ReadonlyMap<string, Folder>
}

/** A git object with its content. */
export interface StoredObject {
  id: ObjectId
  content: Uint8Array
}

/** The next commit of a branch: its objects, and what differs from the position before it. */
export interface NewCommit extends StoredObject {
  treeId: ObjectId
  /** Trees that may not be stored yet. */
  trees: readonly StoredObject[]
  files: readonly FileVersion[]
  folders: readonly FolderVersion[]
}

/** A commit that is ready to be stored, with the branch as it will stand then; or why there is none. */
export type PreparedCommit =
  | { outcome: "prepared"; commit: NewCommit; after: BranchState }
  | NoTrees
  | { outcome: "folder-too-large"; path: string }

/**
 * The largest tree object that is stored, in bytes: about 20,000 entries in one folder. Trees travel to D1 as hexadecimal in a
 * bound value, which holds 2 MB. Commits are held to the same.
 */
export const LARGEST_OBJECT = 900_000

/** Computes the commit that makes `changes` on `branch`, with git's own ids. Nothing is stored. */
export async function prepareCommit(
  branch: BranchState,
  changes: readonly FileVersion[],
  author: Signature,
  message: string,
): Promise<PreparedCommit> {
  const update = await updateTrees(branch.folders, changes)
  if (update.outcome !== "updated") return update
  const tooLarge = update.folders.find((folder) => folder.content.length > LARGEST_OBJECT)
  if (tooLarge) return { outcome: "folder-too-large", path: tooLarge.path }
  const content = encodeCommit({ tree: update.root, parent: branch.commitId, author, message })
  const id = await objectId("commit", content)
  const commit: NewCommit = {
    id,
    content,
    treeId: update.root,
    trees: update.folders,
    files: update.changed,
    folders: folderVersions(update),
  }
  return { outcome: "prepared", commit, after: stateAfter(branch, update, id) }
}

/** The branch as a commit leaves it, with all folders that were known before. */
function stateAfter(branch: BranchState, update: NewTrees<FileVersion>, commitId: ObjectId): BranchState {
  const known = new Map(branch.folders)
  for (const path of update.removed) known.delete(path)
  for (const { path, content, fileCount } of update.folders) {
    known.set(path, { entries: parseTree(content), fileCount })
  }
  return { ...branch, seq: branch.seq + 1, commitId, folders: known }
}

/**
 * The statements that add `added` to a branch, in this order, behind the position where it stands. A batch that races with
 * another one for a position fails whole.
 */
export function appendCommits(
  db: Database,
  branch: Pick<BranchState, "projectId" | "branchId" | "seq">,
  added: readonly NewCommit[],
): Statement[] {
  const { projectId, branchId } = branch
  const from = branch.seq + 1
  const objects = new Map(added.flatMap((commit) => commit.trees).map((tree) => [tree.id, tree])).values()
  return [
    // First, so that a racing batch fails before it does any other work.
    ...positionStatements(db, branch, added),
    ...commitStatements(db, projectId, added),
    ...treeStatements(db, projectId, [...objects]),
    ...folderStatements(
      db,
      branchId,
      rangesOf(
        added.map((commit) => commit.folders),
        from,
      ),
    ),
    ...fileStatements(
      db,
      branchId,
      rangesOf(
        added.map((commit) => commit.files),
        from,
      ),
    ),
  ]
}

/**
 * The statement by which a batch fails, as if its branch were gone, unless `condition` holds: what was read is no longer so, and has to be read
 * again.
 */
export function requireThat(db: Database, condition: SQL): Statement {
  return db.insert(branchCommits).select(sql`select '', 0, '', '' where (${condition}) is not true`)
}

/** Whether a branch is where it was read. A batch that adds a commit to it need not ask. */
export function isUnmoved({ branchId, seq }: BranchState): SQL {
  return sql`(select max(seq) from branch_commits where branch_id = ${branchId}) = ${seq}`
}

/**
 * The statements that start a branch at a commit that another branch already holds: position 0 with that branch's files and
 * folders at its head.
 */
export function branchFrom(
  db: Database,
  branch: { branchId: string; projectId: string },
  base: BranchState,
): Statement[] {
  const { branchId } = branch
  return [
    db.insert(branchCommits).values({ ...branch, seq: 0, commitId: base.commitId ?? "" }),
    db.insert(folders).select(sql`select ${branchId}, path, 0, null, tree_id, file_count from folders
      where branch_id = ${base.branchId} and until_seq is null`),
    db.insert(files).select(sql`select ${branchId}, path, walk_key, 0, null, blob_id, size from files
      where branch_id = ${base.branchId} and until_seq is null`),
  ]
}

/** The path with its slashes as U+0001, see `files.walkKey`. */
export function walkKey(path: string): string {
  return path.replaceAll("/", "\u0001")
}

/** What is read of a folder that is to be changed, beside its tree. */
export const folderColumns = {
  path: sql<string>`${folders.path}`.as("path"),
  fileCount: sql<number>`${folders.fileCount}`.as("file_count"),
}

function folderVersions(update: NewTrees<FileVersion>): FolderVersion[] {
  return [
    ...update.folders.map(({ path, id, fileCount }) => ({ path, id, fileCount })),
    ...update.removed.map((path) => ({ path, id: null, fileCount: 0 })),
  ]
}

/** A version that will stand from one position (inclusive) until another (exclusive; null: it is the head's). */
type Ranged<Version> = Version & { id: ObjectId; from: number; until: number | null }

/** What a run of commits does to the rows of one kind: where those at the head end, and the new ones. */
interface Ranges<Version> {
  ended: { path: string; until: number }[]
  versions: Ranged<Version>[]
}

/** The ranges in which versions stand when each list of `steps` is one position, the first of them `from`. */
function rangesOf<Version extends { path: string; id: ObjectId | null }>(
  steps: readonly (readonly Version[])[],
  from: number,
): Ranges<Version> {
  const ended = new Map<string, number>()
  const standing = new Map<string, Ranged<Version>>()
  const versions: Ranged<Version>[] = []
  for (const [index, step] of steps.entries()) {
    const seq = from + index
    for (const version of step) {
      const { path, id } = version
      if (!ended.has(path)) ended.set(path, seq)
      const before = standing.get(path)
      if (before) before.until = seq
      standing.delete(path)
      if (id === null) continue
      const ranged = { ...version, id, from: seq, until: null }
      versions.push(ranged)
      standing.set(path, ranged)
    }
  }
  return { ended: Array.from(ended, ([path, until]) => ({ path, until })), versions }
}

function positionStatements(
  db: Database,
  { projectId, branchId, seq }: Pick<BranchState, "projectId" | "branchId" | "seq">,
  added: readonly NewCommit[],
): Statement[] {
  const rows = added.map(({ id }, index) => ({ seq: seq + 1 + index, id }))
  return jsonChunks(rows).map((json) => insertPositions(db, { projectId, branchId, json }))
}

function commitStatements(db: Database, projectId: string, added: readonly NewCommit[]): Statement[] {
  const rows = added.map(({ id, treeId, content }) => ({ id, treeId, content: toHex(content) }))
  return jsonChunks(rows).map((json) => insertCommits(db, { projectId, json }))
}

function treeStatements(db: Database, projectId: string, added: readonly StoredObject[]): Statement[] {
  const rows = added.map(({ id, content }) => ({ id, content: toHex(content) }))
  return jsonChunks(rows).map((json) => insertTrees(db, { projectId, json }))
}

function folderStatements(db: Database, branchId: string, { ended, versions }: Ranges<FolderVersion>): Statement[] {
  return [
    ...jsonChunks(ended).map((json) => endFolders(db, { branchId, json })),
    ...jsonChunks(versions).map((json) => insertFolders(db, { branchId, json })),
  ]
}

function fileStatements(db: Database, branchId: string, { ended, versions }: Ranges<FileVersion>): Statement[] {
  const keyed = ended.map(({ path, until }) => ({ walkKey: walkKey(path), until }))
  const rows = versions.map(({ path, from, until, id, size }) => ({
    path,
    walkKey: walkKey(path),
    from,
    until,
    id,
    size,
  }))
  return [
    ...jsonChunks(keyed).map((json) => endFiles(db, { branchId, json })),
    ...jsonChunks(rows).map((json) => insertFiles(db, { branchId, json })),
  ]
}
