/**
 * Reads a pushed pack once, while it arrives, without storing anything: afterwards it is known how much it unpacks to, its commits and trees
 * are there, and so are the ids of its files. Only what is made by deltas of files is not made yet.
 */
import { and, eq, inArray, sql } from "drizzle-orm"
import type { ByteReader } from "../git/byte-reader.ts"
import { type Delta, DeltaForest, madeFrom, type PackedObject, readDelta, requireAllMade } from "../git/delta-forest.ts"
import { type HashedType, objectHeader, type ObjectId, objectId } from "../git/objects.ts"
import { type PackEntry, PackTooLarge, readPack } from "../git/pack-reader.ts"
import { concat, toHex } from "../lib/bytes.ts"
import { startDigest } from "../lib/digest.ts"
import { Turns } from "../lib/turns.ts"
import { valuesOf } from "./bulk.ts"
import { blobSizes, readObjects } from "./git-objects.ts"
import { PackStructure, STRUCTURE_BYTES } from "./pack-structure.ts"
import type { Database, Partition } from "./partition.ts"
import type { Repository } from "./refs.ts"
import { commits, trees } from "./schema.ts"

/**
 * What is taken of one push; sizes in bytes, before compression. A file can be as large as the raw body of a request. `totalSize` is the sum over
 * all objects, with those that deltas make, the deltas themselves, and the stored objects that they are made from.
 */
export const PUSH_LIMITS = { objects: 20_000, size: 100 * 1024 * 1024, totalSize: 128 * 1024 * 1024 }
/** A file that comes as a delta is put together in memory, from its base. */
export const LARGEST_DELTA = 16 * 1024 * 1024
/** Deltas are kept until what they are made from is there. */
const DELTA_BYTES = 16 * 1024 * 1024
/** Stored files are read one by one. */
const MOST_STORED_BASES = 1_000

/** What is known of a pack. */
export interface PackIndex {
  commits: ReadonlyMap<ObjectId, Uint8Array>
  trees: ReadonlyMap<ObjectId, Uint8Array>
  /** The files that stand whole in the pack: their sizes, and which one stands where. */
  blobSizes: ReadonlyMap<ObjectId, number>
  blobIds: ReadonlyMap<number, ObjectId>
  /** The deltas that make files, and the stored files that they are made from, with their sizes. */
  deltas: readonly Delta[]
  storedBases: ReadonlyMap<ObjectId, number>
}

/**
 * Indexes the pack that `reader` brings. Throws `MalformedGitData` for a pack that is not sound or has objects that the API would refuse, and
 * `PackTooLarge`.
 */
export async function indexPack(partition: Partition, repository: Repository, reader: ByteReader): Promise<PackIndex> {
  const indexer = new Indexer()
  for await (const entry of readPack(reader, PUSH_LIMITS)) await indexer.add(entry)
  return indexer.finish(partition.db, repository.projectId)
}

class Indexer {
  readonly #structure = new PackStructure()
  /** Commits, trees and tags that stand whole in the pack. */
  readonly #roots: PackedObject[] = []
  readonly #blobSizes = new Map<ObjectId, number>()
  readonly #blobIds = new Map<number, ObjectId>()
  readonly #deltas: Delta[] = []
  readonly #turns = new Turns()
  #deltaBytes = 0
  #totalBytes = 0

  async add(entry: PackEntry): Promise<void> {
    const { offset, type, size, base, content } = entry
    this.#count(size)
    if (type === "blob") {
      const id = content instanceof Uint8Array ? await objectId(type, content) : await streamedId(content, size)
      this.#blobIds.set(offset, id)
      this.#blobSizes.set(id, size)
    } else if (base === null) {
      await this.#addWhole(offset, type, size, content)
    } else {
      this.#deltaBytes += size
      if (this.#deltaBytes > DELTA_BYTES) {
        throw new PackTooLarge(`its deltas have more than ${DELTA_BYTES} bytes: push with git -c pack.window=0`)
      }
      this.#addDelta(readDelta(offset, base, content instanceof Uint8Array ? content : await wholeContent(content)))
    }
    await this.#turns.took(size)
  }

  async finish(db: Database, projectId: string): Promise<PackIndex> {
    const forest = new DeltaForest(this.#deltas)
    const stored = await this.#findBases(db, projectId, forest)
    for (const root of this.#roots) await this.#makeFrom(forest, root)
    for (const type of ["commit", "tree"] as const) {
      for await (const { id, content } of readObjects(db, type, projectId, [...stored[type].keys()])) {
        await this.#makeFrom(forest, { offset: null, type, id, content: new Uint8Array(content) })
      }
    }
    const bases = [...this.#blobIds].filter(([offset, id]) => forest.isBase(offset, id))
    if (bases.some(([, id]) => (this.#blobSizes.get(id) ?? 0) > LARGEST_DELTA)) throw tooLargeForDelta()
    // A file that nothing in sight can make is missing: that is known before any other is made.
    if (bases.length === 0 && stored.blob.size === 0) requireAllMade(forest)
    const { commits: pushedCommits, trees: pushedTrees } = this.#structure
    return {
      commits: pushedCommits,
      trees: pushedTrees,
      blobSizes: this.#blobSizes,
      blobIds: this.#blobIds,
      deltas: forest.rest(),
      storedBases: stored.blob,
    }
  }

  #count(bytes: number): void {
    this.#totalBytes += bytes
    if (this.#totalBytes > PUSH_LIMITS.totalSize) {
      throw new PackTooLarge(`it unpacks to more than ${PUSH_LIMITS.totalSize} bytes: push an older commit first`)
    }
  }

  async #addWhole(offset: number, type: PackEntry["type"], size: number, content: PackEntry["content"]): Promise<void> {
    if (!isStructure(type)) return
    if (!(content instanceof Uint8Array)) throw new PackTooLarge(`a ${type} has ${size} bytes`)
    const root = { offset, type, id: await objectId(type, content), content }
    this.#structure.add(root)
    this.#roots.push(root)
  }

  #addDelta(delta: Delta): void {
    if (delta.size > LARGEST_DELTA) throw tooLargeForDelta()
    this.#count(delta.size)
    this.#deltas.push(delta)
  }

  async #makeFrom(forest: DeltaForest, root: PackedObject): Promise<void> {
    for await (const made of madeFrom(forest, root)) {
      this.#structure.add(made)
      await this.#turns.took(made.content.length)
    }
  }

  /** Looks up, all at once, the stored objects that deltas are made from. */
  async #findBases(db: Database, projectId: string, forest: DeltaForest): Promise<StoredBases> {
    const here = new Set([...this.#roots.map(({ id }) => id), ...this.#blobSizes.keys()])
    const ids = forest.baseIds().filter((id) => !here.has(id))
    const stored = await findStored(db, projectId, ids)
    const structureBytes = sum(stored.commit) + sum(stored.tree)
    if (structureBytes > STRUCTURE_BYTES || stored.blob.size > MOST_STORED_BASES) {
      throw new PackTooLarge("its deltas are made from too many stored objects: push with --no-thin")
    }
    if ([...stored.blob.values()].some((size) => size > LARGEST_DELTA)) throw tooLargeForDelta()
    this.#count(structureBytes + sum(stored.blob))
    return stored
  }
}

/** Objects of the repository, with their sizes. */
type StoredBases = Record<"commit" | "tree" | "blob", Map<ObjectId, number>>

/** Finds which of `ids` are stored. One trip; none for no ids. */
async function findStored(db: Database, projectId: string, ids: readonly ObjectId[]): Promise<StoredBases> {
  if (ids.length === 0) return { commit: new Map(), tree: new Map(), blob: new Map() }
  const asked = valuesOf(JSON.stringify(ids))
  const ofTable = (table: typeof commits | typeof trees) =>
    db
      .select({ id: table.id, size: sql<number>`length(${table.content})`.as("size") })
      .from(table)
      .where(and(eq(table.projectId, projectId), inArray(table.id, asked)))
  const [commit, tree, blob] = await db.batch([ofTable(commits), ofTable(trees), blobSizes(db, projectId, ids)])
  return { commit: sizesOf(commit), tree: sizesOf(tree), blob: sizesOf(blob) }
}

function sizesOf(rows: readonly { id: ObjectId; size: number }[]): Map<ObjectId, number> {
  return new Map(rows.map(({ id, size }) => [id, size]))
}

function sum(sizes: ReadonlyMap<ObjectId, number>): number {
  return [...sizes.values()].reduce((total, size) => total + size, 0)
}

function isStructure(type: PackEntry["type"]): type is Exclude<HashedType, "blob"> {
  return type === "commit" || type === "tree" || type === "tag"
}

async function streamedId(content: ReadableStream<Uint8Array>, size: number): Promise<ObjectId> {
  const hash = startDigest("sha1").update(objectHeader("blob", size))
  for await (const part of content) hash.update(part)
  return toHex(hash.digest())
}

/** The parts of a stream as one array. */
export async function wholeContent(content: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return concat(parts)
}

function tooLargeForDelta(): PackTooLarge {
  return new PackTooLarge(
    `a file of more than ${LARGEST_DELTA} bytes comes as a delta: push with git -c core.bigFileThreshold=8m`,
  )
}
