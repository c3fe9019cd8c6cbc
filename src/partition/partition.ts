/** The data of one region, as its handlers see it. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1"
import type { Claim } from "../lib/idempotency-keys.ts"
import { type Meter, MeteredD1 } from "../lib/meter.ts"
import { Blobs } from "./blobs.ts"
import { type BranchTurns, createBranchTurns } from "./branch-turns.ts"
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
  /** For changes of several requests at once, whose claims go along with the first of them. */
  claiming: (claims: readonly Claim[]) => Database
  /** What this request claims. */
  claim: Claim | null
  blobs: Blobs
  portions: Portions
  archive: EventArchive
  turns: BranchTurns
  /** Runs what the response need not wait for. */
  later: (task: Promise<unknown>) => void
}

/** Typed statements; they run in `db.batch([...])` only, see lib/meter.ts. */
export type Database = DrizzleD1Database & { $client: D1Database }

/** The request that a partition is opened for. */
export interface PartitionRequest {
  meter: Meter
  /** Runs what the response need not wait for. */
  later: (task: Promise<unknown>) => void
  /** Goes along with the first change. */
  claim?: Claim | null
  /** Where writers of one isolate wait for each other; without it this one has nobody to wait for. */
  turns?: BranchTurns
}

/** Opens the partition of `region` for one request. */
export function openPartition(
  region: string,
  bindings: PartitionBindings,
  { meter, later, claim = null, turns = createBranchTurns() }: PartitionRequest,
): Partition {
  const claiming = (claims: readonly Claim[]) => drizzle(new MeteredD1(bindings.database, meter, { claims }))
  const aside = claiming([])
  return {
    region,
    // Without a claim there is nothing to keep apart.
    db: claim === null ? aside : claiming([claim]),
    aside,
    claiming,
    claim,
    blobs: new Blobs(bindings.bucket, bindings.cache, meter, later),
    portions: new Portions(bindings.bucket, meter, later),
    archive: new EventArchive(bindings.bucket, meter),
    turns,
    later,
  }
}
