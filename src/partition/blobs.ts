/**
 * The bytes of resources: R2 by project and git blob id, immutable. Small ones are kept in KV after their first read, where
 * the region allows it. Nothing here decides who may read what: callers come with an id from the index.
 */
import type { Meter } from "../lib/meter.ts"

/** Blobs up to this many bytes are cached in KV. */
const CACHED_BYTES = 64 * 1024
/** How long KV keeps a blob, in seconds. Blobs never change; this bounds how long the bytes of a deleted project linger. */
const CACHE_SECONDS = 24 * 60 * 60
/** R2 deletes at most this many objects in one call, and lists as many. */
const PAGE = 1000

/** A blob to be stored. */
export interface Blob {
  id: string
  content: Uint8Array<ArrayBuffer>
}

export class Blobs {
  readonly #bucket: R2Bucket
  readonly #cache: KVNamespace | null
  readonly #meter: Meter
  readonly #later: (task: Promise<unknown>) => void

  /** `cache` null: this region is not cached. `later` runs what the response need not wait for. */
  constructor(bucket: R2Bucket, cache: KVNamespace | null, meter: Meter, later: (task: Promise<unknown>) => void) {
    this.#bucket = bucket
    this.#cache = cache
    this.#meter = meter
    this.#later = later
  }

  /**
   * Stores `blobs` of a project, all at once. One that is there already is left as it is: same id, same bytes. Blobs that are
   * the same are put once: R2 takes one write per second and key.
   */
  async put(project: string, blobs: readonly Blob[]): Promise<void> {
    const onlyIf = new Headers({ "If-None-Match": "*" })
    const different = new Map(blobs.map((blob) => [blob.id, blob])).values()
    await Promise.all(
      Array.from(different, (blob) =>
        this.#meter.count("r2", () => this.#bucket.put(key(project, blob.id), blob.content, { onlyIf })),
      ),
    )
  }

  /**
   * The bytes of a blob of `size` bytes. Both stores are asked at once and the first that has it answers: that is one round
   * trip whether KV holds the blob or not, and a file can be read while one of them is down. Throws when neither has it.
   * Nothing is asked for an empty blob.
   */
  async get(project: string, id: string, size: number): Promise<Uint8Array> {
    if (size === 0) return new Uint8Array()
    const name = key(project, id)
    const cache = size <= CACHED_BYTES ? this.#cache : null
    const stored = this.#meter.count("r2", async () => present(await (await this.#bucket.get(name))?.bytes(), name))
    if (!cache) return stored
    const cached = this.#meter.count(
      "kv",
      async () => new Uint8Array(present(await cache.get(name, "arrayBuffer"), name)),
    )
    const hit = cached.then(
      () => true,
      () => false,
    )
    this.#later(this.#fill(cache, name, stored, hit))
    return Promise.any([cached, stored])
  }

  /** Puts into KV what R2 had and KV did not. What goes wrong here costs only the next reader's time. */
  async #fill(cache: KVNamespace, name: string, stored: Promise<Uint8Array>, hit: Promise<boolean>): Promise<void> {
    const bytes = await stored.catch(() => null)
    if (bytes && !(await hit)) await cache.put(name, bytes, { expirationTtl: CACHE_SECONDS })
  }

  /** Deletes up to `pages` times 1,000 blobs of a project; answers whether none is left. */
  async clear(project: string, pages: number): Promise<boolean> {
    for (let page = 0; page < pages; page++) {
      const found = await this.#meter.count("r2", () => this.#bucket.list({ prefix: key(project, ""), limit: PAGE }))
      if (found.objects.length > 0) {
        const keys = found.objects.map((object) => object.key)
        await this.#meter.count("r2", () => this.#bucket.delete(keys))
      }
      if (!found.truncated) return true
    }
    return false
  }
}

function key(project: string, id: string): string {
  return `projects/${project}/blobs/${id}`
}

function present<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new Error(`blob ${name} is in the index but not in the store`)
  return value
}
