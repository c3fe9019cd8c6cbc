/** Whether the storage of a region can be reached, and what it tells of itself. */
import { asc } from "drizzle-orm"
import { type DatabaseStatus, readDatabaseStatus } from "../lib/job-runs.ts"
import type { Partition } from "./partition.ts"
import { events } from "./schema.ts"

/** What the database tells, with the time (ms since 1970) of the event that was stored first. Throws when it cannot be reached. */
export async function readPartitionStatus({
  db,
}: Partition): Promise<{ database: DatabaseStatus; oldestEvent: number | null }> {
  const [database, [[oldest]]] = await Promise.all([
    readDatabaseStatus(db),
    db.batch([db.select({ time: events.time }).from(events).orderBy(asc(events.seq)).limit(1)]),
  ])
  return { database, oldestEvent: oldest?.time ?? null }
}
