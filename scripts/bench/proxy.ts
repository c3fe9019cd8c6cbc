/**
 * What the reverse proxy costs, beside nginx and beside no proxy at all, all before the same origin: the speed of large bodies, many
 * small requests, and a thousand streams of events.
 */
import { startNginx, hasNginx } from "./nginx.ts"
import { inFolder } from "./folder.ts"
import type { Part, Settings } from "./part.ts"
import { type RunningProcess, startOrigin } from "./process.ts"
import { get } from "./questions.ts"
import { print, type Table } from "./report.ts"
import { median } from "./results.ts"
import { cpuRatio, inTurns, type Pace, ratios } from "./rounds.ts"
import { type Server, startServer } from "./server.ts"
import { download, followStreams, type Place, upload } from "./transfer.ts"
import { isUsageKnown, type Usage, watchUsage } from "./usage.ts"

const MIB = 1024 ** 2
const GIB = 1024 * MIB
const EVENTS = 20

/** The settings of an upstream by which a body takes another way through the Worker. */
const WAYS = {
  plain: {},
  timed: { total_seconds: 3_600 },
  counted: { max_response_bytes: 4 * GIB },
} as const satisfies Record<string, object>

type Way = keyof typeof WAYS

interface Transfer {
  name: string
  way: Way
  run: (place: Place, bytes: number) => Promise<number>
}

const TRANSFERS: readonly Transfer[] = [
  { name: "down, Content-Length", way: "plain", run: (place, bytes) => download(place, bytes, false) },
  { name: "down, chunked", way: "plain", run: (place, bytes) => download(place, bytes, true) },
  { name: "down, Content-Length, total_seconds", way: "timed", run: (place, bytes) => download(place, bytes, false) },
  { name: "down, chunked, total_seconds", way: "timed", run: (place, bytes) => download(place, bytes, true) },
  { name: "down, chunked, max_response_bytes", way: "counted", run: (place, bytes) => download(place, bytes, true) },
  { name: "up, Content-Length", way: "plain", run: (place, bytes) => upload(place, bytes, false) },
  { name: "up, chunked", way: "plain", run: (place, bytes) => upload(place, bytes, true) },
]

/** All that is asked in a round. */
interface Setup {
  origin: RunningProcess
  /** null where it is not installed. */
  nginx: RunningProcess | null
  edge: Server
}

/** What one round told of one way to the origin. */
interface Measured extends Usage {
  /** Bytes a second. */
  rate: number
  seconds: number
}

interface Round {
  direct: Measured
  nginx: Measured | null
  edge: Measured
}

const SPEED = { heading: "of direct", digits: 2 }
const BESIDE_NGINX = [
  { heading: "of nginx", digits: 2 },
  { heading: "CPU of nginx's", digits: 2 },
]
const MEMORY = [
  { heading: "memory", digits: 1, unit: " MiB" },
  { heading: "nginx's", digits: 1, unit: " MiB" },
]

/** Measures and reports. */
export const measureProxy: Part = async (settings, report) => {
  const { isQuick, pace } = settings
  if (!hasNginx()) print("nginx is not installed: what compares with it is left out")
  if (!isUsageKnown) print("this system has no /proc as Linux has: memory and CPU time are left out")
  await withSetup(async (setup) => {
    const bytes = isQuick ? MIB : GIB
    const large = report.table(`${bytes / MIB} MiB through the proxy`, SPEED, [...BESIDE_NGINX, ...MEMORY])
    for (const { name, way, run } of TRANSFERS) {
      const rounds = await measure(setup, settings, way, async (place) => bytes / (await run(place, bytes)))
      large.add({ name, values: ofDirect(rounds), others: [...besideNginx(rounds), ...memory(rounds)] })
    }
    const small = report.table("1 KiB through the proxy, requests a second", SPEED, BESIDE_NGINX)
    await measureSmall(setup, pace, small)
  })
  const streams = isQuick ? 20 : 1_000
  const table = report.table(`${streams} streams of events at once`, { heading: "complete" }, [
    { heading: "nginx's" },
    { heading: "memory each", digits: 1, unit: " KiB" },
    { heading: "nginx's memory", digits: 1, unit: " KiB" },
  ])
  for (const way of ["plain", "timed", "counted"] as const) {
    // Each on fresh processes: what one has taken for its streams the next would have already.
    await withSetup((setup) => measureStreams(setup, way, streams, table))
  }
}

async function withSetup(use: (setup: Setup) => Promise<void>): Promise<void> {
  await inFolder((state) =>
    inFolder(async (folder) => {
      const running: RunningProcess[] = []
      const started = <T extends RunningProcess>(one: T) => {
        running.push(one)
        return one
      }
      try {
        const origin = started(await startOrigin())
        const nginx = hasNginx() ? started(await startNginx(folder, origin.port)) : null
        const edge = started(await startServer(state, [], { UPSTREAMS_EU: upstreams(origin.port) }))
        await use({ origin, nginx, edge })
      } finally {
        for (const { stop } of running) await stop()
      }
    }),
  )
}

function upstreams(port: number): object[] {
  return Object.entries(WAYS).map(([name, settings]) => ({
    prefix: `/${name}`,
    strip_prefix: true,
    origin: `http://127.0.0.1:${port}`,
    allow_plain_http: true,
    role: "Viewer",
    max_request_bytes: 4 * GIB,
    ...settings,
  }))
}

/** Measures in rounds, in each of which all have their turn: what else this machine does disturbs them alike. */
async function measure(
  { origin, nginx, edge }: Setup,
  { pace }: Settings,
  way: Way,
  rate: (place: Place) => Promise<number>,
): Promise<Round[]> {
  const of = async (running: RunningProcess, name: string, prefix = ""): Promise<Measured> => {
    const usage = watchUsage(name, running.id)
    const started = performance.now()
    const measured = await rate({ port: running.port, prefix, token: edge.token })
    return { rate: measured, seconds: (performance.now() - started) / 1000, ...usage() }
  }
  const rounds: Round[] = []
  for (let round = 0; round < pace.rounds; round++) {
    rounds.push({
      direct: await of(origin, "node"),
      nginx: nginx && (await of(nginx, "nginx")),
      edge: await of(edge, "workerd", `/${way}`),
    })
  }
  return rounds
}

async function measureSmall({ origin, nginx, edge }: Setup, pace: Pace, table: Table): Promise<void> {
  const of = ({ port, id }: RunningProcess, name: string, prefix = "") => ({
    port,
    ask: get(`${prefix}/small`, edge.token),
    watch: () => watchUsage(name, id),
  })
  const others = nginx ? [of(nginx, "nginx")] : []
  const [direct, own, other] = await inTurns(pace, [of(origin, "node"), of(edge, "workerd", "/plain"), ...others])
  const besideOther = other ? [median(ratios(own, other)), cpuRatio(own, other)] : []
  table.add({ name: "GET", values: ratios(own, direct), others: besideOther })
}

async function measureStreams({ nginx, edge }: Setup, way: Way, streams: number, table: Table): Promise<void> {
  const of = async (running: RunningProcess, name: string, prefix = "") => {
    const place = { port: running.port, prefix, token: edge.token }
    // One that is not counted, for what is loaded with the first.
    await followStreams(place, 1, EVENTS)
    const usage = watchUsage(name, running.id)
    return { complete: await followStreams(place, streams, EVENTS), ...usage() }
  }
  const other = nginx && (await of(nginx, "nginx"))
  const own = await of(edge, "workerd", `/${way}`)
  const memoryEach = [own, other].map((one) => (one && isUsageKnown ? one.peakKib / streams : null))
  table.add({
    name: way,
    values: [own.complete],
    goal: { least: streams },
    others: [other && other.complete, ...memoryEach],
  })
}

function ofDirect(rounds: readonly Round[]): number[] {
  return rounds.map(({ edge, direct }) => edge.rate / direct.rate)
}

/** The ratio of speed to nginx, and of CPU time to nginx for the same work. */
function besideNginx(rounds: readonly Round[]): (number | null)[] {
  const both = rounds.flatMap(({ edge, nginx }) => (nginx ? [{ edge, nginx }] : []))
  return [
    median(both.map(({ edge, nginx }) => edge.rate / nginx.rate)),
    isUsageKnown ? median(both.map(({ edge, nginx }) => cost(edge) / cost(nginx))) : null,
  ]
}

/** The CPU time of a byte. */
function cost({ cpuSeconds, seconds, rate }: Measured): number {
  return cpuSeconds / (seconds * rate)
}

/** How far memory rose at most, of the edge and of nginx. */
function memory(rounds: readonly Round[]): (number | null)[] {
  return [rounds.map(({ edge }) => edge), rounds.flatMap(({ nginx }) => nginx ?? [])].map(highestPeak)
}

function highestPeak(all: readonly Usage[]): number | null {
  return all.length > 0 && isUsageKnown ? Math.max(...all.map(({ peakKib }) => peakKib)) / 1024 : null
}
