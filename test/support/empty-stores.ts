/** Empties what the tests of an earlier file stored: files that run one after another share an isolate and its storage. */
import { env } from "cloudflare:workers"
import { z } from "zod"

const nameRows = z.array(z.object({ name: z.string() }))

/** Removes every row, object and cached value of all regions and of the organization. The tables stay. */
export async function emptyStores(): Promise<void> {
  const databases = [env.DB_GLOBAL, env.DB_EU, env.DB_US].map(emptyDatabase)
  const buckets = [env.BLOBS_EU, env.BLOBS_US].map(emptyBucket)
  const caches = [env.CACHE_EU, env.CACHE_US].map(emptyCache)
  await Promise.all([...databases, ...buckets, ...caches])
}

/** Removes every value of a KV namespace. */
export async function emptyCache(cache: KVNamespace): Promise<void> {
  const { keys } = await cache.list()
  await Promise.all(keys.map(({ name }) => cache.delete(name)))
  if (keys.length > 0) await emptyCache(cache)
}

async function emptyDatabase(database: D1Database): Promise<void> {
  const { results } = await database
    .prepare(
      "select name from sqlite_master where type = 'table' and name not glob 'sqlite_*' and name not glob '_cf_*'",
    )
    .all()
  const names = nameRows.parse(results).map(({ name }) => name)
  const statements = names
    .filter((name) => name !== "d1_migrations")
    .map((name) => (name.startsWith("saved_") ? `drop table ${name}` : `delete from ${name}`))
  if (statements.length === 0) return
  await database.batch(
    ["pragma defer_foreign_keys = on", ...statements].map((statement) => database.prepare(statement)),
  )
}

async function emptyBucket(bucket: R2Bucket): Promise<void> {
  const { objects, truncated } = await bucket.list()
  if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key))
  if (truncated) await emptyBucket(bucket)
}
