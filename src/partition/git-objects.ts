/** Commits and trees read back, in portions that fit into memory. */
import { and, eq, inArray, sql } from "drizzle-orm"
import { type ObjectId, parseTree, type TreeEntry } from "../git/objects.ts"
import type { StoredObject } from "./commit.ts"
import type { Database } from "./partition.ts"
import { commits, files, trees } from "./schema.ts"
import { through } from "./through.ts"

/** About how many bytes one query brings. A single object can be larger, `LARGEST_OBJECT` at most. */
const PORTION_BYTES = 2_000_000
/** How many ids one query asks for. */
const PORTION_IDS = 2_000
/** Contents of as many of the objects as fit into memory, in the order of `ids`; those that are not stored are left out. */
async function readPortion(
  db: Database,
  table: typeof trees | typeof commits,
  projectId: string,
  ids: readonly ObjectId[],
): Promise<StoredObject[]> {
  const json = JSON.stringify(ids.slice(0, PORTION_IDS))
  const sized = sql`(select ${table.id} as id, sum(length(content)) over (order by key) - length(content) as before
    from json_each(${json}) cross join ${table} where project_id = ${projectId} and ${table.id} = value)`
  const fitting = sql`(select id from ${sized} where before < ${PORTION_BYTES})`
  const [rows] = await db.batch([
    db
      .select({ id: table.id, content: table.content })
      .from(table)
      .where(and(eq(table.projectId, projectId), inArray(table.id, fitting))),
  ])
  return rows
}

/** Parses as many of the trees `ids` as fit into memory, at least the first two; ones that are not stored are left out. */
export async function readTrees(
  db: Database,
  projectId: string,
  ids: readonly ObjectId[],
): Promise<Map<ObjectId, TreeEntry[]>> {
  const rows = await readPortion(db, trees, projectId, ids)
  return new Map(rows.map(({ id, content }) => [id, parseTree(content)]))
}

/** The contents of all of `ids`, portion by portion. Throws when one is not stored: what commits name is. */
export async function* readObjects(
  db: Database,
  type: "commit" | "tree",
  projectId: string,
  ids: readonly ObjectId[],
): AsyncGenerator<StoredObject> {
  let left: readonly ObjectId[] = ids
  while (left.length > 0) {
    const rows = await readPortion(db, type === "tree" ? trees : commits, projectId, left)
    if (rows.length === 0) throw new Error(`the ${type} ${left[0]} is named but not stored`)
    yield* rows
    const read = new Set(rows.map(({ id }) => id))
    left = left.filter((id) => !read.has(id))
  }
}

/** The query for the sizes of those of `ids` that files of the project have or had, in bytes. */
export function blobSizes(db: Database, projectId: string, ids: readonly ObjectId[]) {
  // One file of each blob: there may be any number of them.
  const size = sql`(select size from ${through(files, "files_by_blob")} where blob_id = value
    and branch_id in (select id from branches where project_id = ${projectId}) limit 1)`
  return db
    .selectDistinct({ id: sql<string>`id`.as("id"), size: sql<number>`size`.as("size") })
    .from(sql`(select value as id, ${size} as size from json_each(${JSON.stringify(ids)})) as sized`)
    .where(sql`size is not null`)
}

/** What is read of a commit to find its parents and its time, in bytes: a thousand of them fit into memory. */
export const COMMIT_HEAD = 8_000
/** The beginning of a commit as text, for `readHeader`. */
export const headOfCommit = sql`cast(substr(${commits.content}, 1, ${COMMIT_HEAD}) as text)`

/** Whether everything down to the committer of a commit stands in its first `COMMIT_HEAD` bytes. */
export function hasShortHead(commit: Uint8Array): boolean {
  return /\ncommitter [^\n]*\n/.test(new TextDecoder().decode(commit.subarray(0, COMMIT_HEAD)))
}

/** Reads the parents and the committer's time from the beginning of a commit. */
export function readHeader(header: string): { parents: ObjectId[]; time: number } {
  // Only those that stand where git reads them: whoever makes a commit may put any lines behind them.
  const [before = ""] = header.split("\nauthor ", 1)
  const parents = [...before.matchAll(/^parent ([0-9a-f]{40})$/gm)].flatMap(([, id]) => id ?? [])
  const time = Number(/^committer .* (\d+) [+-]\d{4}$/m.exec(header)?.[1] ?? 0)
  return { parents, time }
}
