/** The organization's global data, as the gateway's look-up and the identity handlers see it. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1"
import type { Claim } from "../lib/idempotency-keys.ts"
import { type Meter, MeteredD1 } from "../lib/meter.ts"

/** The directory in one request: typed statements that run in `db.batch([...])` only, see lib/meter.ts. */
export interface Directory {
  db: DrizzleD1Database
}

/** Opens the directory for one request, its calls counted by that request's meter. `claim` goes along with the first change. */
export function openDirectory(database: D1Database, meter: Meter, claim: Claim | null = null): Directory {
  return { db: drizzle(new MeteredD1(database, meter, claim)) }
}
