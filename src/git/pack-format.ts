/** What reading and writing packs have in common (gitformat-pack). Pure. */
import { concat, utf8 } from "../lib/bytes.ts"

/** The numbers of the types of entries. */
export const ENTRY_TYPES = { commit: 1, tree: 2, blob: 3, tag: 4, "ofs-delta": 6, "ref-delta": 7 } as const

export type EntryType = keyof typeof ENTRY_TYPES

/** How a pack of `count` objects begins. */
export function packHeader(count: number): Uint8Array<ArrayBuffer> {
  const numbers = new DataView(new ArrayBuffer(8))
  numbers.setUint32(0, 2)
  numbers.setUint32(4, count)
  return concat([utf8("PACK"), new Uint8Array(numbers.buffer)])
}

/** How an entry begins: its type, and the size of its content before compression. */
export function entryHeader(type: EntryType, size: number): Uint8Array<ArrayBuffer> {
  const bytes = [(ENTRY_TYPES[type] << 4) | (size & 0x0f)]
  // Not by shifting: sizes go beyond 32 bits.
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80
    bytes.push(rest % 128)
  }
  return Uint8Array.from(bytes)
}
