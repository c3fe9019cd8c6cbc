/** Keptn contexts: the ids that tie the events of one run together. Pure but for the random source. */
import { toHex, utf8 } from "./bytes.ts"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * The context of an event that was sent with `given`: the same if it is a UUID, a new one if it is empty, else a UUID made of
 * its first 16 bytes (padded with blanks), so that the same text always gives the same context, as in Keptn.
 */
export function keptnContext(given: string | null | undefined): string {
  if (given === null || given === undefined || given === "") return crypto.randomUUID()
  if (UUID.test(given)) return given
  const bytes = utf8(given.padEnd(16, " ")).slice(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}
