/**
 * Blobs that no commit names: of writes that were refused or cut off. A job marks them when they are old enough, and removes them
 * later, so that a write that comes to name one in between can take it back. docs/storage.md tells why no row is ever without its bytes.
 */
import { and, eq, inArray, isNull } from "drizzle-orm"
import { valuesOf } from "./bulk.ts"
import type { Database } from "./partition.ts"
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

/** The statement by which a write of `blobIds` (JSON) takes back those that are marked and not yet being removed. */
export function takeBack(db: Database, project: string, blobIds: string) {
  return db.delete(unnamedBlobs).where(and(named(project, blobIds), isNull(unnamedBlobs.takenAt)))
}

/** The query for those of `blobIds` (JSON) that are being removed, or were a short time ago. */
export function blobsInTheWay(db: Database, project: string, blobIds: string) {
  return db.select({ removedAt: unnamedBlobs.removedAt }).from(unnamedBlobs).where(named(project, blobIds))
}

function named(project: string, blobIds: string) {
  return and(eq(unnamedBlobs.project, project), inArray(unnamedBlobs.blobId, valuesOf(blobIds)))
}
