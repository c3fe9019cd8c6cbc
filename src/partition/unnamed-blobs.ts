/**
 * Blobs that no commit names: of writes that were refused or cut off. A job marks them when they are old enough, and removes them
 * later, so that a write that comes to name one in between can take it back. docs/storage.md tells why no row is ever without its bytes.
 */
import { and, eq, inArray, isNull, sql } from "drizzle-orm"
import { valuesOf } from "./bulk.ts"
import { prepareOnce } from "./prepared.ts"
import { unnamedBlobs } from "./schema.ts"

/** How far two clocks may differ, in milliseconds. */
export const CLOCK_MARGIN = 60_000

/**
 * Whether bytes that a write put since `startedAt` may have been removed by what was done at `removedAt` (null: it is not done, or was
 * never begun). Such a write must put them again.
 */
export function mayBeCleared(removedAt: number | null, startedAt: number): boolean {
  return removedAt !== null && removedAt > startedAt - CLOCK_MARGIN
}

/** A blob that is being removed (`removedAt` null) or was a short time ago. */
export interface BlobInTheWay {
  removedAt: number | null
}

const isNamed = and(
  eq(unnamedBlobs.project, sql.placeholder("project")),
  inArray(unnamedBlobs.blobId, valuesOf(sql.placeholder("blobIds"))),
)

/** The statement by which a write of `blobIds` (JSON) takes back those that are marked and not yet being removed. */
export const takeBack = prepareOnce((db) => db.delete(unnamedBlobs).where(and(isNamed, isNull(unnamedBlobs.takenAt))))

/** The query for those of `blobIds` (JSON) that are being removed, or were a short time ago. */
export const blobsInTheWay = prepareOnce((db) =>
  db.select({ removedAt: unnamedBlobs.removedAt }).from(unnamedBlobs).where(isNamed),
)
