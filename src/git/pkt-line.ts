/** Git's framing: lines that begin with their length in four hexadecimal digits (gitprotocol-common). */
import { concat, utf8 } from "../lib/bytes.ts"
import { type ByteReader, MalformedGitData } from "./byte-reader.ts"

/** The end of a message, and the mark between its sections. */
export const FLUSH = utf8("0000")
export const DELIMITER = utf8("0001")

/** A line can hold this many bytes behind its length. */
const LONGEST_LINE = 65_516

/** What one frame is: a line (without its line feed), or a mark. */
export type Packet = { kind: "line"; text: string } | { kind: "flush" } | { kind: "delimiter" }

/** One line. `content` holds at most `LONGEST_LINE` bytes. */
export function pktLine(content: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = typeof content === "string" ? utf8(content) : content
  return concat([utf8((bytes.length + 4).toString(16).padStart(4, "0")), bytes])
}

/** How many characters of a reason are sent. */
const LONGEST_REASON = 1_000

/** A reason as it can stand in one line: it may quote what a client sent, which can be of any length and hold line feeds. */
export function oneLine(reason: string): string {
  const shown = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason
  return shown.replace(/\p{Cc}/gu, "?").toWellFormed()
}

/** Reads one frame; null at the end of the data. Throws `MalformedGitData` for what is none. */
export async function readPacket(reader: ByteReader): Promise<Packet | null> {
  if (await reader.atEnd()) return null
  const digits = new TextDecoder().decode(await reader.take(4))
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw new MalformedGitData("a line does not begin with its length")
  const length = Number.parseInt(digits, 16)
  if (length === 0) return { kind: "flush" }
  if (length === 1) return { kind: "delimiter" }
  if (length < 4 || length - 4 > LONGEST_LINE) throw new MalformedGitData("a line has an impossible length")
  const text = new TextDecoder().decode(await reader.take(length - 4))
  return { kind: "line", text: text.replace(/\n$/, "") }
}

/** The bands of a multiplexed answer. */
export const BAND = { data: 1, progress: 2, error: 3 } as const

/** Bytes on a band, in as many lines as they need. */
export function banded(band: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const lines: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; offset += LONGEST_LINE - 1) {
    lines.push(pktLine(concat([Uint8Array.of(band), bytes.subarray(offset, offset + LONGEST_LINE - 1)])))
  }
  return concat(lines)
}
