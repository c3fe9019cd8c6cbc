/**
 * How many requests a second `npm start` answers, and how that compares with `wrangler dev` in the same run: `npm run bench`.
 * Both serve the same Worker on fresh data, one after the other, from this machine; only the ratios say something.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

const PORT = 8799
const CONNECTIONS = 16
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

async function measureServer(args: readonly string[]): Promise<Map<string, number>> {
  const state = mkdtempSync(join(tmpdir(), "quarterdeck-bench-"))
  const child = spawn(process.execPath, ["scripts/start.ts", ...args], {
    env: { ...process.env, PORT: String(PORT), QUARTERDECK_STATE: state },
    stdio: ["ignore", "pipe", "ignore"],
  })
  try {
    const token = await readToken(child)
    await untilHealthy()
    const rates = new Map<string, number>()
    for (const { name, path } of QUESTIONS) {
      await askFor(WARM_UP_MS, path, token)
      rates.set(name, await askFor(MEASURED_MS, path, token))
    }
    return rates
  } finally {
    const ended = once(child, "exit")
    child.kill()
    await ended
    rmSync(state, { recursive: true })
  }
}

async function readToken({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("no output to read")
  const lines = createInterface({ input: stdout })
  const { promise, resolve } = Promise.withResolvers<string>()
  lines.on("line", (line) => {
    const token = /^token (\S+)$/.exec(line)?.[1]
    if (token !== undefined) resolve(token)
  })
  return promise
}

async function untilHealthy(): Promise<void> {
  const agent = new Agent()
  for (;;) {
    if ((await ask(agent, "/health", "").catch(() => 0)) === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Asks for `path` over and over on all connections; answers the requests per second. */
async function askFor(milliseconds: number, path: string, token: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const end = performance.now() + milliseconds
  let answered = 0
  const connection = async () => {
    while (performance.now() < end) {
      const status = await ask(agent, path, token)
      if (status !== 200) throw new Error(`${path} answered ${status}`)
      answered++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  agent.destroy()
  return answered / (milliseconds / 1000)
}

function ask(agent: Agent, path: string, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { host: `eu.api.localhost:${PORT}`, "x-token": token }
  const sent = request({ agent, host: "127.0.0.1", port: PORT, path, headers }, (response) => {
    response.resume()
    response.on("end", () => resolve(response.statusCode ?? 0))
  })
  sent.on("error", reject)
  sent.end()
  return promise
}

function report(): void {
  for (const { name } of QUESTIONS) {
    const [start = 0, dev = 0] = [...results.values()].map((rates) => rates.get(name) ?? 0)
    const rates = `npm start ${Math.round(start)}/s, wrangler dev ${Math.round(dev)}/s`
    process.stdout.write(`${name}: ${(start / dev).toFixed(1)} times wrangler dev (${rates})\n`)
  }
}
