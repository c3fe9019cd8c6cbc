/** What a run found, kept in a file for the next one. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"
import { z } from "zod"

const goal = z.union([z.object({ least: z.number() }), z.object({ most: z.number() })])

/** What shall be reached, or not be passed. */
export type Goal = z.infer<typeof goal>

const row = z.object({
  name: z.string(),
  median: z.number().nullable(),
  low: z.number(),
  high: z.number(),
  goal: goal.nullable(),
  met: z.enum(["yes", "no", "open"]).nullable(),
  others: z.record(z.string(), z.union([z.number(), z.string()]).nullable()),
})

/** What is kept of a row. */
export type KeptRow = z.infer<typeof row>

const table = z.object({ title: z.string(), figure: z.string(), rows: z.array(row) })

/** What is kept of a table. */
export type KeptTable = z.infer<typeof table>

const run = z.object({
  part: z.string(),
  started: z.string(),
  seconds: z.number(),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    memoryGib: z.number(),
    system: z.string(),
    node: z.string(),
    loadBefore: z.number(),
    loadAfter: z.number(),
  }),
  tables: z.array(table),
})

/** What is kept of a run of one part. */
export type KeptRun = z.infer<typeof run>

/** The value in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? null
}

/** Whether every round met a goal ("yes") or none ("no"): where they differ the run shows neither. */
export function isMet(wanted: Goal, low: number, high: number): "yes" | "no" | "open" {
  const [worst, best] =
    "least" in wanted ? [low - wanted.least, high - wanted.least] : [wanted.most - high, wanted.most - low]
  if (worst >= 0) return "yes"
  return best < 0 ? "no" : "open"
}

/** The load of the machine over the last minute, in processes that wanted to run. */
export function machineLoad(): number {
  return loadavg()[0] ?? 0
}

/** What the measurements are those of. */
export function machineFacts(loadBefore: number): KeptRun["machine"] {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore,
    loadAfter: machineLoad(),
  }
}

/** What is kept under `name` in `folder`; null for nothing that this version can read. */
export function readLast(folder: string, name: string): KeptRun | null {
  try {
    return run.safeParse(JSON.parse(readFileSync(fileOf(folder, name), "utf8"))).data ?? null
  } catch {
    return null
  }
}

/** Keeps a run under `name`, and the one before it beside it. */
export function keep(folder: string, name: string, kept: KeptRun): string {
  mkdirSync(folder, { recursive: true })
  const file = fileOf(folder, name)
  try {
    renameSync(file, fileOf(folder, `${name}.last`))
  } catch {
    // It is the first.
  }
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`)
  return file
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json`)
}
