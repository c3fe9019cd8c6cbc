/** `npm start` as the person at the keyboard meets it: the real script, in a process of its own, on a state folder of its own. */
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { type IncomingMessage, request } from "node:http"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { convertV4MiniflareOptions, Miniflare, Response } from "miniflare"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import { scheduleJobs } from "../../scripts/start/jobs.ts"
import { Lifetime } from "../../scripts/start/lifetime.ts"
import { applyMigrations } from "../../scripts/start/migrate.ts"
import { freePort } from "../../scripts/start/port.ts"
import { PATIENCE_MS } from "../support/patience.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const SCRIPT = join(ROOT, "scripts", "start.ts")

const scratch = mkdtempSync(join(tmpdir(), "quarterdeck-start-"))
/** Process groups that a failed test may have left behind. */
const groups = new Set<number>()

afterAll(() => {
  for (const group of groups) killGroup(group, "SIGKILL")
  rmSync(scratch, { recursive: true, force: true })
})

describe("npm start", () => {
  describe("running", () => {
    let run: Run
    let ipv6: boolean
    beforeAll(async () => {
      const { state, port } = await fresh()
      ipv6 = await canListen("::1", port)
      run = await start(state, port)
    })

    test("prints what it does, one line per host, the token and a curl line", () => {
      expect(run.lines).toEqual([
        // Another test may have built the Worker before.
        expect.stringMatching(
          new RegExp(`^(building the Worker, )?preparing the data in ${RegExp.escape(run.state)}$`),
        ),
        "starting the Worker",
        `eu http://eu.api.localhost:${run.port}/api`,
        `us http://us.api.localhost:${run.port}/api`,
        `global http://global.api.localhost:${run.port}/api`,
        expect.stringMatching(/^token kpat_[0-9A-Za-z]{36}$/),
        `curl -H 'x-token: ${run.token}' 'http://eu.api.localhost:${run.port}/api/controlPlane/v1/project'`,
      ])
    })

    test("answers on every host, at both loopback addresses", async () => {
      for (const host of ["eu", "us", "global"]) {
        expect(await get(run.port, `${host}.api.localhost`, "/health")).toBe(200)
      }
      if (ipv6) expect(await get(run.port, "eu.api.localhost", "/health", { address: "::1" })).toBe(200)
      expect(await askForProjects(run)).toBe(200)
    })

    test("keeps the token for its owner only", () => {
      const file = join(run.state, "token")
      expect(readFileSync(file, "utf8")).toBe(`${run.token}\n`)
      expect(statSync(file).mode & 0o777).toBe(0o600)
    })

    test("keeps a second one from its folder and from its port", async () => {
      expect(refusal(run.state, await freePort())).toBe(
        `Another Quarterdeck uses ${run.state}. Stop it, or set QUARTERDECK_STATE to another folder.\n`,
      )
      expect(refusal(join(scratch, "elsewhere"), run.port)).toBe(
        `Port ${run.port} is taken. Stop what listens there, or set PORT to another port.\n`,
      )
      expect(await askForProjects(run)).toBe(200)
    })

    test("ends on SIGTERM with code 0 and has written no error", async () => {
      expect(await end(run, "SIGTERM")).toEqual({ code: 0, errors: "" })
    })

    test("has left data and migrations where wrangler looks for them", () => {
      const wrangler = fileURLToPath(import.meta.resolve("wrangler"))
      const list = ["d1", "migrations", "list", "DB_GLOBAL", "--local", "--persist-to", run.state]
      const output = execFileSync(process.execPath, ["--no-warnings", wrangler, ...list, "--config", "wrangler.toml"], {
        cwd: ROOT,
        env: { ...process.env, WRANGLER_SEND_METRICS: "false", XDG_CONFIG_HOME: scratch },
        encoding: "utf8",
      })
      expect(output).toContain("No migrations to apply")
    })
  })

  test("ends on Ctrl-C with code 0 and leaves no process, and starts again with the same token", async () => {
    const { state, port } = await fresh()
    const first = await start(state, port)
    const started = descendants(first.pid)
    expect(started.some((one) => one.command.includes("workerd"))).toBe(true)

    expect(await end(first, "SIGINT")).toEqual({ code: 0, errors: "" })
    await expectGone(started)

    const second = await start(state, port)
    expect(second.token).toBe(first.token)
    expect(await askForProjects(second)).toBe(200)
    await end(second, "SIGINT")
  })

  test("killed with -9, leaves no process and starts again at once, with the same token", async () => {
    const { state, port } = await fresh()
    const first = await start(state, port)
    const started = descendants(first.pid)
    process.kill(first.pid, "SIGKILL")
    await first.ended

    const second = await start(state, port)
    await expectGone(started)
    expect(second.token).toBe(first.token)
    // Nothing is built again.
    expect(second.lines[0]).toBe(`preparing the data in ${state}`)
    expect(await askForProjects(second)).toBe(200)
    expect(await end(second, "SIGINT")).toEqual({ code: 0, errors: "" })
  })

  test("ends with the npm that started it, even when that is killed with -9", async () => {
    const { state, port } = await fresh()
    const npm = await start(state, port, ["-e", SCRIPT_BELOW, SCRIPT])
    const started = descendants(npm.pid)
    process.kill(npm.pid, "SIGKILL")
    await expectGone(started)
  })

  test("refuses a folder that cannot be written to", async () => {
    const file = join(scratch, "a-file")
    writeFileSync(file, "")
    for (const path of [file, join(file, "below")]) {
      expect(refusal(path, await freePort())).toBe(
        `Cannot write to ${path}. Set QUARTERDECK_STATE to a folder that can be written to.\n`,
      )
    }
  })

  test("refuses a port that is none", () => {
    expect(refusal(scratch, "http")).toBe('PORT is "http". Set it to a number from 1 to 65535.\n')
    expect(refusal(scratch, 65_536)).toBe('PORT is "65536". Set it to a number from 1 to 65535.\n')
  })
})

describe("applyMigrations", () => {
  const folder = mkdtempSync(join(scratch, "migrations-"))
  const migrated = { binding: "DB", folder }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ modules: true, script: "export default {}", d1Databases: ["DB"], cf: false }),
  )
  afterAll(() => miniflare.dispose())

  test("applies each file once, in the order of their numbers, and a broken one not at all", async () => {
    const { DB: database } = await miniflare.getBindings<{ DB: D1Database }>()
    const applied = async () => {
      const { results } = await database.prepare("SELECT name FROM d1_migrations ORDER BY id").all()
      return z
        .array(z.object({ name: z.string() }))
        .parse(results)
        .map((row) => row.name)
    }
    writeFileSync(join(folder, "10_fill.sql"), "INSERT INTO one VALUES (1); INSERT INTO one VALUES (2);")
    writeFileSync(join(folder, "9_create.sql"), "CREATE TABLE one (id INTEGER);\n--> statement-breakpoint\n")
    await applyMigrations(database, migrated)
    await applyMigrations(database, migrated)
    expect(await applied()).toEqual(["9_create.sql", "10_fill.sql"])

    writeFileSync(join(folder, "11_broken.sql"), "INSERT INTO one VALUES (3); INSERT INTO two VALUES (1);")
    await expect(applyMigrations(database, migrated)).rejects.toThrow(/^Migration 11_broken\.sql of DB failed: .*two/)
    expect(await database.prepare("SELECT count(*) AS rows FROM one").first("rows")).toBe(2)
    expect(await applied()).toEqual(["9_create.sql", "10_fill.sql"])
  })
})

describe("scheduleJobs", () => {
  beforeEach(() => vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 12, 0, 30) }))
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  test("runs the scheduled handler when its time has come, and survives its failures", async () => {
    const asked: string[] = []
    const dispatchFetch = (url: unknown) => {
      asked.push(String(url))
      return Promise.resolve(new Response("exception", { status: 500 }))
    }
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    scheduleJobs({ dispatchFetch }, ["* * * * *", "0 13 * * 6"], new Lifetime())

    await vi.advanceTimersByTimeAsync(61 * 60_000)

    const jobs = asked.map((url) => Object.fromEntries(new URL(url).searchParams))
    expect(jobs.filter((job) => job["cron"] === "* * * * *")).toHaveLength(61)
    expect(jobs[0]).toEqual({ cron: "* * * * *", time: String(Date.UTC(2026, 10, 20, 12, 1)) })
    // 20 November 2026 is a Friday, which Cloudflare counts as the sixth day.
    expect(jobs.filter((job) => job["cron"] === "0 13 * * 6")).toEqual([
      { cron: "0 13 * * 6", time: String(Date.UTC(2026, 10, 20, 13)) },
    ])
    expect(written).toHaveBeenCalledWith('The scheduled job "* * * * *" failed: exception\n')
  })
})

/** A process that starts the script as npm does, and cannot tell it when it is killed. */
const SCRIPT_BELOW = `
  const { spawn } = require("node:child_process")
  const env = { ...process.env, npm_lifecycle_event: "start" }
  spawn(process.execPath, [process.argv[1]], { env, stdio: "inherit" })
`

interface Run {
  pid: number
  state: string
  port: number
  token: string
  lines: string[]
  ended: Promise<unknown>
  process: ChildProcessByStdio<null, Readable, Readable>
  errors: () => string
}

/** Starts the script and waits for its last line. */
async function start(state: string, port: number, command: string[] = [SCRIPT]): Promise<Run> {
  const child = spawn(process.execPath, command, {
    env: environment(state, port),
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, to which signals can be sent as a terminal sends them.
    detached: true,
  })
  const { pid = 0 } = child
  groups.add(pid)
  const output = collect(child.stdout)
  const errors = collect(child.stderr)
  const ended = once(child, "close")
  await waitUntil(() => /^curl .*\n/m.test(output()) || child.exitCode !== null)
  const lines = output().trimEnd().split("\n")
  const token = /^token (\S+)$/m.exec(output())?.[1] ?? `none: ${errors()}`
  return { pid, state, port, token, lines, ended, process: child, errors }
}

/** Sends `signal` to the whole group, as a terminal does, and waits for the end. */
async function end(run: Run, signal: NodeJS.Signals): Promise<{ code: number | null; errors: string }> {
  killGroup(run.pid, signal)
  await run.ended
  groups.delete(run.pid)
  return { code: run.process.exitCode, errors: run.errors() }
}

/** What a start that must not succeed says. */
function refusal(state: string, port: number | string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], {
    env: environment(state, port),
    encoding: "utf8",
    timeout: PATIENCE_MS,
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
  return stderr
}

function environment(state: string, port: number | string): NodeJS.ProcessEnv {
  return { ...process.env, QUARTERDECK_STATE: state, PORT: String(port) }
}

/** The status of a request that needs the token. */
function askForProjects({ port, token }: Run): Promise<number> {
  return get(port, "eu.api.localhost", "/api/controlPlane/v1/project", { headers: { "x-token": token } })
}

/** The status of the answer. Not fetch(), which finds no address for names below localhost everywhere and sets its own host. */
async function get(
  port: number,
  host: string,
  path: string,
  { address = "127.0.0.1", headers = {} }: { address?: string; headers?: Record<string, string> } = {},
): Promise<number> {
  const asked = request({ host: address, port, path, headers: { host: `${host}:${port}`, ...headers } }).end()
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    asked.on("response", resolve).on("error", reject),
  )
  response.resume()
  return response.statusCode ?? 0
}

async function fresh(): Promise<{ state: string; port: number }> {
  return { state: join(mkdtempSync(join(scratch, "run-")), "state"), port: await freePort() }
}

async function canListen(address: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, address)
  try {
    await once(server, "listening")
    await close(server)
    return true
  } catch {
    return false
  }
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, "close")
}

interface Process {
  pid: number
  parent: number
  state: string
  command: string
}

/** The process `pid` and everything it has started. */
function descendants(pid: number): Process[] {
  const all = processes()
  const found = all.filter((one) => one.pid === pid)
  for (const one of found) found.push(...all.filter((other) => other.parent === one.pid))
  return found
}

/** Waits until none of `list` runs any more. A zombie does not: whoever is its parent now has only not asked for its code. */
async function expectGone(list: readonly Process[]): Promise<void> {
  const running = () =>
    processes().filter((one) => !one.state.startsWith("Z") && list.some((other) => other.pid === one.pid))
  await waitUntil(() => running().length === 0)
  expect(running()).toEqual([])
}

function processes(): Process[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,comm="], { encoding: "utf8" })
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const [pid, parent, state = "", ...command] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), state, command: command.join(" ") }
    })
}

function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // It has ended on its own.
  }
}

function collect(stream: Readable): () => string {
  let text = ""
  stream.setEncoding("utf8").on("data", (chunk) => (text += chunk))
  return () => text
}

/** Returns when `condition` holds, or when it has not for too long: what follows then says why. */
async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
}
