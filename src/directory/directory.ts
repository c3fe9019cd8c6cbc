/** The organization's global data, as the gateway's look-up and the identity handlers see it. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1"
import { type Changes, type Meter, MeteredD1 } from "../lib/meter.ts"

/** The directory in one request: typed statements that run in `db.batch([...])` only, see lib/meter.ts. */
export interface Directory {
  db: DrizzleD1Database
}

/**
 * Opens the directory for one request, its calls counted by that request's meter. Whatever is changed through it is reported to
 * `changes.onChange`: this is the one place by which an isolate learns that rights may have changed.
 */
export function openDirectory(database: D1Database, meter: Meter, changes: Changes = {}): Directory {
  return { db: drizzle(new MeteredD1(database, meter, changes)) }
}
