/** Keptn events of a region: appended, queried newest first, never changed. */
import { and, count, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm"
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core"
import type { Reach } from "../lib/principal.ts"
import { valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { events, type KeptnEvent } from "./schema.ts"

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
export const COUNTED = 1000
/**
 * Pages up to this offset are found by offset, because go-utils compares the page key as a number with the number of
 * pages it was asked for; later ones by key, so that a page costs the same at any depth.
 */
const LAST_OFFSET = 200
/** The largest event that is stored, in bytes of JSON: D1 holds at most 2 MB in a row. */
export const MAX_EVENT_BYTES = 1_000_000

/** The statement that appends `event`. */
export function appendEvent(db: Database, event: KeptnEvent): Statement {
  return db.insert(events).values({
    id: event.id,
    project: eventProject(event),
    stage: textOf(event.data["stage"]),
    service: textOf(event.data["service"]),
    context: event.shkeptncontext,
    type: event.type,
    source: event.source,
    time: Date.parse(event.time),
    root: sql`not exists (select 1 from events where context = ${event.shkeptncontext})`,
    event,
  })
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
  const rows = db
    .select({ seq: events.seq, time: events.time, event: events.event })
    .from(events)
    .where(and(matching, "seq" in page.start ? olderThan(page.start) : undefined))
    .orderBy(desc(events.time), desc(events.seq))
    .limit(page.size + 1)
    .offset("offset" in page.start ? page.start.offset : 0)
  const counted = db
    .select({ one: sql`1` })
    .from(events)
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

/**
 * The conditions of a query, led by the one whose index finds fewest rows. The others are kept from SQLite's choice of an
 * index by a unary plus, so that a query reads what its leading condition matches and nothing else.
 */
function conditions(filter: EventFilter): SQL[] {
  const leading = leadingColumn(filter)
  const equal = (column: AnySQLiteColumn, value: string | undefined): SQL[] => {
    if (value === undefined) return []
    return [leading.includes(column) ? eq(column, value) : sql`+${column} = ${value}`]
  }
  const project = filter.project ?? (filter.context === undefined && filter.id === undefined ? "" : undefined)
  return [
    ...equal(events.id, filter.id),
    ...equal(events.context, filter.context),
    ...equal(events.project, project),
    ...equal(events.type, filter.type),
    ...equal(events.stage, filter.stage),
    ...equal(events.service, filter.service),
    ...equal(events.source, filter.source),
    ...(filter.rootOnly ? [eq(events.root, sql`1`)] : []),
    ...(filter.after === undefined ? [] : [gt(events.time, filter.after)]),
    ...(filter.before === undefined ? [] : [lt(events.time, filter.before)]),
  ]
}

function leadingColumn(filter: EventFilter): AnySQLiteColumn[] {
  if (filter.id !== undefined) return [events.id]
  if (filter.context !== undefined) return [events.context]
  return filter.type !== undefined && !filter.rootOnly ? [events.project, events.type] : [events.project]
}

function within(visible: Reach): SQL | undefined {
  if (visible.all) return undefined
  return inArray(sql`+${events.project}`, valuesOf(JSON.stringify(visible.names)))
}

function olderThan(position: { time: number; seq: number }): SQL {
  return sql`(${events.time}, ${events.seq}) < (${position.time}, ${position.seq})`
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}
