/** What an isolate remembers of tokens it has looked up: sound ones, for a few seconds, by hash. */
import type { TokenRecord } from "../lib/principal.ts"

/** At most this many tokens are remembered; the one remembered longest goes first. */
const CAPACITY = 10_000

/** A revoked token lives on in other isolates for at most `seconds`; 0 remembers nothing. */
export class TokenCache {
  readonly #seconds: number
  readonly #entries = new Map<string, { record: TokenRecord; until: number }>()

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  /** The record of a token looked up within the bound, or null. */
  get(hash: string): TokenRecord | null {
    const entry = this.#entries.get(hash)
    return entry && entry.until > Date.now() ? entry.record : null
  }

  /** Remembers a token that was just looked up. */
  set(hash: string, record: TokenRecord): void {
    if (this.#seconds === 0) return
    this.#entries.delete(hash)
    this.#entries.set(hash, { record, until: Date.now() + this.#seconds * 1000 })
    if (this.#entries.size > CAPACITY) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
  }

  /** Forgets everything, in this isolate: what was changed just now holds here at once. */
  clear(): void {
    this.#entries.clear()
  }
}
