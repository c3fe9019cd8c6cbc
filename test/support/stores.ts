/** All that is stored of `eu` and of the organization: kept for later, put back, and read, past the Worker. */
import { env } from "cloudflare:workers"
import { z } from "zod"
import { emptyCache } from "./empty-stores.ts"

/** What was stored at some time. */
export interface SavedStores {
  number: number
  objects: ReadonlySet<string>
}

/** What is stored: the rows of each table, as `plane.table`, and the bytes of each object of the bucket. */
export interface Stores {
  tables: Record<string, Record<string, unknown>[]>
  objects: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

const databases = { eu: env.DB_EU, global: env.DB_GLOBAL }
const nameRows = z.array(z.object({ name: z.string() }))

/** The bytes of every object that was ever seen: what stands under a key never changes. */
const seen = new Map<string, Uint8Array<ArrayBuffer>>()
let saved = 0
let tables: Promise<Map<D1Database, string[]>> | undefined

/** Keeps what is stored now. */
export async function saveStores(): Promise<SavedStores> {
  const number = ++saved
  for (const [database, names] of await tablesOf()) {
    await database.batch(
      names.map((name) => database.prepare(`create table saved_${number}_${name} as select * from ${name}`)),
    )
  }
  return { number, objects: new Set((await readObjects()).keys()) }
}

/** Puts back what was stored then; the cache is emptied. */
export async function restoreStores({ number, objects }: SavedStores): Promise<void> {
  for (const [database, names] of await tablesOf()) {
    await database.batch(
      [
        "pragma defer_foreign_keys = on",
        ...names.map((name) => `delete from ${name}`),
        ...names.map((name) => `insert into ${name} select * from saved_${number}_${name}`),
      ].map((statement) => database.prepare(statement)),
    )
  }
  const there = await objectKeys()
  const gone = [...there].filter((key) => !objects.has(key))
  if (gone.length > 0) await env.BLOBS_EU.delete(gone)
  for (const key of objects) if (!there.has(key)) await env.BLOBS_EU.put(key, seen.get(key) ?? new Uint8Array())
  await emptyCache(env.CACHE_EU)
}

/** Reads everything. */
export async function readStores(): Promise<Stores> {
  const read: Stores["tables"] = {}
  for (const [plane, database] of Object.entries(databases)) {
    const names = (await tablesOf()).get(database) ?? []
    const results = await database.batch<Record<string, unknown>>(
      names.map((name) => database.prepare(`select * from ${name}`)),
    )
    for (const [index, name] of names.entries()) read[`${plane}.${name}`] = results[index]?.results ?? []
  }
  return { tables: read, objects: await readObjects() }
}

function tablesOf(): Promise<Map<D1Database, string[]>> {
  tables ??= readTables()
  return tables
}

async function readTables(): Promise<Map<D1Database, string[]>> {
  const found = new Map<D1Database, string[]>()
  for (const database of Object.values(databases)) {
    const { results } = await database.prepare("select name from sqlite_master where type = 'table'").all()
    const names = nameRows.parse(results).map(({ name }) => name)
    found.set(
      database,
      names.filter((name) => !/^(sqlite_|_cf_|d1_|saved_)/.test(name)),
    )
  }
  return found
}

async function objectKeys(): Promise<Set<string>> {
  return new Set((await env.BLOBS_EU.list()).objects.map(({ key }) => key))
}

async function readObjects(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const key of await objectKeys()) {
    const bytes = seen.get(key) ?? new Uint8Array((await (await env.BLOBS_EU.get(key))?.arrayBuffer()) ?? [])
    seen.set(key, bytes)
    objects.set(key, bytes)
  }
  return objects
}
