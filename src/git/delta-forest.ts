/** The deltas of a pack, by what they are made from: each base is needed once, whatever the order of the pack. Pure. */
import { MalformedGitData } from "./byte-reader.ts"
import { applyDelta, deltaResultSize } from "./delta.ts"
import { type HashedType, type ObjectId, objectId } from "./objects.ts"
import { PackTooLarge } from "./pack-reader.ts"

/** A delta: where it stands in the pack, the place or the id of its base, and how large the object is that it makes. */
export interface Delta {
  offset: number
  base: number | ObjectId
  size: number
  data: Uint8Array
}

/** An object with its content. `offset`: where it stands in the pack; null for one that is stored. */
export interface PackedObject {
  offset: number | null
  type: HashedType
  id: ObjectId
  content: Uint8Array<ArrayBuffer>
}

/** How many bytes of bases are kept while deltas further up are made from what was made from them. */
const KEPT_BYTES = 24 * 1024 * 1024

/** Reads how large the object is that a delta makes, before it is made. Throws `MalformedGitData`. */
export function readDelta(offset: number, base: number | ObjectId, data: Uint8Array): Delta {
  return { offset, base, size: deltaResultSize(data), data }
}

/** The deltas that are still to be made. */
export class DeltaForest {
  readonly #byBase = new Map<number | ObjectId, Delta[]>()

  constructor(deltas: Iterable<Delta>) {
    for (const delta of deltas) {
      const siblings = this.#byBase.get(delta.base)
      if (siblings) siblings.push(delta)
      else this.#byBase.set(delta.base, [delta])
    }
  }

  /** Whether a delta is made from the object at this place or with this id. */
  isBase(offset: number | null, id: ObjectId): boolean {
    return this.#byBase.has(id) || (offset !== null && this.#byBase.has(offset))
  }

  /** Removes the deltas that are made from an object, and returns them. */
  take(offset: number | null, id: ObjectId): Delta[] {
    const ofPlace = offset === null ? [] : this.#takeAll(offset)
    return [...ofPlace, ...this.#takeAll(id)]
  }

  /** The ids of the objects that deltas name as their bases. */
  baseIds(): ObjectId[] {
    return [...this.#byBase.keys()].filter((base) => typeof base === "string")
  }

  /** The deltas that were not taken. */
  rest(): Delta[] {
    return [...this.#byBase.values()].flat()
  }

  /** Orders deltas so that `pop` returns those first from which nothing is made: their base is kept for a shorter time. */
  lastFirst(deltas: readonly Delta[]): Delta[] {
    const [leaves, others]: [Delta[], Delta[]] = [[], []]
    for (const delta of deltas) (this.#byBase.has(delta.offset) ? others : leaves).push(delta)
    return [...others, ...leaves]
  }

  #takeAll(base: number | ObjectId): Delta[] {
    const deltas = this.#byBase.get(base) ?? []
    this.#byBase.delete(base)
    return deltas
  }
}

/**
 * Makes all objects that are made from `root`, directly or through others, each once. Throws `MalformedGitData` for a delta that is
 * not one of its base, and `PackTooLarge` where too many bases would have to be kept.
 */
export async function* madeFrom(forest: DeltaForest, root: PackedObject): AsyncGenerator<PackedObject> {
  const { type } = root
  const open: { content: Uint8Array<ArrayBuffer>; deltas: Delta[] }[] = []
  let kept = 0
  const enter = ({ offset, id, content }: PackedObject): void => {
    const deltas = forest.lastFirst(forest.take(offset, id))
    if (deltas.length === 0) return
    open.push({ content, deltas })
    kept += content.length
  }
  enter(root)
  for (let base = open.at(-1); base !== undefined; base = open.at(-1)) {
    const delta = base.deltas.pop()
    if (base.deltas.length === 0) {
      open.pop()
      kept -= base.content.length
    }
    if (delta === undefined) continue
    if (kept > KEPT_BYTES) {
      throw new PackTooLarge("its deltas are made from too many others at once: push with git -c pack.window=0")
    }
    const content = applyDelta(base.content, delta.data)
    const made = { offset: delta.offset, type, id: await objectId(type, content), content }
    yield made
    enter(made)
  }
}

/** Throws `MalformedGitData` when deltas are left over: what they are made from is nowhere. */
export function requireAllMade(forest: DeltaForest): void {
  const [first] = forest.rest()
  if (first === undefined) return
  const { base } = first
  throw new MalformedGitData(
    typeof base === "string"
      ? `the object ${base}, from which another is made, is missing`
      : "a delta is made from nothing that came before it",
  )
}
