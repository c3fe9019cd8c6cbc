/** Keptn events of a region: appended, queried newest first, never changed. */
import { and, count, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm"
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core"
import type { Reach } from "../lib/principal.ts"
import { valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import { countEvent } from "./event-counts.ts"
import type { Database, Partition } from "./partition.ts"
import { events, type KeptnEvent } from "./schema.ts"
import { noteServiceEvent } from "./service-events.ts"
import { through } from "./through.ts"

/** What an event query may ask for; what is absent is not asked. Times are milliseconds since 1970, both exclusive. */
export interface EventFilter {
  project?: string | undefined
  stage?: string | undefined
  service?: string | undefined
  context?: string | undefined
  type?: string | undefined
  source?: string | undefined
  id?: string | undefined
  after?: number | undefined
  before?: number | undefined
  rootOnly: boolean
}

/** Where a page starts: after so many events, or after the event with this time and position. */
export type EventPosition = { offset: number } | { time: number; seq: number }

/** A page of events. `total` counts all that match, null when there are more than `COUNTED`. */
export interface EventPage {
  events: KeptnEvent[]
  total: number | null
  /** Where the next page starts; null on the last one. */
  next: EventPosition | null
}

/** Totals up to this number are exact; beyond it they are not counted, because counting reads every row. */
const COUNTED = 1000
/**
 * Pages up to this offset are found by offset, because go-utils compares the page key as a number with the number of
 * pages it was asked for; later ones by key, so that a page costs the same at any depth.
 */
const LAST_OFFSET = 200
/** The largest event that is stored, in bytes of JSON: D1 holds at most 2 MB in a row. */
export const MAX_EVENT_BYTES = 1_000_000

/** The statements that append `event`, and keep what is told of services and counted by means of it. */
export function appendEvent(db: Database, event: KeptnEvent): Statement[] {
  const project = eventProject(event)
  const stage = textOf(event.data["stage"])
  const service = textOf(event.data["service"])
  const append = db.insert(events).values({
    id: event.id,
    project,
    stage,
    service,
    context: event.shkeptncontext,
    type: event.type,
    source: event.source,
    time: Date.parse(event.time),
    root: sql`not exists (select 1 from events where context = ${event.shkeptncontext})`,
    triggeredId: event.triggeredid ?? null,
    event,
  })
  const ofService = project !== "" && stage !== "" && service !== ""
  return [
    append,
    ...(project === "" ? [] : [countEvent(db, event, project, service)]),
    ...(ofService ? noteServiceEvent(db, event, { project, stage, service }) : []),
  ]
}

/** Appends events, all or none of them, in one trip. */
export async function appendEvents(db: Database, appended: readonly KeptnEvent[]): Promise<void> {
  const [first, ...others] = appended.flatMap((event) => appendEvent(db, event))
  if (first) await db.batch([first, ...others])
}

/** The project an event belongs to, "" for none. */
export function eventProject(event: { data: Record<string, unknown> }): string {
  return textOf(event.data["project"])
}

/**
 * Finds events, newest first, among those of the projects in `visible`. Without a project and a context only events of no
 * project are searched, as in Keptn.
 */
export async function findEvents(
  partition: Partition,
  filter: EventFilter,
  visible: Reach,
  page: { start: EventPosition; size: number },
): Promise<EventPage> {
  const { db } = partition
  const matching = and(...conditions(filter), within(visible))
  const source = through(events, leadingIndex(filter))
  const rows = db
    .select({
      seq: sql<number>`${events.seq}`,
      time: sql<number>`${events.time}`,
      event: sql`${events.event}`.mapWith(events.event),
    })
    .from(source)
    .where(and(matching, "seq" in page.start ? olderThan(page.start) : undefined))
    .orderBy(desc(events.time), desc(events.seq))
    .limit(page.size + 1)
    .offset("offset" in page.start ? page.start.offset : 0)
  const counted = db
    .select({ one: sql`1`.as("one") })
    .from(source)
    .where(matching)
    .limit(COUNTED + 1)
    .as("counted")
  const [found, [total]] = await db.batch([rows, db.select({ total: count() }).from(counted)])
  const shown = found.slice(0, page.size)
  return {
    events: shown.map((row) => row.event),
    total: total && total.total <= COUNTED ? total.total : null,
    next: found.length > page.size ? nextPosition(page, shown.at(-1)) : null,
  }
}

function nextPosition(
  page: { start: EventPosition; size: number },
  last: { time: number; seq: number } | undefined,
): EventPosition | null {
  const offset = "offset" in page.start ? page.start.offset + page.size : LAST_OFFSET + 1
  return offset <= LAST_OFFSET ? { offset } : ((last && { time: last.time, seq: last.seq }) ?? null)
}

function conditions(filter: EventFilter): SQL[] {
  const project = filter.project ?? (filter.context === undefined && filter.id === undefined ? "" : undefined)
  return [
    ...equal(events.id, filter.id),
    ...equal(events.context, filter.context),
    ...equal(events.project, project),
    ...equal(events.type, filter.type),
    ...equal(events.stage, filter.stage),
    ...equal(events.service, filter.service),
    ...equal(events.source, filter.source),
    // Written out, not bound: an index with a condition serves only queries that say the same.
    ...(filter.rootOnly ? [eq(events.root, sql`1`)] : []),
    ...(filter.after === undefined ? [] : [gt(events.time, filter.after)]),
    ...(filter.before === undefined ? [] : [lt(events.time, filter.before)]),
  ]
}

function equal(column: AnySQLiteColumn, value: string | undefined): SQL[] {
  return value === undefined ? [] : [eq(column, value)]
}

/** The index that finds fewest rows for a query: what it matches is all that is read. */
function leadingIndex(filter: EventFilter): string {
  if (filter.id !== undefined) return "events_by_id"
  if (filter.context !== undefined) return "events_by_context"
  if (filter.rootOnly) return "events_roots"
  return filter.type === undefined ? "events_by_project" : "events_by_type"
}

/** Only events of the projects in `visible`. */
export function within(visible: Reach): SQL | undefined {
  if (visible.all) return undefined
  return inArray(events.project, valuesOf(JSON.stringify(visible.names)))
}

function olderThan(position: { time: number; seq: number }): SQL {
  return sql`(${events.time}, ${events.seq}) < (${position.time}, ${position.seq})`
}

/** A text of an event's data; what is none counts as absent. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}
