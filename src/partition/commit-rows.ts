/** The statements that store the rows of commits, any number of which travel as JSON in one value. */
import { sql } from "drizzle-orm"
import { prepareOnce } from "./prepared.ts"
import { branchCommits, commits, files, folders, trees } from "./schema.ts"
import { through } from "./through.ts"

const projectId = sql.placeholder("projectId")
const branchId = sql.placeholder("branchId")
const rows = sql`json_each(${sql.placeholder("json")})`

/** Adds positions to a branch. */
export const insertPositions = prepareOnce((db) =>
  db.insert(branchCommits).select(sql`select ${branchId}, value ->> 'seq', ${projectId}, value ->> 'id' from ${rows}`),
)

/** Stores commits of a project. */
export const insertCommits = prepareOnce((db) =>
  db
    .insert(commits)
    .select(sql`select ${projectId}, value ->> 'id', value ->> 'treeId', unhex(value ->> 'content')
      from ${rows} where true`)
    // Two stages with the same history make the same commit.
    .onConflictDoNothing(),
)

/** Stores trees of a project. */
export const insertTrees = prepareOnce((db) =>
  db
    .insert(trees)
    .select(sql`select ${projectId}, value ->> 'id', unhex(value ->> 'content') from ${rows} where true`)
    .onConflictDoNothing(),
)

// The rows at the head end by an upsert, because it can say which way to look for them: an update cannot.

/** Ends the rows of folders at the head. */
export const endFolders = prepareOnce((db) =>
  db
    .insert(folders)
    .select(sql`select folders.branch_id, folders.path, from_seq, value ->> 'until', tree_id, file_count
      from ${rows} cross join ${through(folders, "folders_at_head")}
      where branch_id = ${branchId} and until_seq is null and folders.path = value ->> 'path'`)
    .onConflictDoUpdate({
      target: [folders.branchId, folders.path, folders.fromSeq],
      set: { untilSeq: sql`excluded.until_seq` },
    }),
)

/** Adds rows of folders to a branch. */
export const insertFolders = prepareOnce((db) =>
  db.insert(folders).select(sql`select ${branchId}, value ->> 'path', value ->> 'from', value ->> 'until',
      value ->> 'id', value ->> 'fileCount' from ${rows}`),
)

/** Ends the rows of files at the head. */
export const endFiles = prepareOnce((db) =>
  db
    .insert(files)
    .select(sql`select branch_id, files.path, walk_key, from_seq, value ->> 'until', blob_id, size
      from ${rows} cross join ${through(files, "files_at_head")}
      where branch_id = ${branchId} and until_seq is null and walk_key = value ->> 'walkKey'`)
    .onConflictDoUpdate({
      target: [files.branchId, files.path, files.fromSeq],
      set: { untilSeq: sql`excluded.until_seq` },
    }),
)

/** Adds rows of files to a branch. */
export const insertFiles = prepareOnce((db) =>
  db.insert(files).select(sql`select ${branchId}, value ->> 'path', value ->> 'walkKey', value ->> 'from',
      value ->> 'until', value ->> 'id', value ->> 'size' from ${rows}`),
)
