/** What processes use, as Linux counts it. */
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs"

/** Linux gives both figures of CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100

/** Whether this machine tells what a process uses. */
export const isUsageKnown = canBeWatched(process.pid)

/** What processes used since a moment. */
export interface Usage {
  /** Of all cores. */
  cpuSeconds: number
  /** How far the memory in use rose above what it was at that moment. */
  peakKib: number
}

/**
 * Begins to look at the processes called `name` below a process, or with null at that process and all below it; the function that it answers
 * says what they used since.
 */
export function watchUsage(name: string | null, parent: number | undefined): () => Usage {
  const below = isUsageKnown && parent !== undefined ? [parent, ...descendants(parent)] : []
  const processes = below.filter((id) => name === null || nameOf(id) === name)
  // The highest use of memory counts from now on, not from the start of the process.
  for (const id of processes) writeFileSync(`/proc/${id}/clear_refs`, "5")
  const memory = sum(processes, (id) => memoryOf(id, "VmRSS"))
  const cpu = sum(processes, cpuSecondsOf)
  return () => ({
    cpuSeconds: sum(processes, cpuSecondsOf) - cpu,
    peakKib: sum(processes, (id) => memoryOf(id, "VmHWM")) - memory,
  })
}

/** What the processes called `name` below a process have in memory, in KiB; null where the system does not tell, or there are none. */
export function memoryInUse(name: string, parent: number): number | null {
  try {
    const processes = descendants(parent).filter((id) => nameOf(id) === name)
    const memory = sum(processes, (id) => memoryOf(id, "VmRSS"))
    // One that has ended, and whose parent does not know yet, has none.
    return memory > 0 ? memory : null
  } catch {
    // This system tells nothing, or one of them ended meanwhile.
    return null
  }
}

function canBeWatched(id: number): boolean {
  try {
    accessSync(`/proc/${id}/task/${id}/children`, constants.R_OK)
    accessSync(`/proc/${id}/clear_refs`, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function descendants(id: number): number[] {
  const children = readFileSync(`/proc/${id}/task/${id}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...descendants(child)])
}

function nameOf(id: number): string {
  return readFileSync(`/proc/${id}/comm`, "utf8").trim()
}

function memoryOf(id: number, figure: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${id}/status`, "utf8")
  return Number(new RegExp(`^${figure}:\\s+(\\d+) kB$`, "m").exec(status)?.[1])
}

/** In its own code and in the system's. */
function cpuSecondsOf(id: number): number {
  // The name of the process, in parentheses, may hold anything.
  const [, figures = ""] = readFileSync(`/proc/${id}/stat`, "utf8").split(/\) (?!.*\) )/)
  const [user, system] = figures.split(" ").slice(11, 13).map(Number)
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) / TICKS_PER_SECOND
}

function sum(processes: readonly number[], figure: (id: number) => number): number {
  return processes.reduce((total, id) => total + figure(id), 0)
}
