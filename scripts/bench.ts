/**
 * What this Worker is measured by: `npm run bench`, or `npm run bench -- proxy` for one part. All of it runs on this machine, what is
 * compared in turns; only the ratios say something.
 */
import { measureEvents } from "./bench/events.ts"
import { measureGateway } from "./bench/gateway.ts"
import { measureProxy } from "./bench/proxy.ts"
import { measureRates } from "./bench/rates.ts"

const PARTS = new Map([
  ["rates", measureRates],
  ["events", measureEvents],
  ["proxy", measureProxy],
  ["gateway", measureGateway],
])

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !PARTS.has(name))
if (unknown === undefined) {
  for (const [name, measure] of PARTS) if (chosen.length === 0 || chosen.includes(name)) await measure()
} else {
  process.stderr.write(`Unknown part ${unknown}. There are ${[...PARTS.keys()].join(", ")}.\n`)
  process.exitCode = 1
}
