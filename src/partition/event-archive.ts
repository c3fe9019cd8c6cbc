/**
 * Events in the bucket: those that are older than the retention, as compressed lines of JSON, one object for each portion of a
 * project's events. Its name says from which event to which it goes, so that names in their order are events in their order.
 */
import { sha256Hex } from "../lib/digest.ts"
import type { Meter } from "../lib/meter.ts"
import type { KeptnEvent } from "./schema.ts"

/** Where an event stands among those of its project. */
export interface EventPlace {
  time: number
  seq: number
}

/** An event with its place. */
export interface PlacedEvent extends EventPlace {
  event: KeptnEvent
}

/** An archived portion: its name, and the places of its first and its last event. */
export interface Portion {
  key: string
  first: EventPlace
  last: EventPlace
}

/** A name longer than this is replaced by its digest: keys of the bucket are bounded. */
const LONGEST_NAME = 256

export class EventArchive {
  readonly #bucket: R2Bucket
  readonly #meter: Meter

  constructor(bucket: R2Bucket, meter: Meter) {
    this.#bucket = bucket
    this.#meter = meter
  }

  /** Stores a portion of a project's events, in their order. Doing it again changes nothing. Answers its key. */
  async put(project: string, portion: readonly PlacedEvent[]): Promise<string> {
    const [first, last] = [portion.at(0), portion.at(-1)]
    if (!first || !last) throw new Error("a portion without events cannot be stored")
    const key = `${await prefixOf(project)}${writePlace(first)}_${writePlace(last)}.jsonl.gz`
    const lines = new Blob(portion.map((placed) => `${JSON.stringify(lineOf(placed))}\n`))
    const bytes = await new Response(lines.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer()
    await this.#meter.count("r2", () => this.#bucket.put(key, bytes))
    return key
  }

  /** Removes a portion. */
  async remove(key: string): Promise<void> {
    await this.#meter.count("r2", () => this.#bucket.delete(key))
  }

  /** The portions of a project in their order, from the one behind the portion with the key `behind` on (null: all). */
  async *portions(project: string, behind: string | null): AsyncGenerator<Portion> {
    const prefix = await prefixOf(project)
    let cursor: string | undefined
    do {
      const options = {
        prefix,
        ...(behind !== null && { startAfter: behind }),
        ...(cursor !== undefined && { cursor }),
      }
      const page = await this.#meter.count("r2", () => this.#bucket.list(options))
      for (const { key } of page.objects) {
        const [, from, to] = /\/(\d+-\d+)_(\d+-\d+)\.jsonl\.gz$/.exec(key) ?? []
        const [first, last] = [readPlace(from), readPlace(to)]
        if (first && last) yield { key, first, last }
      }
      cursor = page.truncated ? page.cursor : undefined
    } while (cursor !== undefined)
  }

  /** The ids of the events of a portion. */
  async *ids(portion: Portion): AsyncGenerator<string> {
    for await (const line of this.lines(portion)) {
      const { id }: KeptnEvent = JSON.parse(line)
      yield id
    }
  }

  /** The lines of a portion as they are stored, without their line feeds. Throws when it is not there. */
  async *lines({ key }: Portion): AsyncGenerator<string> {
    const stored = await this.#meter.count("r2", () => this.#bucket.get(key))
    if (stored === null) throw new Error(`the archived events ${key} are gone`)
    let rest = ""
    const texts = stored.body.pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream())
    for await (const text of this.#meter.partsInTime(texts)) {
      const lines = (rest + text).split("\n")
      rest = lines.pop() ?? ""
      yield* lines
    }
  }
}

/** The name under which the database keeps the place up to which a project's events are archived. */
export function archiveMark(project: string): string {
  return `events-archived:${project}`
}

/** How an event is exported: as it is answered elsewhere, with its place as CloudEvents' `sequence`. */
export function lineOf({ event, ...place }: PlacedEvent): KeptnEvent & { sequence: string } {
  return { ...event, sequence: writePlace(place) }
}

/** A place as text; texts sort as places do. */
export function writePlace({ time, seq }: EventPlace): string {
  return `${String(time).padStart(15, "0")}-${String(seq).padStart(15, "0")}`
}

/** Reads what `writePlace` wrote; null for anything else. */
export function readPlace(text: string | undefined): EventPlace | null {
  const [, time, seq] = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? "") ?? []
  return time === undefined || seq === undefined ? null : { time: Number(time), seq: Number(seq) }
}

/** Whether `place` comes behind `other`. */
export function isBehind(place: EventPlace, other: EventPlace): boolean {
  return place.time > other.time || (place.time === other.time && place.seq > other.seq)
}

/** Below the project's prefix, so that its deletion takes them along. Events of no project have a place of their own. */
async function prefixOf(project: string): Promise<string> {
  if (project === "") return "events/"
  const name = encodeURIComponent(project.toWellFormed())
  return `projects/${name.length <= LONGEST_NAME ? name : `sha256-${await sha256Hex(project)}`}/events/`
}
