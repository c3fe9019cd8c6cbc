/** Events of one type, found by what stands anywhere in them. */
import { and, desc, eq, gt, inArray, type SQL, sql } from "drizzle-orm"
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core"
import type { Reach } from "../lib/principal.ts"
import { valuesOf } from "./bulk.ts"
import { within } from "./events.ts"
import type { Partition } from "./partition.ts"
import { events, type KeptnEvent } from "./schema.ts"
import { through } from "./through.ts"

/** A search. `terms`: places in the event (`data.result`) with the values that they may have. Times in ms since 1970. */
export interface EventSearch {
  type: string
  terms: readonly { key: string; values: readonly string[] }[]
  after: number | undefined
  excludeInvalidated: boolean
  limit: number
}

/** Places that have a column. */
const COLUMNS: Record<string, AnySQLiteColumn> = {
  "data.project": events.project,
  "data.stage": events.stage,
  "data.service": events.service,
  shkeptncontext: events.context,
  source: events.source,
  triggeredid: events.triggeredId,
  id: events.id,
}

/**
 * Finds events of a type, newest first, among those of the projects in `visible`. The search goes through the project's events of the
 * type, or through those of the context; other conditions filter what it finds.
 */
export async function searchEvents({ db }: Partition, search: EventSearch, visible: Reach): Promise<KeptnEvent[]> {
  const byContext = search.terms.some(({ key }) => key === "shkeptncontext")
  const found = db
    .select({ event: sql`${events.event}`.mapWith(events.event) })
    .from(through(events, byContext ? "events_by_context" : "events_by_type"))
    .where(
      and(
        eq(events.type, search.type),
        ...search.terms.map(condition),
        search.after === undefined ? undefined : gt(events.time, search.after),
        search.excludeInvalidated ? isNotInvalidated(search.type) : undefined,
        within(visible),
      ),
    )
    .orderBy(desc(events.time), desc(events.seq))
    .limit(search.limit)
  const [rows] = await db.batch([found])
  return rows.map(({ event }) => event)
}

function condition({ key, values }: EventSearch["terms"][number]): SQL {
  const column = COLUMNS[key]
  const [only, ...others] = values
  if (column && only !== undefined && others.length === 0) return eq(column, only)
  const wanted = valuesOf(JSON.stringify(values))
  if (column) return inArray(column, wanted)
  // Each part in quotes: it is a name, whatever characters it has but for those that no path of SQLite can hold.
  const path = key.split(".").map((part) => `."${part.replaceAll(/["\\\p{Cc}]/gu, "")}"`)
  return sql`cast(json_extract(${events.event}, ${`$${path.join("")}`}) as text) in ${wanted}`
}

/** An event is invalidated by one of the same project and task that has the same `triggeredid`. */
function isNotInvalidated(type: string): SQL {
  const invalidated = type.replace(/\.[^.]+$/, ".invalidated")
  return sql`not exists (select 1 from events as later indexed by events_invalidations
    where later.type glob '*.invalidated' and later.triggered_id = ${events.triggeredId} and later.type = ${invalidated}
      and later.project = ${events.project})`
}
