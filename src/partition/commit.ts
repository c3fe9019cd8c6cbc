/** One commit on one branch, as the statements that store it. */
import { sql } from "drizzle-orm"
import type { BatchItem } from "drizzle-orm/batch"
import { toHex } from "../lib/bytes.ts"
import { encodeCommit, type ObjectId, objectId, parseTree, type Signature } from "../git/objects.ts"
import {
  type FileChange,
  type Folder,
  type NewFolder,
  type NewTrees,
  type NoTrees,
  updateTrees,
} from "../git/tree-update.ts"
import { jsonChunks, valuesOf } from "./bulk.ts"
import type { Database } from "./partition.ts"
import { branchCommits, commits, files, folders, trees } from "./schema.ts"
import { through } from "./through.ts"

/** Statements that some caller commits in one batch. */
export type Statement = BatchItem<"sqlite">

/** A file to be written (`id` and `size` of its blob) or removed (`id` null). Paths are those in the branch. */
export interface FileVersion extends FileChange {
  size: number
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

/** A commit that is ready to be stored, with the branch as it will stand then (as far as it changed); or why there is none. */
export type PreparedCommit =
  | { outcome: "prepared"; id: ObjectId; statements: Statement[]; after: BranchState }
  | NoTrees
  | { outcome: "folder-too-large"; path: string }

/**
 * The largest tree object that is stored, in bytes: about 20,000 entries in one folder. Trees travel to D1 as hexadecimal in a
 * bound value, which holds 2 MB.
 */
const LARGEST_TREE = 900_000

/** Computes the commit that makes `changes` on `branch`, with git's own ids. Nothing is stored. */
export async function prepareCommit(
  db: Database,
  branch: BranchState,
  changes: readonly FileVersion[],
  author: Signature,
  message: string,
): Promise<PreparedCommit> {
  const update = await updateTrees(branch.folders, changes)
  if (update.outcome !== "updated") return update
  const tooLarge = update.folders.find((folder) => folder.content.length > LARGEST_TREE)
  if (tooLarge) return { outcome: "folder-too-large", path: tooLarge.path }
  const content = encodeCommit({ tree: update.root, parent: branch.commitId, author, message })
  const id = await objectId("commit", content)
  const { projectId, branchId } = branch
  const seq = branch.seq + 1
  const statements: Statement[] = [
    // First, so that a racing batch fails before it does any other work.
    db.insert(branchCommits).values({ branchId, seq, projectId, commitId: id }),
    // Two stages with the same history make the same commit.
    db
      .insert(commits)
      .values({ projectId, id, treeId: update.root, content: Buffer.from(content) })
      .onConflictDoNothing(),
    ...treeStatements(db, projectId, update.folders),
    ...folderStatements(db, branchId, seq, update),
    ...fileStatements(db, branchId, seq, update.changed),
  ]
  const after = update.folders.map((folder): [string, Folder] => [
    folder.path,
    { entries: parseTree(folder.content), fileCount: folder.fileCount },
  ])
  const state = { projectId, branchId, seq, commitId: id, folders: new Map(after) }
  return { outcome: "prepared", id, statements, after: state }
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

function treeStatements(db: Database, projectId: string, newFolders: readonly NewFolder[]): Statement[] {
  const rows = newFolders.map((folder) => ({ id: folder.id, content: toHex(folder.content) }))
  return jsonChunks(rows).map((json) =>
    db
      .insert(trees)
      .select(sql`select ${projectId}, value ->> 'id', unhex(value ->> 'content') from json_each(${json}) where true`)
      .onConflictDoNothing(),
  )
}

function folderStatements(db: Database, branchId: string, seq: number, update: NewTrees<FileVersion>): Statement[] {
  const ended = [...update.folders.map((folder) => folder.path), ...update.removed]
  const rows = update.folders.map(({ path, id, fileCount }) => ({ path, id, fileCount }))
  return [
    ...jsonChunks(ended).map((json) =>
      db
        .update(folders)
        .set({ untilSeq: seq })
        .where(
          sql`(branch_id, path, from_seq) in (select branch_id, path, from_seq from ${through(folders, "folders_at_head")}
            where branch_id = ${branchId} and until_seq is null and path in ${valuesOf(json)})`,
        ),
    ),
    ...jsonChunks(rows).map((json) =>
      db.insert(folders)
        .select(sql`select ${branchId}, value ->> 'path', ${seq}, null, value ->> 'id', value ->> 'fileCount'
        from json_each(${json})`),
    ),
  ]
}

function fileStatements(db: Database, branchId: string, seq: number, changed: readonly FileVersion[]): Statement[] {
  const ended = changed.map((change) => walkKey(change.path))
  const rows = changed
    .filter((change) => change.id !== null)
    .map(({ path, id, size }) => ({ path, walkKey: walkKey(path), id, size }))
  return [
    ...jsonChunks(ended).map((json) =>
      db
        .update(files)
        .set({ untilSeq: seq })
        .where(
          sql`(branch_id, path, from_seq) in (select branch_id, path, from_seq from ${through(files, "files_at_head")}
            where branch_id = ${branchId} and until_seq is null and walk_key in ${valuesOf(json)})`,
        ),
    ),
    ...jsonChunks(rows).map((json) =>
      db.insert(files).select(sql`select ${branchId}, value ->> 'path', value ->> 'walkKey', ${seq}, null,
        value ->> 'id', value ->> 'size' from json_each(${json})`),
    ),
  ]
}
