/** The data of one region, as its handlers see it. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1"
import type { Claim } from "../lib/idempotency-keys.ts"
import { type Meter, MeteredD1 } from "../lib/meter.ts"
import { Blobs } from "./blobs.ts"
import { EventArchive } from "./event-archive.ts"
import { Portions } from "./portions.ts"

/** The bindings that hold one region's data. `cache` is null where KV may not cache. */
export interface PartitionBindings {
  database: D1Database
  bucket: R2Bucket
  cache: KVNamespace | null
}

/** One region's data in one request: its calls are counted by that request's meter. */
export interface Partition {
  region: string
  db: Database
  /** For changes that are no part of what a caller asked for, and are made on the way to that: they claim no `Idempotency-Key`. */
  aside: Database
  blobs: Blobs
  portions: Portions
  archive: EventArchive
}

/** Typed statements; they run in `db.batch([...])` only, see lib/meter.ts. */
export type Database = DrizzleD1Database & { $client: D1Database }

/**
 * Opens the partition of `region` for one request. `later` runs what the response need not wait for; `claim` goes along with the first
 * change.
 */
export function openPartition(
  region: string,
  bindings: PartitionBindings,
  meter: Meter,
  later: (task: Promise<unknown>) => void,
  claim: Claim | null = null,
): Partition {
  const db = drizzle(new MeteredD1(bindings.database, meter, { claim }))
  return {
    region,
    db,
    // Without a claim there is nothing to keep apart.
    aside: claim === null ? db : drizzle(new MeteredD1(bindings.database, meter)),
    blobs: new Blobs(bindings.bucket, bindings.cache, meter, later),
    portions: new Portions(bindings.bucket, meter, later),
    archive: new EventArchive(bindings.bucket, meter),
  }
}
