/**
 * Portions of a request that are read again before it ends, and are too large for memory. They stand beside unfinished uploads in the
 * bucket: a deleted project takes them along, and the collector of garbage finds what is left of a request that was cut off.
 */
import type { Meter } from "../lib/meter.ts"

export class Portions {
  readonly #bucket: R2Bucket
  readonly #meter: Meter
  readonly #later: (task: Promise<unknown>) => void

  /** `later` runs what the response need not wait for. */
  constructor(bucket: R2Bucket, meter: Meter, later: (task: Promise<unknown>) => void) {
    this.#bucket = bucket
    this.#meter = meter
    this.#later = later
  }

  /** Stores a portion; returns its key. */
  async put(project: string, content: Uint8Array<ArrayBuffer>): Promise<string> {
    const key = `projects/${project}/uploads/${crypto.randomUUID()}`
    await this.#meter.count("r2", () => this.#bucket.put(key, content))
    return key
  }

  /** The bytes of a portion; null when they are gone with their project. */
  read(key: string): Promise<Uint8Array | null> {
    return this.#meter.count("r2", async () => (await (await this.#bucket.get(key))?.bytes()) ?? null)
  }

  /** Removes portions, after the response. */
  remove(keys: readonly string[]): void {
    if (keys.length > 0) this.#later(this.#bucket.delete([...keys]).catch(() => undefined))
  }
}
