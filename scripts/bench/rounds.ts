/** Rounds, in each of which all that is compared has its turn: what else this machine does disturbs them alike. */
import { type Ask, askTimes, warmUp } from "./load.ts"
import { median } from "./results.ts"
import { isUsageKnown, watchUsage } from "./usage.ts"

/** How often and how long to measure. */
export interface Pace {
  rounds: number
  /** What is loaded with the first request, or compiled with the thousandth, is no part of one. */
  warmUpMs: number
  /** About so long: it is as many requests as the warm-up promises. */
  measuredMs: number
}

/** What says something. */
export const STEADY: Pace = { rounds: 5, warmUpMs: 300, measuredMs: 1_500 }
/** Only to see whether it works. */
export const QUICK: Pace = { rounds: 1, warmUpMs: 30, measuredMs: 150 }

/** What asking for a while told. `cpu` is the CPU time of one request, in seconds. */
export interface Measured {
  rate: number
  cpu: number
}

/** What is asked at which port, and begins to look at what that uses. */
export interface Measurement {
  port: number
  ask: Ask
  connections?: number
  watch: () => () => { cpuSeconds: number }
}

/** Begins to look at the CPU time of workerd below a process. */
export function watchWorkerd(id: number | undefined): Measurement["watch"] {
  return () => watchUsage("workerd", id)
}

/** Measures all in turns; answers for each, in the same order, what every round told. */
export async function inTurns(pace: Pace, all: readonly Measurement[]): Promise<Measured[][]> {
  const told = all.map((): Measured[] => [])
  for (let round = 0; round < pace.rounds; round++) {
    for (const [index, one] of all.entries()) told[index]?.push(await measure(pace, one))
  }
  return told
}

async function measure(pace: Pace, { port, ask, connections, watch }: Measurement): Promise<Measured> {
  const warm = await warmUp(port, ask, pace.warmUpMs, connections)
  const usage = watch()
  const { count, rate } = await askTimes(port, ask, warm.rate * (pace.measuredMs / 1000), connections)
  return { rate, cpu: usage().cpuSeconds / count }
}

/** What one has of the other, round by round. */
export function ratios(
  one: readonly Measured[] = [],
  other: readonly Measured[] = [],
  figure: (measured: Measured) => number = ({ rate }) => rate,
): number[] {
  return one.flatMap((measured, round) => {
    const beside = other[round]
    return beside === undefined ? [] : [figure(measured) / figure(beside)]
  })
}

/** The CPU time of a request in microseconds; null where the system does not tell. */
export function cpuMicroseconds(measured: readonly Measured[] = []): number | null {
  return isUsageKnown ? median(measured.map(({ cpu }) => cpu * 1e6)) : null
}

/** The same as a ratio to another's. */
export function cpuRatio(one?: readonly Measured[], other?: readonly Measured[]): number | null {
  return isUsageKnown ? median(ratios(one, other, ({ cpu }) => cpu)) : null
}
