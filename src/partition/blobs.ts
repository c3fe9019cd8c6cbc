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

  /** Stores `blobs` of a project, all at once. One that is there already is left as it is: same id, same bytes. */
  async put(project: string, blobs: readonly Blob[]): Promise<void> {
    const onlyIf = new Headers({ "If-None-Match": "*" })
    await Promise.all(
      blobs.map((blob) => this.#meter.count("r2", () => this.#bucket.put(key(project, blob.id), blob.content, { onlyIf }))),
    )
  }

  /** The bytes of a blob of `size` bytes. Throws when the index names a blob that is not there. */
  async get(project: string, id: string, size: number): Promise<Uint8Array<ArrayBuffer>> {
    const name = key(project, id)
    const cache = size <= CACHED_BYTES ? this.#cache : null
    const cached = cache && (await this.#meter.count("kv", () => cache.get(name, "arrayBuffer")))
    if (cached) return new Uint8Array(cached)
    const bytes = await this.#meter.count("r2", async () => (await this.#bucket.get(name))?.bytes())
    if (!bytes) throw new Error(`blob ${name} is in the index but not in the bucket`)
    if (cache) this.#later(cache.put(name, bytes, { expirationTtl: CACHE_SECONDS }))
    return new Uint8Array(bytes)
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
