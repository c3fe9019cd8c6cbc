/** Page keys of the datastore. Pure. */
import type { EventPosition } from "../../partition/events.ts"

/** The largest offset a caller may ask for: what lies deeper is reached with the keys that we give. */
const LARGEST_OFFSET = 10_000

/** Where the page with this key starts; null for a key that we did not give. */
export function readPageKey(key: string | undefined): EventPosition | null {
  if (key === undefined) return { offset: 0 }
  if (/^\d{1,9}$/.test(key)) return Number(key) <= LARGEST_OFFSET ? { offset: Number(key) } : null
  const [, time, seq] = /^after-(-?\d{1,15})-(\d{1,15})$/.exec(key) ?? []
  return time === undefined || seq === undefined ? null : { time: Number(time), seq: Number(seq) }
}

/**
 * The key of a page. The first ones are offsets, as in Keptn; go-utils reads a key as a number to see whether it has enough
 * pages, and takes a key that is none for 0, so that it goes on to the end.
 */
export function writePageKey(position: EventPosition): string {
  return "offset" in position ? String(position.offset) : `after-${position.time}-${position.seq}`
}
