/** How many requests a second `npm start` answers, and how that compares with `wrangler dev` in the same run. */
import { inFolder } from "./folder.ts"
import { askFor, startServer } from "./server.ts"

const WARM_UP_MS = 1_000
const MEASURED_MS = 5_000

/** What is asked, from nothing but the gateway to one trip to D1. */
const QUESTIONS = [
  { name: "health (no token, no storage)", path: "/health" },
  { name: "metadata (token remembered)", path: "/api/v1/metadata" },
  { name: "a page of projects (one trip to D1)", path: "/api/controlPlane/v1/project" },
]

/** Measures and prints. Both serve the same Worker on fresh data, one after the other. */
export async function measureRates(): Promise<void> {
  const start = await inFolder((state) => measure(state, []))
  const dev = await inFolder((state) => measure(state, ["--dev"]))
  for (const { name } of QUESTIONS) {
    const [one = 0, other = 0] = [start.get(name), dev.get(name)]
    const rates = `npm start ${Math.round(one)}/s, wrangler dev ${Math.round(other)}/s`
    process.stdout.write(`${name}: ${(one / other).toFixed(1)} times wrangler dev (${rates})\n`)
  }
}

async function measure(state: string, args: readonly string[]): Promise<Map<string, number>> {
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
  }
}
