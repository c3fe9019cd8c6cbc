/**
 * A pack as it came, so that it can be read again: it is checked while it arrives, and nothing of it is stored before all of it was seen.
 * A small one is held in memory; of a larger one all but the end goes to the bucket, in portions that are removed afterwards.
 */
import { ByteReader, MalformedGitData } from "../git/byte-reader.ts"
import { concat, streamOf } from "../lib/bytes.ts"
import type { Portions } from "./portions.ts"

/** Up to this many bytes are held in memory, and one portion has about as many. */
const PORTION_BYTES = 8 * 1024 * 1024
const READ_AT_ONCE = 64 * 1024

export class HeldPack {
  readonly #portions: Portions
  readonly #project: string
  readonly #aside: string[] = []
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(portions: Portions, project: string) {
    this.#portions = portions
    this.#project = project
  }

  /** Reads `source` for the first time; what is read is recorded. */
  firstReader(source: ByteReader): ByteReader {
    // Nothing ahead: whoever stops in the middle of the pack can go on with `source` itself.
    return new ByteReader(streamOf(this.#recorded(source), 0), Number.POSITIVE_INFINITY)
  }

  /** Reads again what was recorded, from the beginning. The reader throws `MalformedGitData` when the project went away meanwhile. */
  nextReader(): ByteReader {
    return new ByteReader(streamOf(this.#replayed()), Number.POSITIVE_INFINITY)
  }

  /** Removes what is in the bucket. */
  release(): void {
    this.#portions.remove(this.#aside)
  }

  async *#recorded(source: ByteReader): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = await source.takeSome(READ_AT_ONCE)
      if (bytes.length === 0) return
      if (this.#heldBytes + bytes.length > PORTION_BYTES) await this.#putAside()
      this.#held.push(bytes)
      this.#heldBytes += bytes.length
      yield bytes
    }
  }

  async #putAside(): Promise<void> {
    const content = concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.#aside.push(await this.#portions.put(this.#project, content))
  }

  async *#replayed(): AsyncGenerator<Uint8Array> {
    for (const key of this.#aside) {
      const content = await this.#portions.read(key)
      if (content === null) throw new MalformedGitData("the project was deleted meanwhile")
      yield content
    }
    yield* this.#held
  }
}
