/** Stores the files of a pack that was indexed: those that commits name, and no others. */
import { DeltaForest, madeFrom, type PackedObject, requireAllMade } from "../git/delta-forest.ts"
import type { ObjectId } from "../git/objects.ts"
import { type PackEntry, readPack } from "../git/pack-reader.ts"
import { Turns } from "../lib/turns.ts"
import type { Blob } from "./blobs.ts"
import type { HeldPack } from "./held-pack.ts"
import { LARGEST_DELTA, PUSH_LIMITS, type PackIndex, wholeContent } from "./pack-index.ts"
import type { Partition } from "./partition.ts"

/** Blobs are put, and bases read, in groups of this many bytes, or this number. */
const GROUP = { bytes: 8 * 1024 * 1024, blobs: 50 }

/**
 * Stores those of the pack's files that are `wanted`; returns their sizes. It can be repeated. Throws `MalformedGitData` and `PackTooLarge` for
 * deltas that are not sound, and `BlobCollision`.
 */
export async function storeBlobs(
  partition: Partition,
  project: string,
  pack: { held: HeldPack; index: PackIndex },
  wanted: ReadonlySet<ObjectId>,
): Promise<Map<ObjectId, number>> {
  const { held, index } = pack
  const store = new BlobStore(partition, project, index, wanted)
  if (index.deltas.length > 0 || [...index.blobSizes.keys()].some((id) => wanted.has(id))) {
    for await (const entry of readPack(held.nextReader(), PUSH_LIMITS)) await store.pass(entry)
  }
  await store.makeFromStored()
  return store.finish()
}

class BlobStore {
  readonly #partition: Partition
  readonly #project: string
  readonly #index: PackIndex
  readonly #wanted: ReadonlySet<ObjectId>
  readonly #forest: DeltaForest
  readonly #sizes = new Map<ObjectId, number>()
  readonly #turns = new Turns()
  #group: Blob[] = []
  #groupBytes = 0

  constructor(partition: Partition, project: string, index: PackIndex, wanted: ReadonlySet<ObjectId>) {
    this.#partition = partition
    this.#project = project
    this.#index = index
    this.#wanted = wanted
    this.#forest = new DeltaForest(index.deltas)
  }

  /** Takes an entry of the pack: a file is stored, and what is made from it. */
  async pass({ offset, size, content }: PackEntry): Promise<void> {
    const id = this.#index.blobIds.get(offset)
    const isBase = id !== undefined && this.#forest.isBase(offset, id)
    if (id !== undefined && (isBase || content instanceof Uint8Array)) {
      const whole = content instanceof Uint8Array ? content : await wholeContent(content)
      await this.#store(id, whole)
      if (isBase) await this.#makeFrom({ offset, type: "blob", id, content: whole })
    } else if (!(content instanceof Uint8Array)) {
      await this.#passStream(id, content, size)
    }
    await this.#turns.took(size)
  }

  /** Makes what is made from files that are stored already. */
  async makeFromStored(): Promise<void> {
    for (const ids of groupsOf(this.#index.storedBases)) {
      const contents = await Promise.all(ids.map((id) => this.#partition.blobs.find(this.#project, id, LARGEST_DELTA)))
      for (const [position, id] of ids.entries()) {
        const content = contents[position]
        if (content instanceof Uint8Array) await this.#makeFrom({ offset: null, type: "blob", id, content })
      }
    }
  }

  async finish(): Promise<Map<ObjectId, number>> {
    requireAllMade(this.#forest)
    await this.#putGroup()
    return this.#sizes
  }

  async #passStream(id: ObjectId | undefined, content: ReadableStream<Uint8Array>, size: number): Promise<void> {
    if (id === undefined || !this.#isMissing(id)) {
      // It has to be read to its end all the same: the next entry begins there.
      const reader = content.getReader()
      while (!(await reader.read()).done);
      return
    }
    await this.#partition.blobs.upload(this.#project, content, size)
    this.#sizes.set(id, size)
  }

  async #makeFrom(root: PackedObject): Promise<void> {
    for await (const { id, content } of madeFrom(this.#forest, root)) {
      await this.#store(id, content)
      await this.#turns.took(content.length)
    }
  }

  async #store(id: ObjectId, content: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#isMissing(id)) return
    this.#sizes.set(id, content.length)
    this.#group.push({ id, content })
    this.#groupBytes += content.length
    if (this.#groupBytes >= GROUP.bytes || this.#group.length >= GROUP.blobs) await this.#putGroup()
  }

  #isMissing(id: ObjectId): boolean {
    return this.#wanted.has(id) && !this.#sizes.has(id)
  }

  async #putGroup(): Promise<void> {
    await this.#partition.blobs.put(this.#project, this.#group)
    this.#group = []
    this.#groupBytes = 0
  }
}

/** Ids in groups that fit into memory. */
function groupsOf(sizes: ReadonlyMap<ObjectId, number>): ObjectId[][] {
  const groups: ObjectId[][] = [[]]
  let bytes = 0
  for (const [id, size] of sizes) {
    const group = groups.at(-1)
    if (group && (group.length === 0 || (group.length < GROUP.blobs && bytes + size <= GROUP.bytes))) {
      group.push(id)
      bytes += size
    } else {
      groups.push([id])
      bytes = size
    }
  }
  return groups
}
