/** Git's deltas: an object as copies from another one and new bytes (gitformat-pack, "Deltified representation"). Pure. */
import { MalformedGitData } from "./byte-reader.ts"

/** The size of the object that a delta makes. Throws `MalformedGitData`. */
export function deltaResultSize(delta: Uint8Array): number {
  return readSize(delta, readSize(delta, 0).next).size
}

/** Makes an object from `base` and `delta`. Throws `MalformedGitData` when the delta is not one of this base. */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array<ArrayBuffer> {
  const source = readSize(delta, 0)
  if (source.size !== base.length) throw new MalformedGitData("a delta is of another base")
  const target = readSize(delta, source.next)
  const result = new Uint8Array(target.size)
  let at = target.next
  let written = 0
  while (at < delta.length) {
    const instruction = byteAt(delta, at++)
    let bytes: Uint8Array
    if (instruction & 0x80) {
      const copy = readCopy(delta, at, instruction)
      at = copy.next
      bytes = base.subarray(copy.offset, copy.offset + copy.size)
      if (bytes.length < copy.size) throw new MalformedGitData("a delta copies from behind its base")
    } else {
      if (instruction === 0) throw new MalformedGitData("a delta has an unknown instruction")
      bytes = delta.subarray(at, at + instruction)
      at += instruction
    }
    if (written + bytes.length > result.length) throw new MalformedGitData("a delta makes more than it says")
    result.set(bytes, written)
    written += bytes.length
  }
  if (written !== result.length || at !== delta.length) throw new MalformedGitData("a delta makes less than it says")
  return result
}

/** The low bits of a copy say which bytes of its offset (4) and of its size (3) follow. */
function readCopy(
  delta: Uint8Array,
  start: number,
  instruction: number,
): { offset: number; size: number; next: number } {
  let at = start
  const read = (bits: number, first: number): number => {
    let value = 0
    for (let index = 0; index < bits; index++) {
      if (instruction & (first << index)) value += byteAt(delta, at++) * 2 ** (8 * index)
    }
    return value
  }
  const offset = read(4, 0x01)
  const size = read(3, 0x10)
  return { offset, size: size === 0 ? 0x10000 : size, next: at }
}

/** A size in groups of seven bits, the lowest first. */
function readSize(delta: Uint8Array, start: number): { size: number; next: number } {
  let size = 0
  for (let at = start, factor = 1; at < start + 7; at++, factor *= 128) {
    const byte = byteAt(delta, at)
    size += (byte & 0x7f) * factor
    if (byte < 0x80) return { size, next: at + 1 }
  }
  throw new MalformedGitData("a delta has an impossible size")
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw new MalformedGitData("a delta ends too early")
  return byte
}
