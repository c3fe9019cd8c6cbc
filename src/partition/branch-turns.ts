/** The writers of a branch within one isolate: which of them go into one batch. */
import type { Claim } from "../lib/idempotency-keys.ts"
import { type Patience, TurnLines } from "./turn-line.ts"
import type { Write, WriteOutcome } from "./write.ts"

/** A write that waits for its turn, with the claim of its request to an `Idempotency-Key`. */
export interface QueuedWrite {
  write: Write
  claim: Claim | null
}

/** The lines in which writers of branches wait, for one isolate. */
export type BranchTurns = TurnLines<QueuedWrite, WriteOutcome>

/**
 * What is committed in one batch at most. A database answers nobody else meanwhile, and one request pays for the whole: these are some
 * milliseconds.
 */
const MOST_TOGETHER = { writes: 16, files: 100, bytes: 4 * 1024 * 1024 }

/** In milliseconds. Whoever leads makes at most two calls to storage, one after the other, between two signs of life; each may take 30 seconds. */
const PATIENCE: Patience = { inLine: 30_000, forLeader: 90_000 }

/** No line yet. */
export function createBranchTurns(patience = PATIENCE): BranchTurns {
  return new TurnLines(mayBeTogether, patience)
}

/** Whether a write goes into the batch of those before it. One that does more than to commit has a batch of its own. */
export function mayBeTogether(group: readonly QueuedWrite[], next: QueuedWrite): boolean {
  const together = [...group, next].map(({ write }) => write)
  const files = together.reduce((sum, { changes }) => sum + changes.length, 0)
  const bytes = together.flatMap(({ changes }) => changes).reduce((sum, { size }) => sum + size, 0)
  return (
    together.length <= MOST_TOGETHER.writes &&
    files <= MOST_TOGETHER.files &&
    bytes <= MOST_TOGETHER.bytes &&
    together.every(({ also }) => also.length === 0)
  )
}
