/** What is drawn by lot, and the contents that follow from a name: the same from the same seed. */
import { createHash } from "node:crypto"

/** A source of numbers. */
export class Random {
  #state: number

  constructor(seed: string) {
    this.#state = createHash("sha256").update(seed).digest().readUInt32LE()
  }

  /** From 0, below 1. This is mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0, below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of several, or undefined of none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }
}

/** What a file holds: told by a name and a size, so that the model of a long run stays small. */
export interface Content {
  name: string
  size: number
}

export function bytesOf({ name, size }: Content): Buffer {
  return createHash("shake256", { outputLength: size }).update(name).digest()
}

/** The id that git gives a blob. */
export function blobId(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")
}
