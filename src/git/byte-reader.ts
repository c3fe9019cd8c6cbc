/** Reads a stream as its format asks for it: so many bytes now, and never more in memory than that. */

/** Data that a client sent and that is not what git sends; the message says what is wrong. */
export class MalformedGitData extends Error {
  override name = "MalformedGitData"
}

export class ByteReader {
  readonly #chunks: ReadableStreamDefaultReader<Uint8Array>
  readonly #limit: number
  #read = 0
  #buffer: Uint8Array = new Uint8Array()
  #ended = false
  /** How many bytes were taken so far. */
  offset = 0

  /** More than `limit` bytes are malformed. */
  constructor(stream: ReadableStream<Uint8Array>, limit: number) {
    this.#chunks = stream.getReader()
    this.#limit = limit
  }

  /** Whether nothing is left. */
  async atEnd(): Promise<boolean> {
    return (await this.peek(1)).length === 0
  }

  /** The next `count` bytes, or as many as there are, without taking them. */
  async peek(count: number): Promise<Uint8Array> {
    if (this.#buffer.length < count && !this.#ended) {
      const parts = [this.#buffer]
      let length = this.#buffer.length
      while (length < count) {
        const { done, value } = await this.#chunks.read()
        if (done) {
          this.#ended = true
          break
        }
        this.#read += value.length
        if (this.#read > this.#limit) throw new MalformedGitData("the request is too long")
        parts.push(value)
        length += value.length
      }
      this.#buffer = joined(parts, length)
    }
    return this.#buffer.subarray(0, count)
  }

  /** Takes exactly `count` bytes. Throws `MalformedGitData` when the stream ends before. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.peek(count)
    if (bytes.length < count) throw new MalformedGitData("the data ends too early")
    this.skip(count)
    return bytes
  }

  /** Takes what is at hand without waiting for more, at most `count` bytes; nothing only at the end. */
  async takeSome(count: number): Promise<Uint8Array> {
    await this.peek(1)
    const bytes = this.#buffer.subarray(0, count)
    this.skip(bytes.length)
    return bytes
  }

  /** Takes `count` bytes that were peeked at. */
  skip(count: number): void {
    this.#buffer = this.#buffer.subarray(count)
    this.offset += count
  }

  /** Gives back bytes that were taken last. */
  giveBack(bytes: Uint8Array): void {
    this.#buffer = joined([bytes, this.#buffer], bytes.length + this.#buffer.length)
    this.offset -= bytes.length
  }

  /** Reads to the end and drops it, so that the sender is heard out before it is answered. */
  async drain(): Promise<void> {
    while ((await this.takeSome(Number.MAX_SAFE_INTEGER)).length > 0);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only, ...others] = parts
  if (only && others.length === 0) return only
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
