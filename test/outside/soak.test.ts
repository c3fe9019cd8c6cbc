/** The soak test runs, finds nothing, and ends as it should when it is interrupted. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { expect, test } from "vitest"

const SCRIPT = join(import.meta.dirname, "..", "..", "scripts", "soak.ts")
/** Fewer would mean that the traffic stood still. */
const ENOUGH = 300
/** Before it is interrupted. */
const TRAFFIC_MS = 1_000

test("fifteen seconds of traffic with a kill in the middle find no fault", async () => {
  const { code, lines } = await soak(["--minutes", "0.25", "--kill-every", "6", "--writers", "4", "--seed", "11"])
  expect(lines.filter((line) => line.startsWith("FAULT"))).toEqual([])
  expect(code).toBe(0)
  expect(figure(lines, /^answers checked: (\d+)/)).toBeGreaterThan(ENOUGH)
  expect(figure(lines, /^kills: (\d+)/)).toBeGreaterThan(0)
})

test("Ctrl-C leads to the report of what was done so far", async () => {
  const { code, lines } = await soak(["--minutes", "60", "--writers", "2"], (child) => child.kill("SIGINT"))
  expect(code).toBe(0)
  expect(lines).toContain("faults: 0")
})

test("what is no option is refused in one line", async () => {
  const { code, lines } = await soak(["--minutes", "soon"])
  expect(code).toBe(1)
  expect(lines).toEqual([])
})

type Child = ReturnType<typeof spawn>

/** Runs the soak test; `interrupt` is called once traffic has run for a moment. */
async function soak(
  args: string[],
  interrupt?: (child: Child) => void,
): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "ignore"] })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line)
    if (line.endsWith("writers begin")) setTimeout(() => interrupt?.(child), TRAFFIC_MS)
  })
  await once(child, "close")
  return { code: child.exitCode, lines }
}

function figure(lines: readonly string[], pattern: RegExp): number {
  return Number(lines.map((line) => pattern.exec(line)?.[1]).find((text) => text !== undefined))
}
