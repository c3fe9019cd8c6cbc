/** How long a fresh isolate takes to its first answer, without Miniflare: in a workerd that runs nothing else. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { z } from "zod"
import { freePort } from "../start/port.ts"
import { askOnce } from "./load.ts"

/** How often to look whether it answers, in ms: what is measured is no finer. */
const LOOK_MS = 1
const PATIENCE_MS = 20_000
const COMPATIBILITY_DATE = "2026-11-01"

const workerd = z.object({ default: z.string() })
const WORKERD = workerd.parse(createRequire(import.meta.resolve("miniflare"))("workerd")).default

/** Bindings that nothing is asked of before the first answer: that is one of `/health`. */
const BINDINGS = `
const none = () => Promise.reject(new Error("there is no storage"))
const [d1, r2, kv] = [{ prepare: none }, { createMultipartUpload: none }, { getWithMetadata: none }]
const bindings = {
  DB_GLOBAL: d1, DB_EU: d1, DB_US: d1, BLOBS_EU: r2, BLOBS_US: r2, CACHE_EU: kv, CACHE_US: kv,
  ASSETS: { fetch: none }, AUTH_FAILURES: { limit: none }, VERSION: { id: "bench" },
}`

/** A Worker that a workerd of its own can start. */
export interface Startable {
  /** The folder with its configuration. */
  folder: string
}

/** The bundle at `main`, with the `variables` of its configuration, ready to be started from `folder`. */
export function ourWorker(folder: string, main: string, variables: Readonly<Record<string, unknown>>): Startable {
  const entry = `import worker from "./index.js"
    ${BINDINGS}
    const variables = ${JSON.stringify(variables)}
    export default { fetch: (request, env, context) => worker.fetch(request, { ...variables, ...bindings }, context) }`
  const startable = prepareWorker(folder, entry, ["index.js"])
  copyFileSync(main, join(folder, "index.js"))
  return startable
}

/** The least Worker there is. */
export function bareWorker(folder: string): Startable {
  return prepareWorker(folder, `export default { fetch: () => Response.json({ status: "ok" }) }`, [])
}

function prepareWorker(folder: string, entry: string, modules: readonly string[]): Startable {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "entry.js"), entry)
  const embedded = ["entry.js", ...modules].map((name) => `(name = "${name}", esModule = embed "${name}")`)
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (compatibilityDate = "${COMPATIBILITY_DATE}", modules = [${embedded.join(", ")}]))],
      sockets = [(name = "http", address = "*:0", http = (), service = "main")]
    );`,
  )
  return { folder }
}

/** Starts it, and ends it again; answers the milliseconds from the start of the process to its first answer. */
export async function timeToFirstAnswer({ folder }: Startable): Promise<number> {
  const port = await freePort()
  const started = performance.now()
  const args = ["serve", join(folder, "config.capnp"), "--socket-addr", `http=127.0.0.1:${port}`]
  const child = spawn(WORKERD, args, { stdio: "ignore" })
  try {
    await untilAnswered(child, port)
    return performance.now() - started
  } finally {
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    if (child.exitCode === null) await ended
  }
}

async function untilAnswered(child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (child.exitCode === null && performance.now() < end) {
    const isAnswered = await askOnce(port, { path: "/health", token: "" }).then(
      () => true,
      () => false,
    )
    if (isAnswered) return
    await sleep(LOOK_MS)
  }
  throw new Error("workerd does not answer")
}
