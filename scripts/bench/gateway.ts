/**
 * What a request costs that this Worker answers itself: beside a Worker in the same workerd that does no more than the request cannot do
 * without (floor-worker.ts), and beside nginx that asks a server about each request, as Keptn's own gateway does.
 */
import { sha256Hex } from "../../src/lib/digest.ts"
import {
  type Comparison,
  gatewayComparisons,
  loadOf,
  preparations,
  readComparisons,
  writeComparisons,
} from "./comparisons.ts"
import { type Edges, withEdges } from "./edges.ts"
import { inFolder } from "./folder.ts"
import { askOnce } from "./load.ts"
import { hasNginx, startKeptnGateway } from "./nginx.ts"
import type { Part, Settings } from "./part.ts"
import { besideOrigin, type RunningProcess, startOrigin } from "./process.ts"
import { get, METADATA_PATH } from "./questions.ts"
import { print, type Report, type Table } from "./report.ts"
import {
  cpuMicroseconds,
  cpuRatio,
  inTurns,
  type Measured,
  type Measurement,
  type Pace,
  ratios,
  watchWorkerd,
} from "./rounds.ts"
import { isUsageKnown, watchUsage } from "./usage.ts"

const BESIDE_NGINX = "metadata, beside nginx"
const OF_THE_FLOOR = { heading: "req/s of the floor's", digits: 2 }
const OTHERS = [
  { heading: "CPU of the floor's", digits: 2 },
  { heading: "CPU each", unit: " us" },
  { heading: "the floor's", unit: " us" },
]

/** Measures and reports. */
export const measureGateway: Part = async (settings, report) => {
  if (!isUsageKnown) print("this system has no /proc as Linux has: CPU time is left out")
  await besideOrigin((origin, variables) => {
    const cold = { ...variables, TOKEN_CACHE_SECONDS: "0" }
    const workers = [
      { name: "own", source: "built", variables },
      { name: "cold", source: "built", variables: cold },
      { name: "floor", source: "floor" },
    ] as const
    return withEdges({ workers: [...workers] }, (edges) => compareAll(settings, report, edges, origin))
  })
}

async function compareAll(settings: Settings, report: Report, edges: Edges, origin: number): Promise<void> {
  const { token } = edges
  const { pace, isWanted } = settings
  const wanted = (comparisons: Comparison[]) => comparisons.filter(({ name }) => isWanted(name))
  const surroundings = { token, hash: await sha256Hex(token), origin }
  const [gateway, reads, writes] = [gatewayComparisons, readComparisons, writeComparisons].map((comparisons) =>
    wanted(comparisons(surroundings)),
  )
  const compareEach = async (title: string, comparisons: Comparison[] = []) => {
    const table = report.table(title, OF_THE_FLOOR, OTHERS)
    for (const comparison of comparisons) await compare(pace, table, edges, comparison)
  }
  await compareEach("every request", gateway)
  if ([reads, writes].flat().length > 0) {
    for (const question of preparations(token)) await askOnce(edges.port("own"), question)
  }
  await compareEach("reads", reads)
  await compareEach("writes", writes)
  if (!isWanted(BESIDE_NGINX)) return
  if (hasNginx()) await besideKeptn(pace, report, edges)
  else print("nginx is not installed: what compares with it is left out")
}

async function compare(pace: Pace, table: Table, edges: Edges, comparison: Comparison): Promise<void> {
  const { measuredMs, ...load } = loadOf(comparison, pace.measuredMs)
  const watch = watchWorkerd(edges.id)
  const [own, floor] = await inTurns({ ...pace, measuredMs }, [
    { port: edges.port(comparison.worker ?? "own"), ask: comparison.own, watch, ...load },
    { port: edges.port("floor"), ask: comparison.floor, watch, ...load },
  ])
  addRow(table, comparison, own, floor)
}

function addRow(
  table: Table,
  { name, goal }: { name: string; goal?: number },
  own?: Measured[],
  floor?: Measured[],
): void {
  table.add({
    name,
    values: ratios(own, floor),
    ...(goal !== undefined && { goal: { least: goal } }),
    others: [cpuRatio(own, floor), cpuMicroseconds(own), cpuMicroseconds(floor)],
  })
}

/** The whole of Keptn's design: nginx, the server that it asks, and the one that it passes the request on to. */
async function besideKeptn(pace: Pace, report: Report, edges: Edges): Promise<void> {
  const { token } = edges
  await inFolder(async (folder) => {
    const running: RunningProcess[] = []
    const started = (one: RunningProcess) => {
      running.push(one)
      return one
    }
    try {
      const [auth, backend] = [started(await startOrigin(token)), started(await startOrigin())]
      const nginx = started(await startKeptnGateway(folder, auth.port, backend.port))
      const own = { port: edges.port("own"), ask: get(METADATA_PATH, token), watch: watchWorkerd(edges.id) }
      const theirs = { port: nginx.port, ask: get("/metadata", token), watch: watchAll(running) }
      const [ownRounds, theirRounds] = await inTurns(pace, [own, theirs])
      const table = report.table("nginx with auth_request", { heading: "req/s of nginx's", digits: 2 }, [
        { heading: "CPU of nginx's", digits: 2 },
        { heading: "CPU each", unit: " us" },
        { heading: "nginx's", unit: " us" },
      ])
      addRow(table, { name: BESIDE_NGINX, goal: 1 }, ownRounds, theirRounds)
    } finally {
      for (const { stop } of running) await stop()
    }
  })
}

/** The CPU time of all of these processes together. */
function watchAll(running: readonly RunningProcess[]): Measurement["watch"] {
  return () => {
    const usages = running.map(({ id }) => watchUsage(null, id))
    return () => ({ cpuSeconds: usages.reduce((sum, usage) => sum + usage().cpuSeconds, 0) })
  }
}
