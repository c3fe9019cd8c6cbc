/** Packs made by hand, so that they can be wrong in every way. */
import { deflateSync } from "node:zlib"
import { ByteReader } from "../../src/git/byte-reader.ts"
import { encodeTree, type ObjectId, objectId, type TreeEntry } from "../../src/git/objects.ts"
import { entryHeader, type EntryType, packHeader } from "../../src/git/pack-format.ts"
import { type PackEntry, type PackLimits, readPack } from "../../src/git/pack-reader.ts"
import { concat, fromHex, utf8 } from "../../src/lib/bytes.ts"
import { startDigest } from "../../src/lib/digest.ts"

/** An object as it is put into a pack. */
export interface Packed {
  type: EntryType
  content: Uint8Array
  /** What stands between the header and the content: that which a delta is made from. */
  base?: Uint8Array
  /** The size that the header says; that of the content unless given. */
  size?: number
}

/** A git object with its id. */
export interface MadeObject extends Packed {
  id: ObjectId
}

/** One entry of a pack. */
export function packEntry({ type, content, base = new Uint8Array(), size = content.length }: Packed): Uint8Array {
  return concat([entryHeader(type, size), base, deflateSync(content)])
}

/** A pack of these objects; `count` is how many its header says. */
export function packOf(objects: readonly Packed[], count = objects.length): Uint8Array<ArrayBuffer> {
  return sealed(concat([packHeader(count), ...objects.map(packEntry)]))
}

/** Bytes with the digest behind them that ends a pack. */
export function sealed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([bytes, fromHex(startDigest("sha1").update(bytes).digest("hex"))])
}

/** A blob. */
export async function blobOf(content: string | Uint8Array): Promise<MadeObject> {
  const bytes = typeof content === "string" ? utf8(content) : content
  return { type: "blob", content: bytes, id: await objectId("blob", bytes) }
}

/** A tree in git's order. */
export async function treeOf(...entries: TreeEntry[]): Promise<MadeObject> {
  return rawTree(encodeTree(entries))
}

/** A tree as it is given, in order or not. */
export async function rawTree(content: Uint8Array): Promise<MadeObject> {
  return { type: "tree", content, id: await objectId("tree", content) }
}

/** What a commit says. */
export interface CommitLines {
  tree: ObjectId
  parents?: readonly ObjectId[]
  time?: number
  /** Header lines behind the committer, each with its line feed. */
  extra?: string
  message?: string
}

/** A commit. */
export async function commitOf(lines: CommitLines): Promise<MadeObject> {
  const { tree, parents = [], time = 1_700_000_000, extra = "", message = "pushed" } = lines
  const person = `A U Thor <author@example.com> ${time} +0100`
  const named = parents.map((id) => `parent ${id}\n`).join("")
  return rawCommit(`tree ${tree}\n${named}author ${person}\ncommitter ${person}\n${extra}\n${message}\n`)
}

/** A commit as it is given. */
export async function rawCommit(text: string): Promise<MadeObject> {
  const content = utf8(text)
  return { type: "commit", content, id: await objectId("commit", content) }
}

/** The base of an `ofs-delta`: so many bytes before its own entry, at most 16,511. */
export function distance(bytes: number): Uint8Array {
  return bytes < 128 ? Uint8Array.of(bytes) : Uint8Array.of(0x80 | ((bytes - 128) >> 7), (bytes - 128) & 0x7f)
}

/** The base of a `ref-delta`. */
export function reference(id: ObjectId): Uint8Array {
  return fromHex(id)
}

/** A size as deltas have it: groups of seven bits, the lowest first. */
export function deltaSize(size: number): Uint8Array {
  const bytes: number[] = []
  let rest = size
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

/** A delta of these sizes with these instructions. */
export function deltaOf(base: number, target: number, ...instructions: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concat([deltaSize(base), deltaSize(target), ...instructions])
}

/** An instruction to copy from the base. */
export function copy(offset: number, size: number): Uint8Array {
  const bytes = [offset, offset >> 8, offset >> 16, offset >>> 24, size, size >> 8, size >> 16]
  return Uint8Array.from([0xff, ...bytes.map((byte) => byte & 0xff)])
}

/** An instruction to insert a text of at most 127 bytes. */
export function insert(text: string): Uint8Array {
  return concat([Uint8Array.of(utf8(text).length), utf8(text)])
}

/** A stream of `bytes` in chunks of a size, and the reader of it. */
export function readerOf(bytes: Uint8Array, chunk = bytes.length, limit = Number.POSITIVE_INFINITY): ByteReader {
  let offset = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (offset >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(offset, offset + chunk))
      offset += chunk
    },
  })
  return new ByteReader(stream, limit)
}

const GENEROUS: PackLimits = { objects: 100_000, size: 2 ** 30, totalSize: 2 ** 40 }

/** An entry that was read, its content whole. */
export interface ReadEntry extends Omit<PackEntry, "content"> {
  content: Uint8Array
  streamed: boolean
}

/** Reads a pack to its end. */
export async function unpacked(reader: ByteReader, limits: Partial<PackLimits> = {}): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = []
  for await (const { content, ...entry } of readPack(reader, { ...GENEROUS, ...limits })) {
    const streamed = content instanceof ReadableStream
    entries.push({ ...entry, streamed, content: new Uint8Array(await new Response(content).arrayBuffer()) })
  }
  return entries
}
