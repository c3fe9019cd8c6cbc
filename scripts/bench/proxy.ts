/**
 * What the reverse proxy costs, beside nginx and beside no proxy at all, all before the same origin: the speed of large bodies, many
 * small requests, and a thousand streams of events.
 */
import { startNginx, hasNginx } from "./nginx.ts"
import { inFolder } from "./folder.ts"
import { figure, median, print, row } from "./report.ts"
import { type RunningProcess, startOrigin } from "./process.ts"
import { askFor, type Server, startServer } from "./server.ts"
import { download, followStreams, type Place, upload } from "./transfer.ts"
import { isUsageKnown, type Usage, watchUsage } from "./usage.ts"

const GIB = 1024 ** 3
const ROUNDS = 5
const SMALL_MS = 2_000
const STREAMS = 1_000
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
  run: (place: Place) => Promise<number>
}

const TRANSFERS: readonly Transfer[] = [
  { name: "down, Content-Length", way: "plain", run: (place) => download(place, GIB, false) },
  { name: "down, chunked", way: "plain", run: (place) => download(place, GIB, true) },
  { name: "down, Content-Length, total_seconds", way: "timed", run: (place) => download(place, GIB, false) },
  { name: "down, chunked, total_seconds", way: "timed", run: (place) => download(place, GIB, true) },
  { name: "down, chunked, max_response_bytes", way: "counted", run: (place) => download(place, GIB, true) },
  { name: "up, Content-Length", way: "plain", run: (place) => upload(place, GIB, false) },
  { name: "up, chunked", way: "plain", run: (place) => upload(place, GIB, true) },
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
  /** Bytes, or requests, a second. */
  rate: number
  seconds: number
}

interface Round {
  direct: Measured
  nginx: Measured | null
  edge: Measured
}

/** Measures and prints. */
export async function measureProxy(): Promise<void> {
  if (!hasNginx()) print("nginx is not installed: what compares with it is left out")
  if (!isUsageKnown) print("this system has no /proc as Linux has: memory and CPU time are left out")
  await withSetup(async (setup) => {
    print(row("1 GiB through the proxy", ["of direct", "of nginx", "CPU of nginx", "memory", "nginx's"]))
    for (const { name, way, run } of TRANSFERS) {
      const rounds = await measure(setup, way, async (place) => GIB / (await run(place)))
      print(row(name, [...speeds(rounds), ...memory(rounds)]))
    }
    print(row("1 KiB through the proxy, requests a second", ["of direct", "of nginx", "CPU of nginx"]))
    print(row("GET", speeds(await measure(setup, "plain", askSmall))))
  })
  print(row(`${STREAMS} streams of events`, ["complete", "nginx's", "memory each", "nginx's"]))
  for (const way of ["plain", "timed", "counted"] as const) {
    // Each on fresh processes: what one has taken for its streams the next would have already.
    await withSetup((setup) => measureStreams(setup, way))
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
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({
      direct: await of(origin, "node"),
      nginx: nginx && (await of(nginx, "nginx")),
      edge: await of(edge, "workerd", `/${way}`),
    })
  }
  return rounds
}

async function askSmall({ port, prefix, token }: Place): Promise<number> {
  return askFor(SMALL_MS, `${prefix}/small`, token, port)
}

async function measureStreams({ nginx, edge }: Setup, way: Way): Promise<void> {
  const of = async (running: RunningProcess, name: string, prefix = "") => {
    const place = { port: running.port, prefix, token: edge.token }
    // One that is not counted, for what is loaded with the first.
    await followStreams(place, 1, EVENTS)
    const usage = watchUsage(name, running.id)
    return { complete: await followStreams(place, STREAMS, EVENTS), ...usage() }
  }
  const other = nginx && (await of(nginx, "nginx"))
  const own = await of(edge, "workerd", `/${way}`)
  const complete = [own, other].map((one) => (one ? String(one.complete) : ""))
  const memoryEach = [own, other].map((one) => figure(one && isUsageKnown ? one.peakKib / STREAMS : null, 1, " KiB"))
  print(row(way, [...complete, ...memoryEach]))
}

/** The ratios of speed to no proxy and to nginx, and of CPU time to nginx for the same work. */
function speeds(rounds: readonly Round[]): string[] {
  const besideNginx = rounds.flatMap(({ edge, nginx }) => (nginx ? [{ edge, nginx }] : []))
  return [
    figure(median(rounds.map(({ edge, direct }) => edge.rate / direct.rate)), 2),
    figure(median(besideNginx.map(({ edge, nginx }) => edge.rate / nginx.rate)), 2),
    figure(isUsageKnown ? median(besideNginx.map(({ edge, nginx }) => cost(edge) / cost(nginx))) : null, 2),
  ]
}

/** The CPU time of a byte, or a request. */
function cost({ cpuSeconds, seconds, rate }: Measured): number {
  return cpuSeconds / (seconds * rate)
}

/** How far memory rose at most, of the edge and of nginx. */
function memory(rounds: readonly Round[]): string[] {
  return [rounds.map(({ edge }) => edge), rounds.flatMap(({ nginx }) => nginx ?? [])].map((all) =>
    figure(highestPeak(all), 1, " MiB"),
  )
}

function highestPeak(all: readonly Usage[]): number | null {
  return all.length > 0 && isUsageKnown ? Math.max(...all.map(({ peakKib }) => peakKib)) / 1024 : null
}
