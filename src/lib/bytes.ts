/** Bytes, text and their encodings. Pure. */

const encoder = new TextEncoder()

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(text))
}

/** The text whose UTF-8 bytes are exactly `bytes`, a byte order mark among them; null when there is none. */
export function utf8Text(bytes: ArrayBuffer | Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** One array holding all `parts` in order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex()
}

/** The bytes of a hexadecimal string; throws a SyntaxError when it is none. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex)
}

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64()
}

/** The bytes of standard base64, or null when `text` is none. Line breaks are allowed, as Go's decoder allows them. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" })
  } catch {
    return null
  }
}

/** A stream of parts, of which `ahead` are made before they are asked for. */
export function streamOf(
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ahead = 1,
): ReadableStream<Uint8Array> {
  const iterator = Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]()
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  }
  return new ReadableStream<Uint8Array>(source, { highWaterMark: ahead })
}

/** Turns bytes into their standard base64, between two texts, without holding more than a chunk of them. */
export function base64Stream(before: string, after: string): TransformStream<Uint8Array, Uint8Array> {
  let rest: Uint8Array = new Uint8Array()
  return new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      controller.enqueue(utf8(before))
    },
    transform(chunk, controller) {
      const bytes = concat([rest, chunk])
      // Three bytes are four characters: only whole groups can be written before the end.
      const whole = bytes.length - (bytes.length % 3)
      rest = bytes.subarray(whole)
      controller.enqueue(utf8(toBase64(bytes.subarray(0, whole))))
    },
    flush(controller) {
      controller.enqueue(utf8(toBase64(rest) + after))
    },
  })
}

/** Negative, zero or positive as `a` sorts before, with or after `b`, byte by byte. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
