/** What integrations logged: appended, found newest first, gone after some days. */
import { and, count, desc, eq, gt, gte, lte, type SQL, sql } from "drizzle-orm"
import { jsonChunks } from "./bulk.ts"
import { isConcerned, type ProjectsConcerned } from "./concerned.ts"
import type { Partition } from "./partition.ts"
import { integrationLogs } from "./schema.ts"
import { through } from "./through.ts"

/** What is logged about a task, or about nothing. `time` is in ms since 1970. */
export interface LogEntry {
  integrationId: string
  message: string
  time: number
  context: string
  task: string
  triggeredId: string
  gitCommitId: string
}

/** What a search asks for; what is absent is not asked. Times are in ms since 1970, both inclusive. */
export interface LogFilter {
  integrationId?: string | undefined
  from?: number | undefined
  to?: number | undefined
}

/** A page of entries. `total` is null when there are more than `COUNTED`; `next` tells the next page's start, null on the last one. */
export interface LogPage {
  entries: LogEntry[]
  total: number | null
  next: number | null
}

const HOUR = 60 * 60 * 1000
/** How long an entry is kept: as long as in Keptn. */
const LOG_LIFETIME = 120 * HOUR
/** Totals up to this number are exact; beyond it they are not counted, because counting reads every row. */
const COUNTED = 1000
/** How many entries one run of the job removes. */
const REMOVED_AT_ONCE = 10_000

/** Appends entries, all or none of them, in one trip. */
export async function appendLogs({ db }: Partition, entries: readonly LogEntry[], now: number): Promise<void> {
  const [first, ...others] = jsonChunks(entries).map((json) =>
    db.insert(integrationLogs).select(sql`select null, value ->> 'integrationId', value ->> 'message', value ->> 'time',
      value ->> 'context', value ->> 'task', value ->> 'triggeredId', value ->> 'gitCommitId', ${now},
      coalesce((select project from events where context = value ->> 'context' limit 1), '') from json_each(${json})`),
  )
  if (first) await db.batch([first, ...others])
}

/** Finds entries that are `concerned`, newest first. `after` is the `next` of the page before, or null for the first page. */
export async function findLogs(
  { db }: Partition,
  filter: LogFilter,
  concerned: ProjectsConcerned,
  page: { after: number | null; size: number },
  now: number,
): Promise<LogPage> {
  const { integrationId, message, time, context, task, triggeredId, gitCommitId, seq } = integrationLogs
  const isVisible = isConcerned(sql`${integrationLogs.project}`, concerned)
  const matching = and(...conditions(filter), isVisible, gt(integrationLogs.createdAt, now - LOG_LIFETIME))
  const { after } = page
  const isLater =
    after === null ? undefined : sql`(time, seq) < ((select time from integration_logs where seq = ${after}), ${after})`
  const source = through(integrationLogs, indexFor(filter, concerned))
  const counted = db
    .select({ one: sql`1`.as("one") })
    .from(source)
    .where(matching)
    .limit(COUNTED + 1)
    .as("counted")
  const [rows, [total]] = await db.batch([
    db
      .select({
        seq: sql<number>`${seq}`,
        entry: {
          integrationId: sql<string>`${integrationId}`.as("integration_id"),
          message: sql<string>`${message}`.as("message"),
          time: sql<number>`${time}`.as("time"),
          context: sql<string>`${context}`.as("context"),
          task: sql<string>`${task}`.as("task"),
          triggeredId: sql<string>`${triggeredId}`.as("triggered_id"),
          gitCommitId: sql<string>`${gitCommitId}`.as("git_commit_id"),
        },
      })
      .from(source)
      .where(and(matching, isLater))
      .orderBy(desc(time), desc(seq))
      .limit(page.size + 1),
    db.select({ total: count() }).from(counted),
  ])
  const shown = rows.slice(0, page.size)
  return {
    entries: shown.map(({ entry }) => entry),
    total: total && total.total <= COUNTED ? total.total : null,
    next: rows.length > page.size ? (shown.at(-1)?.seq ?? null) : null,
  }
}

/** A caller with some projects reads no more than the entries about these, however many there are about others. */
function indexFor({ integrationId }: LogFilter, { named }: ProjectsConcerned): string {
  if (!named.all) return "integration_logs_by_project"
  return integrationId === undefined ? "integration_logs_by_time" : "integration_logs_by_integration"
}

/** Removes entries that are too old. Runs by the clock. */
export async function removeExpiredLogs({ db }: Partition, now: number): Promise<void> {
  const some = sql`seq in (select seq from ${through(integrationLogs, "integration_logs_by_age")}
    where created_at <= ${now - LOG_LIFETIME} limit ${REMOVED_AT_ONCE})`
  await db.batch([db.delete(integrationLogs).where(some)])
}

function conditions({ integrationId, from, to }: LogFilter): SQL[] {
  return [
    ...(integrationId === undefined ? [] : [eq(integrationLogs.integrationId, integrationId)]),
    ...(from === undefined ? [] : [gte(integrationLogs.time, from)]),
    ...(to === undefined ? [] : [lte(integrationLogs.time, to)]),
  ]
}
