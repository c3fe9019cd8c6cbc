/** Long work of one request in turns with the other requests of its isolate, which has one thread for all of them. */

/** About as much as is done in a few milliseconds, in bytes that are decompressed, put together or hashed. */
const TURN_BYTES = 2 * 1024 * 1024
/** What handling an object costs beside its bytes. */
const OBJECT_BYTES = 16 * 1024

export class Turns {
  #left = TURN_BYTES

  /** To be awaited after an object of `bytes` was handled: lets the others go on when a turn is over. */
  async took(bytes: number): Promise<void> {
    this.#left -= bytes + OBJECT_BYTES
    if (this.#left > 0) return
    this.#left = TURN_BYTES
    await scheduler.wait(0)
  }
}
