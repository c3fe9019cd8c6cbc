/** Reads a pack as it comes, one entry after the other (gitformat-pack). */
import { createInflate, inflateSync } from "node:zlib"
import { z } from "zod"
import { toHex } from "../lib/bytes.ts"
import { startDigest } from "../lib/digest.ts"
import { type ByteReader, MalformedGitData } from "./byte-reader.ts"
import type { ObjectId } from "./objects.ts"
import { ENTRY_TYPES, type EntryType } from "./pack-format.ts"

/** Content up to this size, in bytes, is read whole. */
const WHOLE_CONTENT = 8 * 1024 * 1024

/** An entry: its place in the pack, what it is, and for a delta what it is made from. */
export interface PackEntry {
  offset: number
  type: EntryType
  /** The size of the content before compression; for a delta that of the delta. */
  size: number
  /** The offset of the entry a delta is made from, or the id of the object. */
  base: number | ObjectId | null
  /** Larger content is a stream, which must be read to its end before the next entry is asked for. */
  content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
}

/** What a reader accepts. Sizes in bytes, before compression. */
export interface PackLimits {
  objects: number
  /** Of one entry, and of all together. */
  size: number
  totalSize: number
}

/** A pack is larger than the limits; the message says which one. */
export class PackTooLarge extends Error {
  override name = "PackTooLarge"
}

/** The entries of a pack, in its order. Throws `MalformedGitData`, also for a wrong checksum at the end, or `PackTooLarge`. */
export async function* readPack(input: ByteReader, limits: PackLimits): AsyncGenerator<PackEntry> {
  const reader = new HashingReader(input)
  const start = input.offset
  const count = readHeader(await reader.take(12))
  if (count > limits.objects) throw new PackTooLarge(`it has ${count} objects, and at most ${limits.objects} are taken`)
  let total = 0
  for (let index = 0; index < count; index++) {
    const offset = input.offset - start
    const header = await readEntryHeader(reader, offset)
    total += header.size
    if (header.size > limits.size) throw new PackTooLarge(`an object has more than ${limits.size} bytes`)
    if (total > limits.totalSize) throw new PackTooLarge(`its objects have more than ${limits.totalSize} bytes`)
    const small = header.size <= WHOLE_CONTENT
    const content = small ? await inflateWhole(reader, header.size) : inflateStream(reader, header.size)
    yield { offset, ...header, content }
  }
  const expected = reader.digest()
  if (toHex(await input.take(20)) !== expected) throw new MalformedGitData("the checksum of the pack is wrong")
}

/** Takes bytes and keeps their digest, which ends the pack. */
class HashingReader {
  readonly #input: ByteReader
  readonly #hash = startDigest("sha1")

  constructor(input: ByteReader) {
    this.#input = input
  }

  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.#input.take(count)
    this.#hash.update(bytes)
    return bytes
  }

  peek(count: number): Promise<Uint8Array> {
    return this.#input.peek(count)
  }

  /** What is at hand, but little: decompressed it can be a thousand times as much. The caller says with `taken` what was its own. */
  some(): Promise<Uint8Array> {
    return this.#input.takeSome(16 * 1024)
  }

  /** Settles that of `bytes`, which `some` answered, the first `count` are taken, and the others are not. */
  taken(bytes: Uint8Array, count: number): void {
    this.#hash.update(bytes.subarray(0, count))
    if (count < bytes.length) this.#input.giveBack(bytes.subarray(count))
  }

  digest(): string {
    return this.#hash.digest("hex")
  }
}

function readHeader(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0) !== 0x5041434b) throw new MalformedGitData("the pack does not begin as packs do")
  if (view.getUint32(4) !== 2) throw new MalformedGitData("the pack is not of version 2")
  return view.getUint32(8)
}

async function readEntryHeader(
  reader: HashingReader,
  offset: number,
): Promise<Pick<PackEntry, "type" | "size" | "base">> {
  let byte = await takeByte(reader)
  const number = (byte >> 4) & 0x07
  const type = typeOf(number)
  let size = byte & 0x0f
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    if (factor > 2 ** 46) throw new MalformedGitData("an object has an impossible size")
    byte = await takeByte(reader)
    size += (byte & 0x7f) * factor
  }
  if (type === "ref-delta") return { type, size, base: toHex(await reader.take(20)) }
  if (type !== "ofs-delta") return { type, size, base: null }
  const base = offset - (await readDistance(reader))
  if (base < 12) throw new MalformedGitData("a delta is made from something before the pack")
  return { type, size, base }
}

/** The distance of a delta's base: groups of seven bits, the highest first, each further one counted from one more. */
async function readDistance(reader: HashingReader): Promise<number> {
  let byte = await takeByte(reader)
  let distance = byte & 0x7f
  while (byte >= 0x80) {
    if (distance > 2 ** 40) throw new MalformedGitData("a delta has an impossible distance")
    byte = await takeByte(reader)
    distance = (distance + 1) * 128 + (byte & 0x7f)
  }
  return distance
}

async function takeByte(reader: HashingReader): Promise<number> {
  return (await reader.take(1))[0] ?? 0
}

function typeOf(number: number): EntryType {
  switch (number) {
    case ENTRY_TYPES.commit:
      return "commit"
    case ENTRY_TYPES.tree:
      return "tree"
    case ENTRY_TYPES.blob:
      return "blob"
    case ENTRY_TYPES.tag:
      return "tag"
    case ENTRY_TYPES["ofs-delta"]:
      return "ofs-delta"
    case ENTRY_TYPES["ref-delta"]:
      return "ref-delta"
    default:
      throw new MalformedGitData("an object is of an unknown type")
  }
}

const WRONG_SIZE = "an object is not of the size that its header says"

async function inflateWhole(reader: HashingReader, size: number): Promise<Uint8Array<ArrayBuffer>> {
  // More than zlib makes of bytes that cannot be compressed. A compressor that makes still more is up to no good.
  const input = await reader.peek(size + Math.ceil(size / 1000) + 128)
  const { content, consumed } = inflate(input, size)
  if (content.length !== size) throw new MalformedGitData(WRONG_SIZE)
  await reader.take(consumed)
  return content
}

/** What zlib answers with `info`, which its types do not know: the content, and how much of the input it was made from. */
const inflated = z.object({
  buffer: z.instanceof(Uint8Array).transform((bytes) => new Uint8Array(bytes)),
  engine: z.object({ bytesWritten: z.number() }),
})

function inflate(input: Uint8Array, size: number): { content: Uint8Array<ArrayBuffer>; consumed: number } {
  try {
    const { buffer, engine } = inflated.parse(inflateSync(input, { info: true, maxOutputLength: size + 1 }))
    return { content: buffer, consumed: engine.bytesWritten }
  } catch {
    throw new MalformedGitData("the content of an object cannot be decompressed")
  }
}

/** Streams the content of one entry, and leaves the input where the entry ends. */
function inflateStream(reader: HashingReader, size: number): ReadableStream<Uint8Array> {
  const inflater = createInflate()
  const chunks: Uint8Array[] = []
  const state = { failed: false, ended: false }
  let fed = 0
  let made = 0
  inflater.on("data", (chunk: Uint8Array) => chunks.push(chunk))
  inflater.on("end", () => (state.ended = true))
  inflater.on("error", () => (state.failed = true))
  const feed = async (): Promise<void> => {
    const bytes = await reader.some()
    if (bytes.length === 0) throw new MalformedGitData("the data ends too early")
    await new Promise<void>((resolve) => {
      inflater.once("error", () => resolve())
      inflater.write(bytes, () => resolve())
    })
    // The events of what was written come one turn later.
    await scheduler.wait(0)
    const consumed = Math.min(bytes.length, inflater.bytesWritten - fed)
    reader.taken(bytes, consumed)
    fed += bytes.length
  }
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      while (chunks.length === 0 && !state.ended && !state.failed) await feed()
      if (state.failed) throw new MalformedGitData("the content of an object cannot be decompressed")
      for (const chunk of chunks.splice(0)) {
        made += chunk.length
        if (made > size) throw new MalformedGitData(WRONG_SIZE)
        controller.enqueue(chunk)
      }
      if (!state.ended) return
      if (made !== size) throw new MalformedGitData(WRONG_SIZE)
      controller.close()
    },
  }
  // Nothing ahead: whoever refuses the entry reads the input on himself.
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 })
}
