/** How far a run has come: on a terminal one line that changes, elsewhere a line for each step. */
import type { WriteStream } from "node:tty"

/** Where progress is shown. */
type Output = Pick<WriteStream, "write"> & { isTTY?: boolean; columns?: number }

/** Shown at most so often, in milliseconds. */
const INTERVAL = 100

export class Progress {
  readonly #output: Output
  #subject = ""
  #phase = ""
  #shownAt = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Names what is worked on. */
  begin(subject: string): void {
    this.#subject = subject
    this.#phase = ""
  }

  /** Says what is done now; with numbers, how far it has come. */
  step(phase: string, done?: number, all?: number): void {
    const isNew = phase !== this.#phase
    this.#phase = phase
    if (this.#output.isTTY !== true) {
      if (isNew) this.#output.write(`${this.#subject}: ${phase}\n`)
      return
    }
    if (!isNew && done !== all && Date.now() - this.#shownAt < INTERVAL) return
    this.#shownAt = Date.now()
    const count = done === undefined ? "" : ` ${done}${all === undefined ? "" : ` of ${all}`}`
    this.#show(`${this.#subject}: ${phase}${count}`)
  }

  /** Says something that happened on the way. */
  note(text: string): void {
    if (this.#output.isTTY === true) this.#show(`${this.#subject}: ${text}`)
    else this.#output.write(`${this.#subject}: ${text}\n`)
  }

  /** Ends with lines that stay. */
  finish(lines: readonly string[]): void {
    if (this.#output.isTTY === true) this.#output.write("\r\u001b[K")
    this.#output.write(lines.map((line) => `${line}\n`).join(""))
    this.#phase = ""
  }

  #show(text: string): void {
    this.#output.write(`\r\u001b[K${text.slice(0, (this.#output.columns ?? 80) - 1)}`)
  }
}
