/** Whether an origin is asked at all. Each isolate finds out for itself: what it knows is never older than its own last requests. */

/** When a circuit opens and for how long, in milliseconds; `probeMs` is how long the outcome of a probe is waited for. */
export interface CircuitSettings {
  failures: number
  openMs: number
  probeMs: number
}

/**
 * Closed, it lets every request through. After so many failures without a success between them it is open and refuses, for a
 * while; then one request is let through as a probe. Its success closes the circuit. Times are milliseconds since 1970.
 */
export class Circuit {
  readonly #settings: CircuitSettings
  #failures = 0
  /** Refuses until then. */
  #openUntil = 0

  constructor(settings: CircuitSettings) {
    this.#settings = settings
  }

  /** Admits a request, or answers for how many milliseconds none is. */
  admit(now: number): { admitted: true } | { admitted: false; retryAfter: number } {
    if (this.#failures < this.#settings.failures) return { admitted: true }
    if (now < this.#openUntil) return { admitted: false, retryAfter: this.#openUntil - now }
    // This is the probe. When its caller goes away nobody tells of its end: the next one may try after a time.
    this.#openUntil = now + this.#settings.probeMs
    return { admitted: true }
  }

  /** The origin has answered. Says whether that closed the circuit. */
  succeeded(): boolean {
    const wasOpen = this.#failures >= this.#settings.failures
    this.#failures = 0
    return wasOpen
  }

  /** The origin has not answered. Says whether that opened the circuit. */
  failed(now: number): boolean {
    this.#failures += 1
    if (this.#failures < this.#settings.failures) return false
    this.#openUntil = now + this.#settings.openMs
    return this.#failures === this.#settings.failures
  }
}
