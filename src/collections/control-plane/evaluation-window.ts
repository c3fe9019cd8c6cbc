/** The time window of an evaluation, from what a caller gave of it. Pure. The rules and texts are Keptn's. */

/** What a caller can give; absent and empty are the same. */
export interface WindowParameters {
  start?: string | null | undefined
  end?: string | null | undefined
  timeframe?: string | null | undefined
}

/** A window, in ms since 1970. */
export interface EvaluationWindow {
  start: number
  end: number
}

/** A window; or why there is none: `form` for parameters that do not go together, `time` for what they say. */
export type WindowResult = EvaluationWindow | { problem: string; of: "form" | "time" }

const MINUTE = 60_000
const DEFAULT_TIMEFRAME = 5 * MINUTE

/** Reads the window. `now` in ms since 1970. */
export function readWindow(parameters: WindowParameters, now: number): WindowResult {
  const { start, end, timeframe } = parameters
  if (timeframe && end) return form("timeframe and end time specifications cannot be set together")
  if (start && !timeframe && !end) {
    return form("timeframe or end time specifications need to be specified when using start parameter")
  }
  if (end && !start) return form("end time specifications cannot be set without start parameter")
  const duration = timeframe ? readDuration(timeframe) : DEFAULT_TIMEFRAME
  if (duration === null) return time(`could not parse provided timeframe: time: invalid duration "${timeframe}"`)
  if (timeframe && duration < MINUTE) return time("could not parse provided timeframe: it must be at least 1 minute")
  const startTime = start ? readTime(start) : now - duration
  if (startTime === null) return time(`could not parse start time '${start}': use ${FORMATS}`)
  const endTime = end ? readTime(end) : start ? startTime + duration : now
  if (endTime === null) return time(`could not parse end time '${end}': use ${FORMATS}`)
  if (endTime - startTime < MINUTE) return time("end date must be at least 1 minute after start date")
  return { start: startTime, end: endTime }
}

const FORMATS = "2006-01-02T15:04:05.000Z, RFC 3339, or 2006-01-02T15:04:05 in UTC"
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?$/

function readTime(text: string): number | null {
  const [, local, zone = "Z"] = TIME.exec(text) ?? []
  const milliseconds = local === undefined ? Number.NaN : Date.parse(local + zone)
  return Number.isNaN(milliseconds) ? null : milliseconds
}

const UNITS: Record<string, number> = { h: 60 * MINUTE, m: MINUTE, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }
const PART = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g

/** The longest duration that Go knows, 2^63 nanoseconds. */
const LONGEST = 2 ** 63 / 1e6

/** A longer text is no duration: it is searched for its parts from each of its characters on. */
const LONGEST_TEXT = 100

/** A duration as Go writes it, `1h30m`, in ms; null when it is none. */
function readDuration(text: string): number | null {
  if (text.length > LONGEST_TEXT) return null
  const parts = [...text.matchAll(PART)]
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return null
  const duration = parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (UNITS[unit] ?? 0), 0)
  return duration < LONGEST ? duration : null
}

function form(problem: string): WindowResult {
  return { problem, of: "form" }
}

function time(problem: string): WindowResult {
  return { problem, of: "time" }
}
