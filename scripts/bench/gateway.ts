/**
 * What a request costs that this Worker answers itself: beside a Worker in the same workerd that does no more than the request cannot do
 * without (floor-worker.ts), and beside nginx that asks a server about each request, as Keptn's own gateway does.
 */
import { z } from "zod"
import { createToken } from "../../src/lib/token-format.ts"
import { inFolder } from "./folder.ts"
import { hasNginx, startKeptnGateway } from "./nginx.ts"
import { type RunningProcess, startOrigin, startScript } from "./process.ts"
import { figure, median, print, row } from "./report.ts"
import { askAll, CONNECTIONS, type Question } from "./server.ts"
import { isUsageKnown, watchUsage } from "./usage.ts"

const ROUNDS = 5
const WARM_UP_MS = 300
const MEASURED_MS = 1_500
const EVENTS = 40

/** The projects that are read and that get events, and a file of each. */
const READ = "read"
const TOLD = "told"
const FILE = "slo.yaml"

const started = z.object({ port: z.number(), floorPort: z.number(), token: z.string() })

type Started = z.infer<typeof started>

/** Asks a question of its own on each connection. */
type Ask = (connection: number) => Question

/** What is compared; `goal` is the part of the floor's requests per second that shall be reached. */
interface Comparison {
  name: string
  goal?: number
  own: Ask
  floor: Ask
}

/** What asking for a while told. `cpu` is the CPU time of one request, in seconds. */
interface Measured {
  rate: number
  cpu: number
}

/** Measures and prints. */
export async function measureGateway(): Promise<void> {
  if (!isUsageKnown) print("this system has no /proc as Linux has: CPU time is left out")
  const origin = await startOrigin()
  try {
    await inFolder(async (state) => {
      const environment = { QUARTERDECK_STATE: state, QUARTERDECK_VARS: JSON.stringify(variables(origin.port)) }
      const { line, ...running } = await startScript(import.meta.resolve("./beside-floor.ts"), [], environment)
      try {
        await compareAll(started.parse(JSON.parse(line)), running.id, origin.port)
      } finally {
        await running.stop()
      }
    })
  } finally {
    await origin.stop()
  }
}

function variables(port: number): object {
  const origin = `http://127.0.0.1:${port}`
  return {
    UPSTREAMS_EU: [{ prefix: "/origin", strip_prefix: true, origin, allow_plain_http: true, role: "Viewer" }],
  }
}

async function compareAll(server: Started, id: number | undefined, origin: number): Promise<void> {
  const { token, port, floorPort } = server
  await fill(server)
  const ofWorkerd = (place: number, ask: Ask) => () => measure(() => watchUsage("workerd", id), ask, place)
  print(row("", ["of the floor", "from - to", "goal", "CPU of floor", "CPU each", "floor's"]))
  for (const { name, goal, own, floor } of comparisons(token, origin)) {
    const rounds = await inTurns(ofWorkerd(port, own), ofWorkerd(floorPort, floor))
    print(row(name, figures(rounds, goal)))
  }
  const ask = get("/api/v1/metadata", token)
  if (hasNginx()) await besideKeptn(token, ofWorkerd(port, ask))
  else print("nginx is not installed: what compares with it is left out")
}

function comparisons(token: string, origin: number): readonly Comparison[] {
  const metadata = "/api/v1/metadata"
  const hello = get("/hello", "")
  return [
    { name: "metadata, beside hello", goal: 0.75, own: get(metadata, token), floor: hello },
    { name: "metadata, beside hello and a log line", own: get(metadata, token), floor: get("/hello-logged", "") },
    {
      name: "a malformed token",
      own: () => refused("/api/v1/metadata", "kpat_malformed"),
      floor: () => refused("/refused", ""),
    },
    {
      name: "an unknown token",
      own: () => refused("/api/v1/metadata", createToken("kpat")),
      floor: () => refused("/refused-after-look", ""),
    },
    {
      name: "one project",
      goal: 0.85,
      own: get(`/api/controlPlane/v1/project/${READ}`, token),
      floor: get(`/project/${READ}`, ""),
    },
    {
      name: "one file",
      goal: 0.85,
      own: get(`/api/resource-service/v1/project/${READ}/resource/${FILE}`, token),
      floor: get(`/file/${READ}/${FILE}`, ""),
    },
    {
      name: "a page of events",
      goal: 0.85,
      own: get(`/api/mongodb-datastore/event?project=${READ}&pageSize=20`, token),
      floor: get(`/events/${READ}`, ""),
    },
    {
      name: "write an event",
      goal: 0.7,
      own: () => event(token, "/api/v1/event", TOLD),
      floor: () => event("", `/event/${TOLD}`, TOLD),
    },
    {
      name: "write a file",
      goal: 0.7,
      own: (connection) => file(token, `/api/resource-service/v1/project/own-${connection}/resource/${FILE}`),
      floor: (connection) => file("", `/file/floor-${connection}/${FILE}`),
    },
    { name: "GET of 1 KiB through the proxy", own: get("/origin/small", token), floor: get(`/fetch/${origin}`, "") },
  ]
}

/** The whole of Keptn's design: nginx, the server that it asks, and the one that it passes the request on to. */
async function besideKeptn(token: string, own: () => Promise<Measured>): Promise<void> {
  await inFolder(async (folder) => {
    const running: RunningProcess[] = []
    try {
      const [auth, backend] = [await startOrigin(token), await startOrigin()]
      running.push(auth, backend)
      const nginx = await startKeptnGateway(folder, auth.port, backend.port)
      running.push(nginx)
      const watchThem = () => {
        const usages = running.map((one) => watchUsage(null, one.id))
        return () => ({ cpuSeconds: usages.reduce((sum, usage) => sum + usage().cpuSeconds, 0) })
      }
      const rounds = await inTurns(own, () => measure(watchThem, get("/metadata", token), nginx.port))
      print(row("metadata, beside nginx with auth_request", figures(rounds, 1)))
    } finally {
      for (const { stop } of running) await stop()
    }
  })
}

/** Measures in rounds, in each of which both have their turn: what else this machine does disturbs them alike. */
async function inTurns(
  own: () => Promise<Measured>,
  floor: () => Promise<Measured>,
): Promise<{ own: Measured; floor: Measured }[]> {
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) rounds.push({ own: await own(), floor: await floor() })
  return rounds
}

/** Both are asked for a while before it counts: what is loaded with the first request, or compiled with the thousandth, is no part of one. */
async function measure(watch: () => () => { cpuSeconds: number }, ask: Ask, port: number): Promise<Measured> {
  await askAll(WARM_UP_MS, ask, port)
  const usage = watch()
  const rate = await askAll(MEASURED_MS, ask, port)
  return { rate, cpu: usage().cpuSeconds / (rate * (MEASURED_MS / 1000)) }
}

function figures(rounds: readonly { own: Measured; floor: Measured }[], goal?: number): string[] {
  const rates = rounds.map(({ own, floor }) => own.rate / floor.rate)
  return [
    figure(median(rates), 2),
    `${Math.min(...rates).toFixed(2)} - ${Math.max(...rates).toFixed(2)}`,
    goal === undefined ? "" : goal.toFixed(2),
    figure(isUsageKnown ? median(rounds.map(({ own, floor }) => own.cpu / floor.cpu)) : null, 2),
    microseconds(rounds.map(({ own }) => own.cpu)),
    microseconds(rounds.map(({ floor }) => floor.cpu)),
  ]
}

function microseconds(seconds: readonly number[]): string {
  return figure(isUsageKnown ? median(seconds.map((one) => one * 1e6)) : null, 0, " us")
}

/** Makes what is read, and what is written to: on each connection another project, since a branch has one writer at a time. */
async function fill({ port, token }: Started): Promise<void> {
  const written = Array.from({ length: CONNECTIONS }, (_, connection) => [`own-${connection}`, `floor-${connection}`])
  const questions = [
    ...[READ, TOLD, ...written.flat()].map((name) => project(token, name)),
    // A file has to be there before one of its name can be replaced.
    ...[READ, ...written.flat()].map((name) => newFile(token, name)),
    ...Array.from({ length: EVENTS }, () => event(token, "/api/v1/event", READ)),
  ]
  for (const question of questions) {
    const { path, method = "GET", body = "" } = question
    const headers = { "x-token": token, "content-type": "application/json" }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  }
}

function get(path: string, token: string): Ask {
  return () => ({ path, token })
}

/** From another address each time: of those that come from one address only the first few are refused for their token. */
function refused(path: string, token: string): Question {
  const bytes = crypto.getRandomValues(new Uint8Array(3))
  return {
    path,
    token,
    headers: { "cf-connecting-ip": `10.${bytes.join(".")}` },
    status: 401,
  }
}

function project(token: string, name: string): Question {
  const stages = "  stages:\n    - name: dev\n    - name: production\n"
  const shipyard = base64(`apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nspec:\n${stages}`)
  return { path: "/api/controlPlane/v1/project", token, method: "POST", body: JSON.stringify({ name, shipyard }) }
}

function newFile(token: string, name: string): Question {
  const resources = [{ resourceURI: FILE, resourceContent: base64("objectives: []\n".repeat(64)) }]
  const path = `/api/resource-service/v1/project/${name}/resource`
  return { path, token, method: "POST", body: JSON.stringify({ resources }) }
}

/** Replaces a file, each time by another. */
function file(token: string, path: string): Question {
  const resourceContent = base64(`${crypto.randomUUID()}\n${"objectives: []\n".repeat(64)}`)
  return { path, token, method: "PUT", body: JSON.stringify({ resourceContent }) }
}

function event(token: string, path: string, name: string): Question {
  const body = {
    type: "sh.keptn.event.dev.delivery.triggered",
    source: "bench",
    specversion: "1.0",
    contenttype: "application/json",
    data: { project: name, stage: "dev", service: "carts", text: "x".repeat(500) },
  }
  return { path, token, method: "POST", body: JSON.stringify(body) }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64")
}
