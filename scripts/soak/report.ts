/** The report of a run, for a person. */
import type { Edge } from "./edge.ts"
import { type Measures, median } from "./measures.ts"

const MEBIBYTE_IN_KIB = 1024

/** Prints how a run went. */
export function printReport(edge: Edge, measures: Measures, faults: readonly Error[], faultCount: number): void {
  printLatencies(measures)
  printMemory(measures)
  printKills(edge)
  print(`answers checked: ${measures.checked}; lost in a kill and settled by reading: ${measures.lost}`)
  printFaults(edge, faults, faultCount)
}

/** Prints a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A duration or a size as a person reads it. */
export function mebibytes(kib: number | null): string {
  return kib === null ? "unknown" : `${Math.round(kib / MEBIBYTE_IN_KIB)} MiB`
}

function printLatencies(measures: Measures): void {
  print("")
  print(row("ms, first → last quarter", ["count", "median", "", "99th percentile", ""]))
  for (const [kind, { count, first, last }] of measures.latencies()) {
    const [median_, p99] = [course(first.median, last.median), course(first.p99, last.p99)]
    print(row(kind, [String(count), ...median_, ...p99]))
  }
  print("")
  print(`of all kinds the middle ratio of medians is ${measures.latencyRatio().toFixed(2)}`)
  if (measures.isSlowing()) print("FAULT answers take ever longer")
}

function course(first: number, last: number): [string, string] {
  return [`${first.toFixed(1)} → ${last.toFixed(1)}`, `× ${(last / first).toFixed(2)}`]
}

function row(name: string, figures: readonly string[]): string {
  return `${name.padEnd(28)}${figures.map((text, index) => text.padStart(index === 0 || index % 2 === 0 ? 8 : 20)).join("")}`.trimEnd()
}

function printMemory(measures: Measures): void {
  const quarters = measures.memoryQuarters()
  if (quarters === null) return print("memory of workerd: too few samples, or this system does not tell")
  const [, second, , last] = quarters
  const ratio = `last : second = ${(last / second).toFixed(2)}`
  print(`memory of workerd, median of each quarter: ${quarters.map(mebibytes).join(", ")} (${ratio})`)
  if (!measures.isGrowthJudged) print("(a run of less than ten minutes is too short to call that growth)")
  if (measures.isMemoryGrowing()) print("FAULT it grows without end")
}

function printKills({ kills, startTimes }: Edge): void {
  if (kills === 0) return
  const [middle, longest] = [median(startTimes), Math.max(...startTimes)].map((ms) => (ms / 1000).toFixed(1))
  print(`kills: ${kills}; a start took ${middle} s (median), ${longest} s (longest)`)
}

function printFaults(edge: Edge, faults: readonly Error[], count: number): void {
  print(`faults: ${count}`)
  // A fault of this script, not of the edge, needs the place where it happened.
  for (const fault of faults) print(`FAULT ${fault.name === "Fault" ? fault.message : (fault.stack ?? fault.message)}`)
  if (edge.said.length > 0) print(`the last that the edge wrote to stderr:\n  ${edge.said.join("\n  ")}`)
}
