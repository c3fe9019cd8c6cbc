/** How many events there were, counted as they come, so that statistics need not read them. */
import { and, asc, count, gte, inArray, lt, lte, ne, sql } from "drizzle-orm"
import type { Reach } from "../lib/principal.ts"
import { jsonChunks, valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { eventCounts, type KeptnEvent } from "./schema.ts"

/** The length of a bucket, in milliseconds: Keptn's. */
const BUCKET_MILLISECONDS = 30 * 60 * 1000

/** The statement that counts an event. */
export function countEvent(db: Database, event: KeptnEvent, project: string, service: string): Statement {
  const { type, source } = event
  const time = Date.parse(event.time)
  return db
    .insert(eventCounts)
    .values({ bucket: bucketOf(time), project, service, type, source, count: 1 })
    .onConflictDoUpdate({
      target: [eventCounts.bucket, eventCounts.project, eventCounts.service, eventCounts.type, eventCounts.source],
      set: { count: sql`${eventCounts.count} + 1` },
    })
}

/** The statements that count events of a project, which may be old: those whose counters are gone are left out. */
export function countEvents(db: Database, project: string, counted: readonly KeptnEvent[]): Statement[] {
  const oldest = Date.now() - COUNTER_LIFETIME
  const rows = counted.map((event) => {
    const { type, source, data } = event
    const service = typeof data["service"] === "string" ? data["service"] : ""
    return { bucket: bucketOf(Date.parse(event.time)), service, type, source }
  })
  return jsonChunks(rows.filter(({ bucket }) => bucket >= oldest)).map((json) =>
    db
      .insert(eventCounts)
      .select(
        sql`select value ->> 'bucket', ${project}, value ->> 'service', value ->> 'type', value ->> 'source', count(*)
          from json_each(${json}) where exists (select 1 from projects where name = ${project}) group by 1, 2, 3, 4, 5`,
      )
      .onConflictDoUpdate({
        target: [eventCounts.bucket, eventCounts.project, eventCounts.service, eventCounts.type, eventCounts.source],
        set: { count: sql`${eventCounts.count} + excluded.count` },
      }),
  )
}

/** How many events of a type a source sent about a service in a time. */
export interface EventCount {
  project: string
  service: string
  type: string
  source: string
  count: number
}

/** How many counters one question may read: to sum up more would keep the database from others for too long. */
export const MOST_COUNTERS = 50_000
/** How long a counter is kept. */
const COUNTER_LIFETIME = 400 * 24 * 60 * 60 * 1000

/** When the half hour began in which `time` is. Both in ms since 1970. */
export function bucketOf(time: number): number {
  return Math.floor(time / BUCKET_MILLISECONDS) * BUCKET_MILLISECONDS
}

/**
 * The sums of all buckets that a window touches, of services of the projects in `visible`, in the order of their names; null when
 * the window holds more than `MOST_COUNTERS` counters. It reads the window's counters twice, of all projects: the key begins with
 * the bucket.
 */
export async function sumEventCounts(
  { db }: Partition,
  window: { from: number; to: number },
  visible: Reach,
): Promise<EventCount[] | null> {
  const touched = and(gte(eventCounts.bucket, bucketOf(window.from)), lte(eventCounts.bucket, window.to))
  // Cut off in a query of its own, so that no more is read, whatever is then asked of it.
  const read = db
    .select()
    .from(eventCounts)
    .where(touched)
    .limit(MOST_COUNTERS + 1)
    .as("read")
  const { project, service, type, source } = read
  const [[total], sums] = await db.batch([
    db.select({ total: count() }).from(read),
    db
      .select({ project, service, type, source, count: sql<number>`sum(${read.count})`.as("sum") })
      .from(read)
      .where(and(ne(service, ""), visible.all ? undefined : inArray(project, valuesOf(JSON.stringify(visible.names)))))
      .groupBy(project, service, type, source)
      .orderBy(asc(project), asc(service), asc(type), asc(source)),
  ])
  return total && total.total > MOST_COUNTERS ? null : sums
}

/** Removes counters that are too old. Runs by the clock. */
export async function removeExpiredCounts({ db }: Partition, now: number): Promise<void> {
  await db.batch([db.delete(eventCounts).where(lt(eventCounts.bucket, now - COUNTER_LIFETIME))])
}
