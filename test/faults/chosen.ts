/** Which faults are tried: all of them where FUZZ_RUNS is set, and otherwise one for each call, drawn by FUZZ_SEED. */
import { inject } from "vitest"
import type { FaultKind } from "./faulty-edge.ts"

/** After a reader nothing can be left over: for it all that matters is that it is answered, and how. */
const OF_READERS: readonly FaultKind[] = ["before", "never"]
const OF_WRITERS: readonly FaultKind[] = ["before", "after", "never", "late", "slow"]
const ALL_OF_READERS: readonly FaultKind[] = ["before", "after", "never", "slow"]

/** The faults that are tried on a call of a request. */
export function chosenFaults(what: string, number: number, writes: boolean): readonly FaultKind[] {
  if (isLongForm()) return writes ? OF_WRITERS : ALL_OF_READERS
  const kinds = writes ? OF_WRITERS : OF_READERS
  const one = kinds[hash(`${inject("fuzz").seed} ${what} ${number}`) % kinds.length]
  return one === undefined ? [] : [one]
}

/** Whether everything is tried. */
export function isLongForm(): boolean {
  return inject("fuzz").runs !== null
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return value
}
