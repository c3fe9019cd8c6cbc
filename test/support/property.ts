/**
 * How often a property is tried, and from which seed. `npm test` tries a modest number of times from a fixed seed; FUZZ_RUNS and FUZZ_SEED
 * (vitest.config.ts) lengthen and reseed that. A failure prints the seed, the path and the counterexample.
 */
import type { Parameters } from "fast-check"
import { inject } from "vitest"

/** What `fc.assert` is to be given for a property that is tried `short` times unless FUZZ_RUNS says otherwise. */
export function trials<T = unknown>(short: number): Parameters<T> {
  const { runs, seed } = inject("fuzz")
  return { numRuns: runs ?? short, seed }
}

/** What of a list is tried: all of it in the long form, in the short one every fifth, beginning elsewhere for each `turn`. */
export function share<T>(list: readonly T[], turn: number): readonly T[] {
  return inject("fuzz").runs === null ? list.filter((_, index) => (index + turn) % 5 === 0) : list
}
