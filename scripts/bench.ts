/**
 * How many requests a second `npm start` answers, and how that compares with `wrangler dev` in the same run: `npm run bench`.
 * Both serve the same Worker on fresh data, one after the other, from this machine; only the ratios say something. Then what a page of
 * events costs with a thousand and with a million of them stored.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { measureEvents } from "./bench/events.ts"
import { askFor, startServer } from "./bench/server.ts"

const WARM_UP_MS = 1_000
const MEASURED_MS = 5_000

/** What is asked, from nothing but the gateway to one trip to D1. */
const QUESTIONS = [
  { name: "health (no token, no storage)", path: "/health" },
  { name: "metadata (token remembered)", path: "/api/v1/metadata" },
  { name: "a page of projects (one trip to D1)", path: "/api/controlPlane/v1/project" },
]

const results = new Map<string, Map<string, number>>()
for (const [server, args] of [
  ["npm start", []],
  ["wrangler dev", ["--dev"]],
] as const) {
  results.set(server, await measureServer(args))
}
report()
await measureEvents()

async function measureServer(args: readonly string[]): Promise<Map<string, number>> {
  const state = mkdtempSync(join(tmpdir(), "quarterdeck-bench-"))
  const server = await startServer(state, args)
  try {
    const rates = new Map<string, number>()
    for (const { name, path } of QUESTIONS) {
      await askFor(WARM_UP_MS, path, server.token)
      rates.set(name, await askFor(MEASURED_MS, path, server.token))
    }
    return rates
  } finally {
    await server.stop()
    rmSync(state, { recursive: true })
  }
}

function report(): void {
  for (const { name } of QUESTIONS) {
    const [start = 0, dev = 0] = [...results.values()].map((rates) => rates.get(name) ?? 0)
    const rates = `npm start ${Math.round(start)}/s, wrangler dev ${Math.round(dev)}/s`
    process.stdout.write(`${name}: ${(start / dev).toFixed(1)} times wrangler dev (${rates})\n`)
  }
}
