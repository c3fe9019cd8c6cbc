/**
 * Zip archives that a caller sent. The directory is checked first, and a file is inflated when it is asked for and never beyond the
 * size that the directory has for it: an archive that unpacks to more than it may is refused before that fills the memory.
 */
import { Inflate } from "fflate"
import { crc32 } from "../../lib/crc32.ts"
import { hasControlCharacter } from "../../lib/text.ts"

/** The archive cannot be used; the message says why. */
export class ArchiveError extends Error {
  override name = "ArchiveError"
}

/** The files of an archive, by path. */
export interface Archive {
  /** The size of a file, as it is unpacked; null for none. */
  size(path: string): number | null
  /** A file's bytes. Throws an `ArchiveError` when there is none, or it is not what the directory says. */
  read(path: string): Uint8Array<ArrayBuffer>
}

interface Entry {
  path: string
  method: number
  checksum: number
  packed: number
  size: number
  offset: number
}

const LARGEST_UNPACKED = 50 * 1024 * 1024
const MOST_ENTRIES = 1000
/** A few bytes can become a thousand times as many: in parts of this size no part becomes too much. */
const PART = 4096

const END = { signature: 0x06_05_4b_50, size: 22, longestComment: 0xff_ff }
const CENTRAL = { signature: 0x02_01_4b_50, size: 46 }
const LOCAL = { signature: 0x04_03_4b_50, size: 30 }
const STORED = 0
const DEFLATED = 8

/** Opens an archive. Throws an `ArchiveError` for one that is damaged, too large, or would write outside of its folder. */
export function openArchive(bytes: Uint8Array): Archive {
  const entries = new Map<string, Entry>()
  let unpacked = 0
  for (const entry of readDirectory(bytes)) {
    const problem = pathProblem(entry.path)
    if (problem !== null) throw new ArchiveError(`the path ${JSON.stringify(entry.path)} ${problem}`)
    if (entries.has(entry.path)) throw new ArchiveError(`the path '${entry.path}' is there twice`)
    unpacked += entry.size
    if (unpacked > LARGEST_UNPACKED) throw new ArchiveError(`it unpacks to more than ${LARGEST_UNPACKED} bytes`)
    entries.set(entry.path, entry)
  }
  const find = (path: string) => (path.endsWith("/") ? undefined : entries.get(relative(path)))
  return {
    size: (path) => find(path)?.size ?? null,
    read(path) {
      const entry = find(path)
      if (!entry) throw new ArchiveError(`there is no ${path}`)
      return unpack(bytes, entry)
    },
  }
}

function readDirectory(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = findEnd(view)
  if (end === null) throw new ArchiveError("it is not a valid zip file")
  const count = view.getUint16(end + 10, true)
  // What zip64 writes in the places of numbers that do not fit is more than we take.
  if (count > MOST_ENTRIES) throw new ArchiveError(`it holds more than ${MOST_ENTRIES} entries`)
  const entries: Entry[] = []
  let at = view.getUint32(end + 16, true)
  for (let index = 0; index < count; index++) {
    if (!standsAt(view, at, CENTRAL)) throw new ArchiveError("its directory is damaged")
    const [name, extra, comment] = [at + 28, at + 30, at + 32].map((place) => view.getUint16(place, true))
    const start = at + CENTRAL.size
    at = start + (name ?? 0) + (extra ?? 0) + (comment ?? 0)
    if (at > end) throw new ArchiveError("its directory is damaged")
    entries.push(readEntry(view, start - CENTRAL.size, bytes.subarray(start, start + (name ?? 0))))
  }
  return entries
}

function readEntry(view: DataView, at: number, name: Uint8Array): Entry {
  const path = relative(decodePath(name))
  if (view.getUint16(at + 8, true) & 1) throw new ArchiveError(`'${path}' is encrypted`)
  const method = view.getUint16(at + 10, true)
  if (method !== STORED && method !== DEFLATED) throw new ArchiveError(`'${path}' is compressed in an unknown way`)
  return {
    path,
    method,
    checksum: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  }
}

/** The end of the directory stands last, but for a comment. */
function findEnd(view: DataView): number | null {
  const last = view.byteLength - END.size
  for (let at = last; at >= Math.max(0, last - END.longestComment); at--) {
    if (standsAt(view, at, END) && at + END.size + view.getUint16(at + 20, true) === view.byteLength) return at
  }
  return null
}

function standsAt(view: DataView, at: number, record: { signature: number; size: number }): boolean {
  return at + record.size <= view.byteLength && view.getUint32(at, true) === record.signature
}

function decodePath(name: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name)
  } catch {
    throw new ArchiveError("it holds a path that is not UTF-8")
  }
}

function pathProblem(path: string): string | null {
  if (path === "") return "is empty"
  if (path.startsWith("/") || /^[a-z]:/i.test(path)) return "is absolute"
  if (path.includes("\\")) return "holds a backslash"
  if (path.split("/").includes("..")) return "leads out of the archive"
  return hasControlCharacter(path) ? "holds a control character" : null
}

function relative(path: string): string {
  return path.replace(/^(\.\/+)+/, "")
}

function unpack(bytes: Uint8Array, entry: Entry): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(entry.size)
  let length = 0
  const add = (part: Uint8Array) => {
    if (length + part.length > entry.size) throw damaged(entry)
    content.set(part, length)
    length += part.length
  }
  const packed = packedBytes(bytes, entry)
  if (entry.method === STORED) add(packed)
  else inflate(packed, entry, add)
  if (length !== entry.size || crc32(content) !== entry.checksum) throw damaged(entry)
  return content
}

function packedBytes(bytes: Uint8Array, entry: Entry): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!standsAt(view, entry.offset, LOCAL)) throw damaged(entry)
  const names = view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true)
  const start = entry.offset + LOCAL.size + names
  if (start + entry.packed > bytes.length) throw damaged(entry)
  return bytes.subarray(start, start + entry.packed)
}

function inflate(packed: Uint8Array, entry: Entry, add: (part: Uint8Array) => void): void {
  const inflater = new Inflate(add)
  try {
    for (let start = 0; start < packed.length; start += PART) {
      inflater.push(packed.subarray(start, start + PART), start + PART >= packed.length)
    }
  } catch {
    throw damaged(entry)
  }
}

function damaged({ path }: Entry): ArchiveError {
  return new ArchiveError(`'${path}' is damaged`)
}
