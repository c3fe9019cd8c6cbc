/** Takes the objects out of a pack that was pushed: blobs go to the bucket as they come, commits and trees are kept for the commit. */
import { and, eq } from "drizzle-orm"
import { type ByteReader, MalformedGitData } from "../git/byte-reader.ts"
import { applyDelta, deltaResultSize } from "../git/delta.ts"
import {
  EMPTY_TREE,
  encodeTree,
  FILE_MODE,
  type ObjectId,
  objectId,
  type ObjectType,
  parseCommit,
  parseTree,
  TREE_MODE,
} from "../git/objects.ts"
import { type PackEntry, PackTooLarge, readPack } from "../git/pack-reader.ts"
import { compareBytes, concat } from "../lib/bytes.ts"
import { LARGEST_OBJECT } from "./commit.ts"
import type { Blob } from "./blobs.ts"
import type { Partition } from "./partition.ts"
import { hasShortHead } from "./git-objects.ts"
import type { Repository } from "./refs.ts"
import { commits, trees } from "./schema.ts"

/** What is taken of one push; sizes in bytes, before compression. A file can be as large as the raw body of a request. */
const LIMITS = { objects: 20_000, size: 100 * 1024 * 1024, totalSize: 1024 * 1024 * 1024 }
/** Commits and trees are written in one batch. */
const STRUCTURE_BYTES = 8 * 1024 * 1024
/** A file that comes as a delta is put together in memory, from its base. */
const LARGEST_DELTA = 16 * 1024 * 1024
/** Contents that deltas may be made from are kept in memory up to this size together. */
const KEPT_BYTES = 16 * 1024 * 1024
/** Blobs are put in groups of this many bytes, or this number. */
const GROUP = { bytes: 8 * 1024 * 1024, blobs: 50 }

/** The objects of a pack. Blobs, with their sizes, are in the bucket. */
export interface Unpacked {
  commits: ReadonlyMap<ObjectId, Uint8Array>
  trees: ReadonlyMap<ObjectId, Uint8Array>
  blobs: ReadonlyMap<ObjectId, number>
}

/** An object with its content; null where it is too large to be held, which only a blob can be. */
interface GitObject {
  type: ObjectType
  id: ObjectId
  content: Uint8Array<ArrayBuffer>
}

/**
 * Unpacks what `reader` brings. Throws `MalformedGitData` for a pack that is not sound or has objects that the API would refuse,
 * `PackTooLarge`, and `BlobCollision`.
 */
export async function unpack(partition: Partition, repository: Repository, reader: ByteReader): Promise<Unpacked> {
  const unpacker = new Unpacker(partition, repository)
  for await (const entry of readPack(reader, LIMITS)) await unpacker.add(entry)
  return unpacker.finish()
}

class Unpacker {
  readonly #partition: Partition
  readonly #repository: Repository
  readonly #commits = new Map<ObjectId, Uint8Array>()
  readonly #trees = new Map<ObjectId, Uint8Array>()
  readonly #blobs = new Map<ObjectId, number>()
  /** Where in the pack an object begins. */
  readonly #ids = new Map<number, ObjectId>()
  readonly #kept = new KeptContents()
  /** Deltas whose base was not there yet, by the id of the base. */
  readonly #waiting = new Map<ObjectId, { offset: number; delta: Uint8Array<ArrayBuffer> }[]>()
  /** Those of them whose base has come. */
  readonly #ready: { offset: number; baseId: ObjectId; delta: Uint8Array<ArrayBuffer> }[] = []
  #waitingBytes = 0
  #structureBytes = 0
  /** What deltas have made so far: a few bytes of them can make a lot. */
  #deltaBytes = 0
  #group: Blob[] = []
  #groupBytes = 0

  constructor(partition: Partition, repository: Repository) {
    this.#partition = partition
    this.#repository = repository
  }

  async add(entry: PackEntry): Promise<void> {
    const { offset, type, size } = entry
    if (type === "blob" && entry.content instanceof ReadableStream) {
      const id = await this.#partition.blobs.upload(this.#repository.project, entry.content, size)
      this.#ids.set(offset, id)
      this.#blobs.set(id, size)
      this.#wake(id)
      return this.#storeReady()
    }
    const content = await wholeContent(entry)
    // Tags name nothing that can be pushed here.
    if (type === "tag") return
    if (type === "commit" || type === "tree" || type === "blob") {
      await this.#store(offset, type, content)
      return this.#storeReady()
    }
    const baseId = typeof entry.base === "number" ? this.#ids.get(entry.base) : entry.base
    if (baseId === undefined || baseId === null) {
      throw new MalformedGitData("a delta is made from nothing that came before it")
    }
    const base = await this.#find(baseId)
    if (base !== null) {
      await this.#storeDelta(offset, base, content)
      return this.#storeReady()
    }
    this.#waitingBytes += content.length
    if (this.#waitingBytes > LARGEST_DELTA) {
      throw new PackTooLarge("too many of its deltas come before what they are made from")
    }
    this.#waiting.set(baseId, [...(this.#waiting.get(baseId) ?? []), { offset, delta: content }])
  }

  async finish(): Promise<Unpacked> {
    const [missing] = this.#waiting.keys()
    if (missing !== undefined) {
      throw new MalformedGitData(`the object ${missing}, from which another is made, is missing`)
    }
    await this.#putGroup()
    return { commits: this.#commits, trees: this.#trees, blobs: this.#blobs }
  }

  async #storeDelta(offset: number, base: GitObject, delta: Uint8Array): Promise<void> {
    const size = deltaResultSize(delta)
    if (size > LARGEST_DELTA) throw tooLargeForDelta()
    this.#deltaBytes += size
    if (this.#deltaBytes > LIMITS.totalSize) {
      throw new PackTooLarge(`its objects have more than ${LIMITS.totalSize} bytes`)
    }
    await this.#store(offset, base.type, applyDelta(base.content, delta))
  }

  async #store(offset: number, type: ObjectType, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const id = await objectId(type, content)
    this.#ids.set(offset, id)
    if (type === "blob") await this.#storeBlob(id, content)
    else this.#storeStructure(type, id, content)
    this.#kept.add({ type, id, content })
    this.#wake(id)
  }

  /** Notes that the base of those that wait for it is there. */
  #wake(id: ObjectId): void {
    for (const waiting of this.#waiting.get(id) ?? []) this.#ready.push({ baseId: id, ...waiting })
    this.#waiting.delete(id)
  }

  /** Stores the deltas whose base is there by now, and those that wait for them. They are not made at once: they may be large. */
  async #storeReady(): Promise<void> {
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      const { offset, baseId, delta } = next
      this.#waitingBytes -= delta.length
      const base = await this.#find(baseId)
      if (base === null) throw new Error(`the object ${baseId} was stored and is gone`)
      await this.#storeDelta(offset, base, delta)
    }
  }

  #storeStructure(type: "commit" | "tree", id: ObjectId, content: Uint8Array): void {
    this.#structureBytes += content.length
    if (this.#structureBytes > STRUCTURE_BYTES) {
      throw new PackTooLarge(
        "it changes too much at once: push an older commit first (git push origin <commit>:<branch>)",
      )
    }
    if (content.length > LARGEST_OBJECT) {
      throw new PackTooLarge(`the ${type} ${id} is too large: spread the files over more folders`)
    }
    if (type === "commit") {
      if (parseCommit(content) === null) throw new MalformedGitData(`the commit ${id} is not as git writes commits`)
      if (!hasShortHead(content)) throw new PackTooLarge(`the commit ${id} has too many parents, or too long names`)
      this.#commits.set(id, content)
    } else {
      checkTree(id, content)
      this.#trees.set(id, content)
    }
  }

  async #storeBlob(id: ObjectId, content: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#blobs.set(id, content.length)
    this.#group.push({ id, content })
    this.#groupBytes += content.length
    if (this.#groupBytes >= GROUP.bytes || this.#group.length >= GROUP.blobs) await this.#putGroup()
  }

  async #putGroup(): Promise<void> {
    await this.#partition.blobs.put(this.#repository.project, this.#group)
    this.#group = []
    this.#groupBytes = 0
  }

  /** An object of this pack or of the repository; null when it is not there (yet). */
  async #find(id: ObjectId): Promise<GitObject | null> {
    const kept = this.#kept.get(id)
    if (kept) return kept
    const commit = this.#commits.get(id)
    if (commit) return { type: "commit", id, content: new Uint8Array(commit) }
    const tree = this.#trees.get(id)
    if (tree) return { type: "tree", id, content: new Uint8Array(tree) }
    await this.#putGroup()
    const [structure, blob] = await Promise.all([
      this.#readStructure(id),
      this.#partition.blobs.find(this.#repository.project, id, LARGEST_DELTA),
    ])
    if (blob === "too-large") throw tooLargeForDelta()
    const found = structure ?? (blob && { type: "blob" as const, id, content: blob })
    if (found) this.#kept.add(found)
    return found
  }

  async #readStructure(id: ObjectId): Promise<GitObject | null> {
    const { db } = this.#partition
    const { projectId } = this.#repository
    const [[commit], [tree]] = await db.batch([
      db
        .select({ content: commits.content })
        .from(commits)
        .where(and(eq(commits.projectId, projectId), eq(commits.id, id))),
      db
        .select({ content: trees.content })
        .from(trees)
        .where(and(eq(trees.projectId, projectId), eq(trees.id, id))),
    ])
    if (commit) return { type: "commit", id, content: new Uint8Array(commit.content) }
    return tree ? { type: "tree", id, content: new Uint8Array(tree.content) } : null
  }
}

/** The contents that were used last, up to `KEPT_BYTES`. */
class KeptContents {
  readonly #objects = new Map<ObjectId, GitObject>()
  #bytes = 0

  add(object: GitObject): void {
    if (this.#objects.has(object.id) || object.content.length > KEPT_BYTES / 4) return
    this.#objects.set(object.id, object)
    this.#bytes += object.content.length
    for (const [id, { content }] of this.#objects) {
      if (this.#bytes <= KEPT_BYTES) break
      this.#objects.delete(id)
      this.#bytes -= content.length
    }
  }

  get(id: ObjectId): GitObject | null {
    const object = this.#objects.get(id)
    if (!object) return null
    this.#objects.delete(id)
    this.#objects.set(id, object)
    return object
  }
}

/** The content of an entry that must be held: all but large blobs. */
async function wholeContent({ type, size, content }: PackEntry): Promise<Uint8Array<ArrayBuffer>> {
  if (content instanceof Uint8Array) return content
  if (type === "commit" || type === "tree" || type === "tag") throw new PackTooLarge(`a ${type} has ${size} bytes`)
  if (size > LARGEST_DELTA) throw tooLargeForDelta()
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return concat(parts)
}

function tooLargeForDelta(): PackTooLarge {
  return new PackTooLarge(
    `a file of more than ${LARGEST_DELTA} bytes comes as a delta: push with git -c core.bigFileThreshold=8m`,
  )
}

/** Holds a tree to what git's own check asks, and to what can be read by the API: files and folders only, in git's order. */
function checkTree(id: ObjectId, content: Uint8Array): void {
  const entries = entriesOf(id, content)
  for (const { mode, name, id: entryId } of entries) {
    if (mode === "120000") {
      throw new MalformedGitData(`'${name}' is a symbolic link, which cannot be stored: push the file itself`)
    }
    if (mode === "160000") {
      throw new MalformedGitData(`'${name}' is a submodule, which cannot be stored: push its files`)
    }
    if (mode !== FILE_MODE && mode !== "100755" && mode !== TREE_MODE) {
      throw new MalformedGitData(`'${name}' has the mode ${mode}, which git does not write`)
    }
    if (name === "" || name.includes("/")) throw new MalformedGitData(`'${name}' is not the name of a file or a folder`)
    if (mode === TREE_MODE && entryId === EMPTY_TREE) throw new MalformedGitData(`the folder '${name}' is empty`)
  }
  const names = new Set(entries.map(({ name }) => name))
  if (names.size !== entries.length || compareBytes(encodeTree(entries), content) !== 0) {
    throw new MalformedGitData(`the tree ${id} is not in git's order`)
  }
}

function entriesOf(id: ObjectId, content: Uint8Array) {
  try {
    return parseTree(content)
  } catch {
    throw new MalformedGitData(`the tree ${id} cannot be read: names must be UTF-8`)
  }
}
