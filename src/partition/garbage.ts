/**
 * Goes round the stored bytes, one page at a time: removes blobs that no commit names, and looks whether what is stored is still what
 * its id says. docs/storage.md tells why a write and this job never meet.
 */
import { and, eq, isNull, lt, or, type SQL, sql } from "drizzle-orm"
import { objectId, type ObjectType } from "../git/objects.ts"
import { SMALL_BLOB, type StoredBlob } from "./blobs.ts"
import { jsonChunks } from "./bulk.ts"
import type { Partition } from "./partition.ts"
import { commits, files, jobCursors, trees, unnamedBlobs } from "./schema.ts"
import { through } from "./through.ts"

/** What one run did. `damaged` names the objects that are not what their ids say; `finished`: the round is complete. */
export interface GarbageReport {
  listed: number
  marked: number
  removed: number
  checked: number
  damaged: string[]
  finished: boolean
}

const MINUTE = 60_000
/** A write has named its blobs long before they are this old. */
const OLD = 24 * 60 * MINUTE
/** From its mark to its removal a blob can be taken back: longer than a write takes from its look at the marks to its commit. */
const MARKED = 10 * MINUTE
/** A removal that was cut off is taken up again after this time: no run takes as long, so two never remove the same. */
const TAKEN = 30 * MINUTE
/** How long it is known that a blob was removed: longer than a write takes from putting its blobs to its look at the marks. */
const REMOVED = 10 * MINUTE
/** How many blobs are removed in one run; the bucket deletes as many at once. */
const REMOVED_AT_ONCE = 1000
/** How many blobs, commits and trees of each run are checked. */
const SAMPLE = 10
const JOB = "garbage"

/** Makes one step of the round. `now` in ms since 1970. Runs by the clock. */
export async function collectGarbage(partition: Partition, now: number): Promise<GarbageReport> {
  const removed = await removeMarked(partition, now)
  const page = await partition.blobs.list(await readCursor(partition))
  const old = page.blobs.filter(({ storedAt }) => storedAt < now - OLD)
  const uploads = old.filter(({ id }) => id === null).map(({ key }) => key)
  await partition.blobs.remove(uploads)
  const marked = await mark(partition, old, now)
  const checks = [...(await checkBlobs(partition, page.blobs)), ...(await checkStructure(partition))]
  await writeCursor(partition, page.cursor)
  return {
    listed: page.blobs.length,
    marked,
    removed: removed + uploads.length,
    checked: checks.length,
    damaged: checks.flatMap(({ name, sound }) => (sound ? [] : name)),
    finished: page.cursor === null,
  }
}

/** Whether a commit of the project names the blob. Looked up by branch: any number of files elsewhere may have the same bytes. */
const isNamed = sql`exists (select 1 from projects cross join branches cross join ${through(files, "files_by_blob")}
  where projects.name = unnamed_blobs.project and branches.project_id = projects.id
  and files.branch_id = branches.id and files.blob_id = unnamed_blobs.blob_id)`

/** Removes the bytes of blobs that were marked long enough ago, and are still not named; answers how many. */
async function removeMarked({ db, blobs }: Partition, now: number): Promise<number> {
  const isFree = or(isNull(unnamedBlobs.takenAt), lt(unnamedBlobs.takenAt, now - TAKEN))
  const isDue = and(isNull(unnamedBlobs.removedAt), lt(unnamedBlobs.markedAt, now - MARKED), isFree)
  const some = sql`(project, blob_id) in (select project, blob_id from unnamed_blobs where ${isDue} limit ${REMOVED_AT_ONCE})`
  const [, , taken] = await db.batch([
    db.delete(unnamedBlobs).where(lt(unnamedBlobs.removedAt, now - REMOVED)),
    // Named after all: by a write that put it before it was marked.
    db.delete(unnamedBlobs).where(and(isNull(unnamedBlobs.takenAt), isNamed)),
    db
      .update(unnamedBlobs)
      .set({ takenAt: now })
      .where(some)
      .returning({ project: unnamedBlobs.project, id: unnamedBlobs.blobId }),
  ])
  if (taken.length === 0) return 0
  await blobs.removeBlobs(taken)
  const ours = and(eq(unnamedBlobs.takenAt, now), isNull(unnamedBlobs.removedAt))
  await db.batch([db.update(unnamedBlobs).set({ removedAt: now }).where(ours)])
  return taken.length
}

/** Marks those of `stored` that no commit names; answers how many are new. */
async function mark({ db }: Partition, stored: readonly StoredBlob[], now: number): Promise<number> {
  const rows = stored.flatMap(({ project, id }) => (id === null ? [] : [{ project, id }]))
  let marked = 0
  for (const json of jsonChunks(rows)) {
    const [added] = await db.batch([
      db
        .insert(unnamedBlobs)
        .select(
          sql`select project, blob_id, ${now}, null, null from (select value ->> 'project' as project,
            value ->> 'id' as blob_id from json_each(${json})) as unnamed_blobs where not ${isNamed}`,
        )
        .onConflictDoNothing()
        .returning({ id: unnamedBlobs.blobId }),
    ])
    marked += added.length
  }
  return marked
}

/** What a check found of one object. */
interface Check {
  name: string
  sound: boolean
}

async function checkBlobs({ blobs }: Partition, listed: readonly StoredBlob[]): Promise<Check[]> {
  const small = listed.filter(({ id, size }) => id !== null && size <= SMALL_BLOB)
  const sample =
    small.length === 0 ? [] : Array.from({ length: SAMPLE }, () => Math.floor(Math.random() * small.length))
  const checks: Check[] = []
  for (const index of new Set(sample)) {
    const { project, id, key } = small[index] ?? { project: "", id: null, key: "" }
    const content = id === null ? null : await blobs.find(project, id, SMALL_BLOB)
    // Nothing is wrong with one that was removed since it was listed.
    if (content instanceof Uint8Array) checks.push({ name: key, sound: (await objectId("blob", content)) === id })
  }
  return checks
}

/** Checks commits and trees from a random one on. */
async function checkStructure({ db }: Partition): Promise<Check[]> {
  const [commitRows, treeRows] = await db.batch([
    db.select({ id: commits.id, content: commits.content }).from(commits).where(fromRandom(commits)).limit(SAMPLE),
    db.select({ id: trees.id, content: trees.content }).from(trees).where(fromRandom(trees)).limit(SAMPLE),
  ])
  return [...(await checkAll("commit", commitRows)), ...(await checkAll("tree", treeRows))]
}

/** From a random row on, in the order in which rows were stored: by random ids of projects, some would never be found. */
function fromRandom(table: typeof commits | typeof trees): SQL {
  return sql`rowid >= (select cast(max(rowid) * ${Math.random()} as integer) from ${table})`
}

async function checkAll(type: ObjectType, rows: readonly { id: string; content: Uint8Array }[]): Promise<Check[]> {
  return Promise.all(
    rows.map(async ({ id, content }) => ({ name: `${type} ${id}`, sound: (await objectId(type, content)) === id })),
  )
}

async function readCursor({ db }: Partition): Promise<string | null> {
  const [[row]] = await db.batch([db.select().from(jobCursors).where(eq(jobCursors.job, JOB))])
  return row?.cursor ?? null
}

async function writeCursor({ db }: Partition, cursor: string | null): Promise<void> {
  await db.batch([
    db.insert(jobCursors).values({ job: JOB, cursor }).onConflictDoUpdate({ target: jobCursors.job, set: { cursor } }),
  ])
}
