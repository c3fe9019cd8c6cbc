/**
 * Whether the edge stays right, and as fast and small as it was, under hours of mixed traffic, also when it is killed again and again:
 * `npm run soak -- --minutes 10 --kill-every 30`. Every answer is checked, everything acknowledged is read back at the end.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runCommand } from "./command.ts"
import { readOptions, USAGE } from "./soak/options.ts"
import { print } from "./soak/report.ts"
import { run } from "./soak/run.ts"

/** Ctrl-C under npm arrives twice: from the terminal, and from npm, which hands it on. */
const ONE_SIGNAL_MS = 1_000

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2))
  if (options === null) return print(USAGE)
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-soak-"))
  // What is ending may write there once more.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  print(`seed ${options.seed}`)
  const isWell = await run(options, folder, stopOnSignal())
  process.exit(isWell ? 0 : 1)
})

/** The first signal ends the traffic and leads to the report, a later one ends everything. */
function stopOnSignal(): AbortController {
  const stop = new AbortController()
  let first = Number.POSITIVE_INFINITY
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (now - first > ONE_SIGNAL_MS) process.exit(1)
      first = Math.min(first, now)
      stop.abort()
    })
  }
  return stop
}
