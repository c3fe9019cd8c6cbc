/**
 * The events of a project, as they come from the source: lines of JSON in a file, each event once. Keptn answers the newest first, page
 * by page, and every new event shifts the pages; so it is noted which part of the file is without a gap.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  appendFileSync,
  createReadStream,
} from "node:fs"
import { z } from "zod"
import type { Progress } from "./progress.ts"
import type { Source, SourceEvent } from "./source.ts"
import type { ProjectState } from "./state.ts"

/** A line of the file. */
interface Line {
  offset: number
  length: number
  time: number
  /** What of the time is finer than milliseconds. */
  fraction: string
}

/**
 * How far the file is complete. All events up to line `complete` came with finished downloads: whatever is older than they, and known to
 * the source, is among them. Up to line `joined` there is no gap to the newest event of the unfinished download, which goes on at the page `key`.
 */
const stateSchema = z.object({ complete: z.number(), joined: z.number(), key: z.string().nullable() })

const FILE = "events.jsonl"
const STATE = "events"
const lineSchema = z.looseObject({ id: z.string(), time: z.string() })

export class Spool {
  readonly #state: ProjectState
  readonly #lines: Line[] = []
  /** The place of each event in the file. */
  readonly #places = new Map<string, number>()
  #size = 0

  private constructor(state: ProjectState) {
    this.#state = state
  }

  /** Opens the file of a project. A line that was cut off is removed. */
  static async open(state: ProjectState): Promise<Spool> {
    const spool = new Spool(state)
    await spool.#load()
    return spool
  }

  /** How many events it has. */
  get count(): number {
    return this.#lines.length
  }

  /** Downloads what is new, and goes on where a download was ended. */
  async download(source: Source, project: string, progress: Progress): Promise<void> {
    const state = this.#readState()
    // Since then newer events came, and older ones moved to later pages.
    if (state.key !== null) {
      await this.#walk(source, project, null, state.joined, progress, () => undefined)
      state.joined = this.count
      this.#state.write(STATE, state)
    }
    await this.#walk(source, project, state.key, state.complete, progress, (key) => {
      this.#state.write(STATE, { ...state, joined: this.count, key })
    })
    this.#state.write(STATE, { complete: this.count, joined: this.count, key: null })
  }

  /** The numbers of the lines from one on, up to another, the oldest event first. */
  oldestFirst(from: number, to: number): number[] {
    const numbers = Array.from({ length: to - from }, (_, index) => from + index)
    // Of two of the same instant the later line is older: the newest came first.
    return numbers.toSorted((a, b) => this.#compare(a, b) || b - a)
  }

  /** The text of lines. */
  read(numbers: readonly number[]): string[] {
    const file = openSync(this.#file, "r")
    try {
      return numbers.map((number) => {
        const { offset, length } = this.#lineAt(number)
        const bytes = Buffer.alloc(length)
        readSync(file, bytes, 0, length, offset)
        return bytes.toString("utf8")
      })
    } finally {
      closeSync(file)
    }
  }

  /** The length of a line in bytes. */
  lengthOf(number: number): number {
    return this.#lineAt(number).length
  }

  /** Takes pages from `key` on until one has only events that stand before the line `known`, or there are no more. */
  async #walk(
    source: Source,
    project: string,
    key: string | null,
    known: number,
    progress: Progress,
    note: (key: string) => void,
  ): Promise<void> {
    for (let next = key; ;) {
      const page = await source.events(project, next)
      const isKnown = page.events.every(({ id }) => (this.#places.get(id) ?? known) < known)
      this.#append(page.events)
      progress.step("downloads events", this.count)
      if (isKnown || page.next === null) return
      next = page.next
      note(next)
    }
  }

  #append(events: readonly SourceEvent[]): void {
    const fresh = new Map(events.filter(({ id }) => !this.#places.has(id)).map((event) => [event.id, event]))
    const texts = Array.from(fresh.values(), (event) => JSON.stringify(event))
    if (texts.length === 0) return
    appendFileSync(this.#file, texts.map((text) => `${text}\n`).join(""), { mode: 0o600, flush: true })
    for (const text of texts) this.#index(text, Buffer.byteLength(text))
  }

  async #load(): Promise<void> {
    if (!existsSync(this.#file)) return
    let rest: Buffer = Buffer.alloc(0)
    for await (const part of createReadStream(this.#file)) {
      let bytes = Buffer.concat([rest, Buffer.from(part)])
      for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n")) {
        this.#index(bytes.toString("utf8", 0, end), end)
        bytes = bytes.subarray(end + 1)
      }
      rest = bytes
    }
    if (statSync(this.#file).size > this.#size) truncateSync(this.#file, this.#size)
  }

  #index(text: string, length: number): void {
    const { id, time } = lineSchema.parse(JSON.parse(text))
    this.#places.set(id, this.#lines.length)
    const instant = Date.parse(time)
    const fraction = /\.\d{3}(\d+)/.exec(time)?.[1] ?? ""
    this.#lines.push({ offset: this.#size, length, time: Number.isNaN(instant) ? 0 : instant, fraction })
    this.#size += length + 1
  }

  #compare(a: number, b: number): number {
    const [one, other] = [this.#lineAt(a), this.#lineAt(b)]
    if (one.time !== other.time) return one.time - other.time
    if (one.fraction === other.fraction) return 0
    return one.fraction.padEnd(9, "0") < other.fraction.padEnd(9, "0") ? -1 : 1
  }

  #lineAt(number: number): Line {
    const line = this.#lines[number]
    if (!line) throw new Error(`there is no line ${number}`)
    return line
  }

  /** What was noted; nothing when the file does not fit to it. */
  #readState(): z.infer<typeof stateSchema> {
    const state = this.#state.read(STATE, stateSchema)
    if (state !== null && state.joined <= this.count && state.complete <= this.count) return state
    return { complete: 0, joined: 0, key: null }
  }

  get #file(): string {
    return this.#state.path(FILE)
  }
}
