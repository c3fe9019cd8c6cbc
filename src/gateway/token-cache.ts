/**
 * What an isolate remembers of tokens it has looked up: sound ones, for a few seconds. Storage knows a token by its hash alone. Here its text is
 * the key, because hashing it anew is a seventh of what a small request costs. The text is in memory anyway while its request is served; here it
 * stays for the few seconds, and beyond them only until it is asked for, or another is remembered. That a map finds it tells nothing of it by its
 * time: V8 compares texts only where their hashes, with a seed of the isolate's own, are the same.
 */
import type { TokenRecord } from "../lib/principal.ts"

/** At most this many tokens are remembered; the one remembered longest goes first. */
const CAPACITY = 10_000

/** A revoked token lives on in other isolates for at most `seconds`; 0 remembers nothing. */
export class TokenCache {
  readonly #seconds: number
  /** How often everything was forgotten. */
  #cleared = 0
  /** In the order in which they end. */
  readonly #entries = new Map<string, { record: TokenRecord; until: number }>()

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  /** The record of a token looked up within the bound, or null. */
  get(token: string): TokenRecord | null {
    const entry = this.#entries.get(token)
    if (!entry) return null
    if (entry.until > Date.now()) return entry.record
    this.#entries.delete(token)
    return null
  }

  /** A mark to take before a token is looked up, for `set`. */
  get mark(): number {
    return this.#cleared
  }

  /** Remembers a token that was looked up since `mark`, unless something was changed since: the record may be older than that. */
  set(token: string, record: TokenRecord, mark = this.mark): void {
    if (this.#seconds === 0 || mark !== this.mark) return
    const now = Date.now()
    this.#entries.delete(token)
    this.#entries.set(token, { record, until: now + this.#seconds * 1000 })
    for (const [other, { until }] of this.#entries) {
      if (until > now && this.#entries.size <= CAPACITY) break
      this.#entries.delete(other)
    }
  }

  /** Forgets everything, in this isolate: what was changed just now holds here at once. */
  clear(): void {
    this.#cleared++
    this.#entries.clear()
  }
}
