/** What a command has made so far, to be taken back when the rest of it fails. */
import { StartError } from "../start/settings.ts"

/** A list of what was made, each with how it is taken back. */
export class Undo {
  readonly #made: { what: string; takeBack: () => Promise<void> }[] = []

  /** Notes that `what` was made. */
  made(what: string, takeBack: () => Promise<void>): void {
    this.#made.push({ what, takeBack })
  }

  /** Runs the command. When it fails, all that it made is taken back, the newest first; what cannot be is named in the error. */
  async run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (error) {
      const left = await this.#takeBackAll()
      if (left.length === 0 || !(error instanceof Error)) throw error
      throw new StartError(`${error.message} This was made before, and could not be taken back: ${left.join(", ")}.`)
    }
  }

  async #takeBackAll(): Promise<string[]> {
    const left: string[] = []
    for (const { what, takeBack } of this.#made.toReversed()) {
      try {
        await takeBack()
      } catch {
        left.push(what)
      }
    }
    return left
  }
}
