/** What the isolate does until it is loaded, as `wrangler check startup` sees it: a profile of the CPU. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { CONFIG, ROOT } from "../start/settings.ts"

/** What the profiler calls the time in which nothing runs. */
const IDLE = "(idle)"

const profileShape = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: z.object({ functionName: z.string() }) })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

/** The milliseconds in which it was not idle, once for each of some starts. */
export function activeStartUp(folder: string, starts: number): number[] {
  return Array.from({ length: starts }, () => {
    const file = join(folder, "start.cpuprofile")
    const wrangler = fileURLToPath(import.meta.resolve("wrangler"))
    const args = ["--no-warnings", wrangler, "check", "startup", "--config", CONFIG, "--outfile", file]
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] })
    return activeMilliseconds(JSON.parse(readFileSync(file, "utf8")))
  })
}

function activeMilliseconds(profile: unknown): number {
  const { nodes, samples, timeDeltas } = profileShape.parse(profile)
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === IDLE).map(({ id }) => id))
  // Each sample stands for the time since the one before it.
  const active = timeDeltas.filter((_, index) => !idle.has(samples[index] ?? 0))
  return active.reduce((sum, delta) => sum + delta, 0) / 1000
}
