/** How many requests a second `npm start` answers, and how that compares with `wrangler dev`. */
import { inFolder } from "./folder.ts"
import type { Part } from "./part.ts"
import { get, METADATA_PATH, PROJECT_LIST } from "./questions.ts"
import { median } from "./results.ts"
import { inTurns, type Measured, ratios } from "./rounds.ts"
import { type Server, startServer } from "./server.ts"

/** What is asked, from nothing but the gateway to one trip to D1. */
const QUESTIONS = [
  { name: "health (no token, no storage)", path: "/health" },
  { name: "metadata (token remembered)", path: METADATA_PATH },
  { name: "a page of projects (one trip to D1)", path: PROJECT_LIST },
]

/** Measures and reports. Both serve the same Worker, each on data of its own. */
export const measureRates: Part = async ({ pace }, report) => {
  await withServers(async (start, dev) => {
    const table = report.table("npm start", { heading: "times wrangler dev", digits: 1 }, [
      { heading: "req/s" },
      { heading: "wrangler dev's" },
    ])
    for (const { name, path } of QUESTIONS) {
      const [own, other] = await inTurns(
        pace,
        [start, dev].map(({ port, token }) => ({ port, ask: get(path, token), watch: unwatched })),
      )
      table.add({ name, values: ratios(own, other), others: [rateOf(own), rateOf(other)] })
    }
  })
}

async function withServers(use: (start: Server, dev: Server) => Promise<void>): Promise<void> {
  await inFolder(async (one) =>
    inFolder(async (other) => {
      const start = await startServer(one, [])
      try {
        const dev = await startServer(other, ["--dev"])
        try {
          await use(start, dev)
        } finally {
          await dev.stop()
        }
      } finally {
        await start.stop()
      }
    }),
  )
}

function unwatched() {
  return () => ({ cpuSeconds: 0 })
}

function rateOf(measured: readonly Measured[] = []): number | null {
  return median(measured.map(({ rate }) => rate))
}
