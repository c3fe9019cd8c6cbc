/** Keptn events of a region: appended, queried newest first, never changed. */
import { and, count, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm"
import type { Reach } from "../lib/principal.ts"
import { valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import { countEvent } from "./event-counts.ts"
import type { Database, Partition } from "./partition.ts"
import { prepareEach } from "./prepared.ts"
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

/** What of a filter is compared, each with the placeholder of its name. */
const COMPARISONS = {
  id: eq(events.id, sql.placeholder("id")),
  context: eq(events.context, sql.placeholder("context")),
  project: eq(events.project, sql.placeholder("project")),
  type: eq(events.type, sql.placeholder("type")),
  stage: eq(events.stage, sql.placeholder("stage")),
  service: eq(events.service, sql.placeholder("service")),
  source: eq(events.source, sql.placeholder("source")),
  after: gt(events.time, sql.placeholder("after")),
  before: lt(events.time, sql.placeholder("before")),
}
type Asked = keyof typeof COMPARISONS
const ASKED: readonly Asked[] = ["id", "context", "project", "type", "stage", "service", "source", "after", "before"]

/** What the text of an event query hangs on. */
interface EventShape {
  all: boolean
  rootOnly: boolean
  asked: readonly Asked[]
  /** Whether the page starts after an event, not after a number of them. */
  isByKey: boolean
}

const eventsOnPage = prepareEach((db, shape: EventShape) => {
  const isOlder = sql`(${events.time}, ${events.seq}) < (${sql.placeholder("time")}, ${sql.placeholder("seq")})`
  return db
    .select({
      seq: sql<number>`${events.seq}`,
      time: sql<number>`${events.time}`,
      event: sql`${events.event}`.mapWith(events.event),
    })
    .from(through(events, leadingIndex(shape)))
    .where(and(matching(shape), shape.isByKey ? isOlder : undefined))
    .orderBy(desc(events.time), desc(events.seq))
    .limit(sql.placeholder("size"))
    .offset(sql.placeholder("offset"))
})

const eventsCounted = prepareEach((db, shape: EventShape) => {
  const counted = db
    .select({ one: sql`1`.as("one") })
    .from(through(events, leadingIndex(shape)))
    .where(matching(shape))
    .limit(COUNTED + 1)
    .as("counted")
  return db.select({ total: count() }).from(counted)
})

function matching({ all, rootOnly, asked }: EventShape): SQL | undefined {
  return and(
    ...asked.map((name) => COMPARISONS[name]),
    // Written out, not bound: an index with a condition serves only queries that say the same.
    rootOnly ? eq(events.root, sql`1`) : undefined,
    all ? undefined : inArray(events.project, valuesOf(sql.placeholder("names"))),
  )
}

/** The index that finds fewest rows for a query: what it matches is all that is read. */
function leadingIndex({ asked, rootOnly }: EventShape): string {
  if (asked.includes("id")) return "events_by_id"
  if (asked.includes("context")) return "events_by_context"
  if (rootOnly) return "events_roots"
  return asked.includes("type") ? "events_by_type" : "events_by_project"
}

/** What of a filter is compared. Without a project and a context only events of no project are searched. */
function askedOf(filter: EventFilter): Partial<Record<Asked, string | number>> {
  const isAnywhere = filter.context === undefined && filter.id === undefined
  const compared = { ...filter, project: filter.project ?? (isAnywhere ? "" : undefined) }
  const asked: Partial<Record<Asked, string | number>> = {}
  for (const name of ASKED) {
    const value = compared[name]
    if (value !== undefined) asked[name] = value
  }
  return asked
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
  const asked = askedOf(filter)
  const shape = {
    all: visible.all,
    rootOnly: filter.rootOnly,
    asked: ASKED.filter((name) => asked[name] !== undefined),
    isByKey: "seq" in page.start,
  }
  const names = visible.all ? {} : { names: JSON.stringify(visible.names) }
  const start = "seq" in page.start ? { ...page.start, offset: 0 } : page.start
  const values = { ...asked, ...names, ...start, size: page.size + 1 }
  const [found, [total]] = await db.batch([eventsOnPage(db, shape, values), eventsCounted(db, shape, values)])
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

/** Only events of the projects in `visible`. */
export function within(visible: Reach): SQL | undefined {
  if (visible.all) return undefined
  return inArray(events.project, valuesOf(JSON.stringify(visible.names)))
}

/** A text of an event's data; what is none counts as absent. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}
