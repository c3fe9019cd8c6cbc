/** What ends this process, and in which order its parts end. */

/** The signals that end a process unless it says otherwise, and for which Miniflare has handlers. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const
/** How often to look whether npm is still there. */
const PARENT_CHECK_MS = 250
/** A part that does not end in this time is left to the operating system. */
const PATIENCE_MS = 5_000

export class Lifetime {
  readonly #stops: (() => unknown)[] = []
  #ending = false

  constructor() {
    this.#claimSignals()
    this.#followParent()
  }

  /** Whether the end has begun: what fails from then on is no news. */
  get isEnding(): boolean {
    return this.#ending
  }

  /** Runs `stop` before the process ends. What was added last stops first. */
  beforeEnd(stop: () => unknown): void {
    this.#stops.unshift(stop)
    this.#claimSignals()
  }

  /** Stops every part, then ends the process. */
  async end(code: number): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    setTimeout(() => process.exit(code), PATIENCE_MS).unref()
    for (const stop of this.#stops) await stop()
    process.exit(code)
  }

  /**
   * Takes the signals from Miniflare, whose own handlers end the process in the middle of its work with code 130. Our handler
   * stays in place meanwhile: a signal that arrives while there is none would be lost.
   */
  #claimSignals(): void {
    for (const signal of SIGNALS) {
      for (const handler of process.listeners(signal)) {
        if (handler !== this.#receive) process.removeListener(signal, handler)
      }
      if (process.listenerCount(signal) === 0) process.on(signal, this.#receive)
    }
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    // A terminal that closes ends what runs in it, but not what nohup has given another output.
    if (signal === "SIGHUP" && !process.stdout.isTTY) return
    void this.end(0)
  }

  /** Under npm, ends with npm: killed with -9, it cannot tell its children. */
  #followParent(): void {
    if (process.env["npm_lifecycle_event"] === undefined) return
    const parent = process.ppid
    setInterval(() => {
      if (process.ppid !== parent) void this.end(0)
    }, PARENT_CHECK_MS).unref()
  }
}
