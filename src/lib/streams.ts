/** Streams of bytes that pass through without being held. */

/**
 * How many bytes are read at once where each of them is counted: at first, and at most. A stream of events may stay for hours with its
 * buffer, and an isolate has 128 MiB for all of them.
 */
const FIRST_PORTION = 4_096
const LARGEST_PORTION = 65_536

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

/**
 * The same for a stream of unknown length of which at most `most` bytes pass; one more breaks it off with `error()`. `brokenOff` is told that
 * not the whole will pass, before the reader is: the body of a `fetch` that is aborted ends on the wire as if it were complete, so the
 * request has to be aborted first.
 */
export function countedPassage(
  source: ReadableStream<Uint8Array>,
  most: number,
  error: () => Error,
  brokenOff: (reason: unknown) => void = () => {},
): Passage {
  const { readable, writable } = pipe(null)
  return { readable, done: pumpCounted(counted(source, most, error), writable, brokenOff) }
}

function pipe(length: number | null) {
  return length === null ? new IdentityTransformStream() : new FixedLengthStream(length)
}

/** Reads portion after portion into one buffer: a chunk of its own for each would be more garbage than can be collected. */
async function pumpCounted(
  portions: Portions,
  target: WritableStream<Uint8Array>,
  brokenOff: (reason: unknown) => void,
): Promise<void> {
  const writer = target.getWriter()
  const next = async (buffer: ArrayBuffer) => {
    try {
      return await portions.read(buffer)
    } catch (reason) {
      brokenOff(reason)
      throw reason
    }
  }
  try {
    for (
      let value = await next(new ArrayBuffer(FIRST_PORTION));
      value !== null;
      value = await next(bufferAfter(value))
    ) {
      await writer.write(value)
    }
    await writer.close()
  } catch (reason) {
    await Promise.allSettled([portions.cancel(reason), writer.abort(reason)])
    throw reason
  }
}

/** The buffer that held `value`, or a larger one where it was filled: then the bytes come faster than they are read. */
function bufferAfter({ length, buffer }: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { byteLength } = buffer
  return length === byteLength && byteLength < LARGEST_PORTION ? new ArrayBuffer(byteLength * 2) : buffer
}

interface Portions {
  /** The next portion, in `buffer`; null at the end. */
  read(buffer: ArrayBuffer): Promise<Uint8Array<ArrayBuffer> | null>
  cancel(reason: unknown): Promise<void>
}

function counted(source: ReadableStream<Uint8Array>, most: number, error: () => Error): Portions {
  const reader = source.getReader({ mode: "byob" })
  let passed = 0
  return {
    async read(buffer) {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      if (done) return null
      passed += value.length
      if (passed > most) throw error()
      return value
    },
    cancel: (reason) => reader.cancel(reason),
  }
}
