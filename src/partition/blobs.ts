/**
 * The bytes of resources: R2 by project and git blob id, immutable. Small ones are kept in KV after their first read, where
 * the region allows it. Nothing here decides who may read what: callers come with an id from the index.
 */
import { type ObjectId, objectHeader, objectId } from "../git/objects.ts"
import { streamOf, toHex, utf8 } from "../lib/bytes.ts"
import { startDigest } from "../lib/digest.ts"
import type { Meter } from "../lib/meter.ts"

/** Blobs up to this many bytes are cached in KV, and are held whole when they are read. Larger ones are streamed. */
export const SMALL_BLOB = 1024 * 1024
/** How long KV keeps a blob, in seconds. Blobs never change; this bounds how long the bytes of a deleted project linger. */
const CACHE_SECONDS = 24 * 60 * 60
/** A key that nothing is stored under. */
const NOWHERE = "nowhere"
/** R2 deletes at most this many objects in one call, and lists as many. */
const PAGE = 1000

/** A blob to be stored. */
export interface Blob {
  id: ObjectId
  content: Uint8Array<ArrayBuffer>
}

/** A part of a blob, in bytes. */
export interface ByteRange {
  offset: number
  length: number
}

/** An object of the bucket as the collector of garbage sees it. `id` null: an upload that was not finished. */
export interface StoredBlob {
  key: string
  project: string
  id: ObjectId | null
  size: number
  /** In ms since 1970. */
  storedAt: number
}

/** Other bytes are stored under the id of these. Git's ids do not collide by chance: somebody made them do so. */
export class BlobCollision extends Error {
  override name = "BlobCollision"
}

/** The bytes of a blob that was found in the index are not there. They go when the project is deleted. */
export class BlobMissing extends Error {
  override name = "BlobMissing"
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

  /** Asks the bucket for something that is not there. Throws when it cannot be reached. */
  async reachBucket(): Promise<void> {
    await this.#meter.count("r2", () => this.#bucket.head(NOWHERE))
  }

  /** The same of the cache; false where there is none. */
  async reachCache(): Promise<boolean> {
    const cache = this.#cache
    if (cache === null) return false
    await this.#meter.count("kv", () => cache.get(NOWHERE))
    return true
  }

  /**
   * Stores `blobs` of a project, all at once. One that is there already is left as it is. Blobs that are the same are put once:
   * R2 takes one write per second and key. Throws a `BlobCollision` when other bytes stand under an id.
   */
  async put(project: string, blobs: readonly Blob[]): Promise<void> {
    const different = new Map(blobs.map((blob) => [blob.id, blob])).values()
    await Promise.all(
      Array.from(different, async ({ id, content }) => {
        const sha256 = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", content)))
        await this.#create(blobKey(project, id), content, sha256)
      }),
    )
  }

  /**
   * Stores a body of exactly `size` bytes without holding it: the id is known when the last byte is, so the bytes are uploaded under
   * another name first. Answers the id. Throws when the body is shorter or longer.
   */
  async upload(project: string, body: ReadableStream<Uint8Array>, size: number): Promise<ObjectId> {
    const upload = `${projectPrefix(project)}uploads/${crypto.randomUUID()}`
    const git = startDigest("sha1").update(objectHeader("blob", size))
    const sha256 = startDigest("sha256")
    const { readable, writable } = new FixedLengthStream(size)
    try {
      const put = this.#bucket.put(upload, readable)
      await this.#pump(body, writable, put, (chunk) => {
        git.update(chunk)
        sha256.update(chunk)
      })
      await this.#meter.count("r2", () => put)
      const id = git.digest("hex")
      const name = blobKey(project, id)
      const [uploaded, stored] = await Promise.all([
        this.#meter.count("r2", () => this.#bucket.get(upload)),
        this.#meter.count("r2", () => this.#bucket.head(name)),
      ])
      const { body: bytes } = present(uploaded, upload)
      const digest = sha256.digest("hex")
      if (stored === null) {
        await this.#create(name, bytes, digest)
      } else {
        await bytes.cancel()
        refuseOthers(stored, digest)
      }
      return id
    } finally {
      // When this fails, too, the collector of garbage finds what is left.
      this.#later(this.#bucket.delete(upload).catch(() => undefined))
    }
  }

  /**
   * The bytes of a blob of `size` bytes. Both stores are asked at once and the first that has it answers: that is one round
   * trip whether KV holds the blob or not, and a file can be read while one of them is down. Throws when neither has it.
   * Nothing is asked for an empty blob.
   */
  async get(project: string, id: ObjectId, size: number): Promise<Uint8Array> {
    if (size === 0) return new Uint8Array()
    const name = blobKey(project, id)
    const cache = size <= SMALL_BLOB ? this.#cache : null
    const standing = <T>(bytes: T | null | undefined) => present(bytes, name)
    const stored = this.#meter.count("r2", async () => (await this.#bucket.get(name))?.bytes()).then(standing)
    if (!cache) return stored
    const cached = this.#meter
      .count("kv", () => cache.get(name, "arrayBuffer"))
      .then((bytes) => new Uint8Array(standing(bytes)))
    const hit = cached.then(
      () => true,
      () => false,
    )
    this.#later(this.#fill(cache, name, stored, hit))
    // When both fail, it is for the reason that the bucket gives: the cache may have nothing but missed.
    return Promise.any([cached, stored]).catch(() => stored)
  }

  /**
   * The bytes of a large blob, or a part of them, as a stream that the platform moves itself: nobody sees whether its parts come in time.
   * Throws when it is not stored.
   */
  async stream(project: string, id: ObjectId, range: ByteRange | null): Promise<ReadableStream<Uint8Array>> {
    const name = blobKey(project, id)
    const found = await this.#meter.count("r2", () => this.#bucket.get(name, range === null ? {} : { range }))
    return present(found, name).body
  }

  /** A blob of at most `limit` bytes that may not be there (null); `too-large` for a larger one. */
  async find(project: string, id: ObjectId, limit: number): Promise<Uint8Array<ArrayBuffer> | "too-large" | null> {
    const found = await this.#meter.count("r2", () => this.#bucket.get(blobKey(project, id)))
    if (found === null) return null
    if (found.size <= limit) return new Uint8Array(await this.#meter.inTime(() => found.arrayBuffer()))
    await found.body.cancel()
    return "too-large"
  }

  /** A blob whose size the caller does not know: whole when it is small, else as a stream. Throws when it is not stored. */
  async open(
    project: string,
    id: ObjectId,
  ): Promise<{ size: number; content: Uint8Array | ReadableStream<Uint8Array> }> {
    const name = blobKey(project, id)
    const found = present(await this.#meter.count("r2", () => this.#bucket.get(name)), name)
    const small = found.size <= SMALL_BLOB
    const content = small
      ? await this.#meter.inTime(() => found.bytes())
      : streamOf(this.#meter.partsInTime(found.body))
    return { size: found.size, content }
  }

  /**
   * Moves `body` to `target`, which `put` stores. The caller may send it as slowly as it likes, but the storage must take each part of it in
   * time: pipeTo() would not tell which of them is waited for.
   */
  async #pump(
    body: ReadableStream<Uint8Array>,
    target: WritableStream<Uint8Array>,
    put: Promise<unknown>,
    passed: (chunk: Uint8Array) => void,
  ): Promise<void> {
    const writer = target.getWriter()
    // Rejected as soon as nobody takes the bytes any more; never resolved.
    const broken = put.then(() => Promise.withResolvers<never>().promise)
    // Between two parts nobody waits for it.
    broken.catch(() => undefined)
    try {
      for await (const chunk of body) {
        passed(chunk)
        await this.#meter.inTime(() => Promise.race([writer.write(chunk), broken]))
      }
      await this.#meter.inTime(() => Promise.race([writer.close(), broken]))
    } catch (error) {
      writer.abort(error).catch(() => undefined)
      throw error
    }
  }

  /** Puts into KV what R2 had and KV did not. What goes wrong here costs only the next reader's time. */
  async #fill(cache: KVNamespace, name: string, stored: Promise<Uint8Array>, hit: Promise<boolean>): Promise<void> {
    const bytes = await stored.catch(() => null)
    if (bytes && !(await hit)) await cache.put(name, bytes, { expirationTtl: CACHE_SECONDS }).catch(() => undefined)
  }

  /**
   * Creates an object unless it is there. Only then is it looked at: nearly everything that is written is new, and to ask for it at the same time
   * would cost each of a hundred files a second call.
   */
  async #create(name: string, body: Uint8Array<ArrayBuffer> | ReadableStream, sha256: string): Promise<void> {
    const onlyIf = new Headers({ "If-None-Match": "*" })
    const created = await this.#meter.count("r2", () => this.#bucket.put(name, body, { onlyIf, sha256 }))
    if (created) return
    const stored = await this.#meter.count("r2", () => this.#bucket.head(name))
    if (stored) refuseOthers(stored, sha256)
  }

  /** Deletes up to `pages` times 1,000 objects of a project; answers whether none is left. */
  async clear(project: string, pages: number): Promise<boolean> {
    for (let page = 0; page < pages; page++) {
      const prefix = projectPrefix(project)
      const found = await this.#meter.count("r2", () => this.#bucket.list({ prefix, limit: PAGE }))
      if (found.objects.length > 0) {
        const keys = found.objects.map((object) => object.key)
        await this.#meter.count("r2", () => this.#bucket.delete(keys))
      }
      if (!found.truncated) return true
    }
    return false
  }

  /** Up to 1,000 objects of all projects, by key, from `cursor` on, and where the next ones start (null: there are none). */
  async list(cursor: string | null): Promise<{ blobs: StoredBlob[]; cursor: string | null }> {
    const options = { prefix: PROJECTS, limit: PAGE, ...(cursor !== null && { startAfter: cursor }) }
    const page = await this.#meter.count("r2", () => this.#bucket.list(options))
    const blobs = page.objects.flatMap(({ key, size, uploaded }) => {
      const [, project, kind, name] = /^projects\/([^/]+)\/(blobs|uploads)\/(.+)$/.exec(key) ?? []
      if (project === undefined || name === undefined) return []
      return [{ key, project, id: kind === "blobs" ? name : null, size, storedAt: uploaded.getTime() }]
    })
    return { blobs, cursor: page.truncated ? (page.objects.at(-1)?.key ?? null) : null }
  }

  /** Deletes blobs that nobody can ask for, at most 1,000. */
  removeBlobs(blobs: readonly { project: string; id: ObjectId }[]): Promise<void> {
    return this.remove(blobs.map(({ project, id }) => blobKey(project, id)))
  }

  /** Deletes objects by their keys, at most 1,000. */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#meter.count("r2", () => this.#bucket.delete([...keys]))
  }
}

/** Throws a `BlobCollision` when the bytes that are stored are not those with this SHA-256. */
function refuseOthers({ key, checksums }: R2Object, sha256: string): void {
  const stored = checksums.sha256
  if (stored && toHex(new Uint8Array(stored)) !== sha256) throw new BlobCollision(`other bytes stand at ${key}`)
}

const PROJECTS = "projects/"

function projectPrefix(project: string): string {
  return `${PROJECTS}${project}/`
}

function blobKey(project: string, id: ObjectId): string {
  return `${projectPrefix(project)}blobs/${id}`
}

function present<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new BlobMissing(`blob ${name} is in the index but not in the store`)
  return value
}

/** A text as a blob that can be stored and named. */
export async function blobOf(text: string): Promise<{ id: string; content: Uint8Array<ArrayBuffer>; size: number }> {
  const content = utf8(text)
  return { id: await objectId("blob", content), content, size: content.length }
}
