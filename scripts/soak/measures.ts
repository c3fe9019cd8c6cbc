/** What is measured while traffic runs, kept small: of each minute only what the report needs. */

/** A middle and an end of many durations, in ms. */
export interface Latency {
  count: number
  median: number
  p99: number
}

/** How a figure went. */
export interface Course<T> {
  first: T
  last: T
}

const LONGEST_SLOT_MS = 60_000
const SLOTS_OF_A_SHORT_RUN = 8
/** Below this, more memory says nothing. */
const NOTABLE_KIB = 64 * 1024
const NOTABLE_RATIO = 1.5
/** In a shorter run the edge is still warming up, and a kill empties its memory in one quarter more than in another. */
const JUDGED_MS = 10 * 60_000

export class Measures {
  /** How many answers were looked at. */
  checked = 0
  /** How many answers were lost in a kill. */
  lost = 0
  readonly #runMs: number
  readonly #slotMs: number
  readonly #started = performance.now()
  #open = new Map<string, number[]>()
  #openSlot = 0
  readonly #slots = new Map<string, Latency[]>()
  readonly #memory: number[] = []

  constructor(runMs: number) {
    this.#runMs = runMs
    this.#slotMs = Math.min(LONGEST_SLOT_MS, runMs / SLOTS_OF_A_SHORT_RUN)
  }

  /** Notes how long an answer took. */
  add(kind: string, ms: number): void {
    const slot = Math.floor((performance.now() - this.#started) / this.#slotMs)
    if (slot !== this.#openSlot) this.close()
    this.#openSlot = slot
    const durations = this.#open.get(kind) ?? []
    durations.push(ms)
    this.#open.set(kind, durations)
  }

  /** Notes what workerd has in memory. */
  addMemory(kib: number | null): void {
    if (kib !== null) this.#memory.push(kib)
  }

  /** Sums up what was noted since the last time. */
  close(): void {
    for (const [kind, durations] of this.#open) {
      const slots = this.#slots.get(kind) ?? []
      slots.push(latencyOf(durations))
      this.#slots.set(kind, slots)
    }
    this.#open = new Map()
  }

  /** The first and the last quarter of each kind. */
  latencies(): Map<string, Course<Latency> & { count: number }> {
    const entries = [...this.#slots].toSorted(([one], [other]) => one.localeCompare(other))
    return new Map(
      entries.map(([kind, slots]) => {
        const count = slots.reduce((sum, slot) => sum + slot.count, 0)
        return [kind, { count, first: middleOf(quarter(slots, 0)), last: middleOf(quarter(slots, 3)) }]
      }),
    )
  }

  /** The median of each quarter, in KiB; null where there are too few samples. */
  memoryQuarters(): [number, number, number, number] | null {
    const of = (index: number) => median(quarter(this.#memory, index))
    return this.#memory.length < 4 ? null : [of(0), of(1), of(2), of(3)]
  }

  /** Whether the run is long enough to say that something grows without end. */
  get isGrowthJudged(): boolean {
    return this.#runMs >= JUDGED_MS
  }

  /** Whether memory seems to grow without end. */
  isMemoryGrowing(): boolean {
    if (!this.isGrowthJudged) return false
    const [, second, , last] = this.memoryQuarters() ?? [0, 0, 0, 0]
    return last > second * NOTABLE_RATIO && last > second + NOTABLE_KIB
  }

  /** How the median durations of all kinds went from the first quarter to the last: the ratio that is in the middle. */
  latencyRatio(): number {
    return median(Array.from(this.latencies().values(), ({ first, last }) => last.median / first.median))
  }

  /** Whether answers seem to take ever longer. */
  isSlowing(): boolean {
    return this.isGrowthJudged && this.latencyRatio() > NOTABLE_RATIO
  }
}

function latencyOf(durations: number[]): Latency {
  const sorted = Float64Array.from(durations).toSorted()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { count: sorted.length, median: at(0.5), p99: at(0.99) }
}

function middleOf(slots: readonly Latency[]): Latency {
  const of = (figure: (slot: Latency) => number) => median(slots.map(figure))
  return { count: of(({ count }) => count), median: of((slot) => slot.median), p99: of(({ p99 }) => p99) }
}

/** The quarter with this index; at least one item, if there is one. */
function quarter<T>(items: readonly T[], index: number): readonly T[] {
  const [from, to] = [Math.floor((items.length * index) / 4), Math.ceil((items.length * (index + 1)) / 4)]
  return items.slice(from, Math.max(to, from + 1))
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
