/** A part of the benchmark. */
import type { Report } from "./report.ts"
import type { Pace } from "./rounds.ts"

/** What the person who runs it decided. */
export interface Settings {
  pace: Pace
  /** Only to see whether it works: as little of everything as will do. */
  isQuick: boolean
  /** With what takes many minutes, too. */
  isFull: boolean
  /** Whether a row of this name is wanted. */
  isWanted: (name: string) => boolean
}

/** Measures and reports. */
export type Part = (settings: Settings, report: Report) => Promise<void>
