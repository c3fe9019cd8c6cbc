/** Streams of bytes that pass through without being held. */

/** How many bytes are read at once where each of them is counted. */
const PORTION = 65_536

/** The part of a stream that something can be read from, and a promise that settles when all of it has passed. */
export interface Passage {
  readable: ReadableStream<Uint8Array>
  /** Rejected when either end breaks off. */
  done: Promise<void>
}

/**
 * Lets `source` through. With a `length` exactly so many bytes pass, or the reader is told that it broke off. An abort of
 * `signal` breaks it off. The platform moves the bytes itself.
 */
export function passage(source: ReadableStream<Uint8Array>, length: number | null, signal?: AbortSignal): Passage {
  const { readable, writable } = pipe(length)
  return { readable, done: source.pipeTo(writable, signal ? { signal } : {}) }
}

/** The same for a stream of unknown length of which at most `most` bytes pass; one more breaks it off with `error()`. */
export function countedPassage(source: ReadableStream<Uint8Array>, most: number, error: () => Error): Passage {
  const { readable, writable } = pipe(null)
  return { readable, done: pumpCounted(source, writable, most, error) }
}

function pipe(length: number | null) {
  return length === null ? new IdentityTransformStream() : new FixedLengthStream(length)
}

/** Reads into one buffer again and again: a chunk of its own for each portion would be more garbage than can be collected. */
async function pumpCounted(
  source: ReadableStream<Uint8Array>,
  target: WritableStream<Uint8Array>,
  most: number,
  error: () => Error,
): Promise<void> {
  const reader = source.getReader({ mode: "byob" })
  const writer = target.getWriter()
  try {
    let buffer = new ArrayBuffer(PORTION)
    for (let passed = 0; ;) {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      if (done) break
      passed += value.length
      if (passed > most) throw error()
      await writer.write(value)
      buffer = value.buffer
    }
    await writer.close()
  } catch (reason) {
    await Promise.allSettled([reader.cancel(reason), writer.abort(reason)])
    throw reason
  }
}
