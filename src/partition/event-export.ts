/** All events of a project, the oldest first: what is archived, then what is in the database. Also moves events from one to the other. */
import { and, asc, eq, inArray, sql } from "drizzle-orm"
import { valuesOf } from "./bulk.ts"
import {
  archiveMark,
  type EventPlace,
  isBehind,
  lineOf,
  type PlacedEvent,
  readPlace,
  writePlace,
} from "./event-archive.ts"
import type { Database, Partition } from "./partition.ts"
import { events, jobCursors } from "./schema.ts"
import { through } from "./through.ts"

/** How many events are read at once, and about how many bytes of them. */
const PORTION = { events: 500, bytes: 4_000_000 }

/** The events of a project behind `after` (null: all), each as a line of JSON. Holds one portion in memory. */
export async function* exportEvents(
  { db, archive }: Partition,
  project: string,
  after: EventPlace | null,
): AsyncGenerator<string> {
  let place = after
  let archived: string | null = null
  for (;;) {
    const rows = await readPortion(db, project, { after: place, events: PORTION.events })
    // What has left the database is in the archive by then. Asked in this order, nothing is missed that is moved meanwhile.
    let moved = false
    for await (const portion of archive.portions(project, archived)) {
      archived = portion.key
      if (place !== null && !isBehind(portion.last, place)) continue
      for await (const line of archive.lines(portion)) {
        const at = readPlace(/"sequence":"(\d+-\d+)"\}$/.exec(line)?.[1])
        if (at && (place === null || isBehind(at, place))) yield `${line}\n`
      }
      place = portion.last
      moved = true
    }
    if (moved) continue
    if (rows.length === 0) return
    for (const row of rows) yield `${JSON.stringify(lineOf(row))}\n`
    place = rows.at(-1) ?? place
  }
}

/** Reads the next `events` of a project behind `after` that are from before `cutoff`, or as many as fit. */
async function readPortion(
  db: Database,
  project: string,
  { after, events: most, cutoff }: { after: EventPlace | null; events: number; cutoff?: number },
): Promise<PlacedEvent[]> {
  const { time, seq } = after ?? { time: -1, seq: -1 }
  const inTime = cutoff === undefined ? sql`` : sql`and time < ${cutoff}`
  const next = sql`(select seq, time, sum(length(event)) over (order by time, seq) - length(event) as before
    from (select * from ${through(events, "events_by_project")} where project = ${project}
      and (time, seq) > (${time}, ${seq}) ${inTime} order by time, seq limit ${most}))`
  const [rows] = await db.batch([
    db
      .select({ seq: events.seq, time: events.time, event: events.event })
      .from(events)
      .where(inArray(events.seq, sql`(select seq from ${next} where before < ${PORTION.bytes})`))
      .orderBy(asc(events.time), asc(events.seq)),
  ])
  return rows
}

/**
 * Moves the oldest events, if they are from before `cutoff` (ms since 1970), to the archive: one portion of them, each project's on its own.
 * They are in the archive before they leave the database. Answers how many.
 */
export async function archiveEvents({ db, archive }: Partition, cutoff: number): Promise<number> {
  await removeStrayEvents(db, cutoff)
  let moved = 0
  for (const { project, count } of await oldestProjects(db, cutoff)) {
    // Of each project the oldest by time, which is the order of the archive: none may come later that belongs before it.
    const portion = await readPortion(db, project, { after: null, events: count, cutoff })
    if (portion.length === 0) continue
    const key = await archive.put(project, portion)
    const gone = await removeArchived(db, project, portion)
    // The project was deleted meanwhile, and its events with it; or older ones were imported, which belong before these.
    if (gone === 0) await archive.remove(key)
    moved += gone
  }
  return moved
}

/**
 * Removes a portion that is in the archive, and marks how far the archive goes: an import that has not seen that must not put anything
 * before. Nothing is removed when one did. Answers how many events are gone.
 */
async function removeArchived(db: Database, project: string, portion: readonly PlacedEvent[]): Promise<number> {
  const seqs = valuesOf(JSON.stringify(portion.map(({ seq }) => seq)))
  const { time, seq } = portion.at(-1) ?? { time: -1, seq: -1 }
  const isWhole = sql`not exists (select 1 from ${through(events, "events_by_project")}
    where project = ${project} and (time, seq) < (${time}, ${seq}) and seq not in ${seqs})`
  const cursor = writePlace({ time, seq })
  const [, gone] = await db.batch([
    db
      .insert(jobCursors)
      .select(sql`select ${archiveMark(project)}, ${cursor} from projects where name = ${project} and ${isWhole}`)
      .onConflictDoUpdate({ target: jobCursors.job, set: { cursor } }),
    db
      .delete(events)
      .where(and(eq(events.project, project), inArray(events.seq, seqs), isWhole))
      .returning({ seq: events.seq }),
  ])
  return gone.length
}

/**
 * Removes events from before `cutoff` that name a project that does not exist. They are not archived: what is in the bucket
 * under a name would be shown as the history of a later project.
 */
async function removeStrayEvents(db: Database, cutoff: number): Promise<void> {
  const oldest = sql`(select seq, project, time from events order by seq limit ${PORTION.events})`
  const stray = sql`(select seq from ${oldest} where time < ${cutoff} and not ${isOfLivingProject})`
  await db.batch([db.delete(events).where(inArray(events.seq, stray))])
}

/** Whether an event is of a project that exists, or of none. */
const isOfLivingProject = sql`(project = '' or project in (select name from projects))`

/** The projects that the events belong to that were stored first, one portion of them, and how many are of each. */
async function oldestProjects(db: Database, cutoff: number): Promise<{ project: string; count: number }[]> {
  const oldest = sql`(select project, time, sum(length(event)) over (order by seq) - length(event) as before
    from (select * from events order by seq limit ${PORTION.events}))`
  const [rows] = await db.batch([
    db
      .select({ project: sql<string>`project`.as("project"), count: sql<number>`count(*)`.as("count") })
      .from(oldest)
      .where(sql`before < ${PORTION.bytes} and time < ${cutoff} and ${isOfLivingProject}`)
      .groupBy(sql`project`),
  ])
  return rows
}
