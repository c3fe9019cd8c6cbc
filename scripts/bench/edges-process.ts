/**
 * Runs Workers side by side in one workerd (edges.ts says which). A process of its own, which ends when its standard input does. Prints one
 * line: the ports of the Workers, and the token of the administrator.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { V4WorkerOptions } from "miniflare"
import { bootstrap } from "../../src/directory/bootstrap.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { type Bundle, startBuild } from "../start/build.ts"
import { prepareEnvironment } from "../start/environment.ts"
import { Lifetime } from "../start/lifetime.ts"
import { freePort } from "../start/port.ts"
import { readSettings } from "../start/settings.ts"
import { StateFolder } from "../start/state.ts"
import { edgesShape } from "./edges.ts"

const ADDRESS = "127.0.0.1"
/** The Workers that are no deployment's. */
const SOURCES = {
  built: undefined,
  floor: import.meta.resolve("./floor-worker.ts"),
  counted: import.meta.resolve("./counted-worker.ts"),
} as const

const lifetime = new Lifetime()
process.stdin.on("end", () => void lifetime.end(0)).resume()
const wanted = edgesShape.parse(JSON.parse(process.argv[2] ?? ""))
const settings = readSettings(process.env, [])
const state = new StateFolder(settings.state)
lifetime.beforeEnd(() => state.release())
prepareEnvironment(join(state.path, "config"))
// Loaded only now, as `npm start` does: wrangler reads the environment when it is loaded.
const { readProject } = await import("../start/project.ts")
const { applyMigrations } = await import("../start/migrate.ts")
const { socketTo } = await import("../start/serve.ts")
const { startInspected, withStore } = await import("./stores.ts")
const { fill } = await import("./fill.ts")

const bundles = new Map<string, Bundle>()
// One after the other: each runs the build command of wrangler.toml, which writes files.
for (const source of new Set(wanted.workers.map((worker) => worker.source))) {
  const file = SOURCES[source]
  const path = file === undefined ? undefined : fileURLToPath(file)
  bundles.set(source, await startBuild(path).bundle)
}
const secrets = { SECRET_KEYS: state.secretKeys() }
const ports: Record<string, number> = {}
const workers: V4WorkerOptions[] = []
for (const { name, source, store, variables } of wanted.workers) {
  const bundle = bundles.get(source)
  if (bundle === undefined) throw new Error(`${source} was not built`)
  const port = await freePort()
  const worker = readProject({ ...secrets, ...variables }).worker(bundle)
  workers.push({ ...withStore(worker, store), name }, socketTo(name, ADDRESS, port))
  ports[name] = port
}
const inspectorPort = wanted.inspected ? await freePort() : null
const miniflare = await startInspected({ storage: state.storage, workers, inspectorPort }, lifetime)
const token = createToken("kpat")
const ready = new Set<string>()
for (const { name, store } of wanted.workers) {
  if (ready.has(store)) continue
  ready.add(store)
  const databases = await miniflare.getBindings<Record<string, D1Database | undefined>>(name)
  for (const database of readProject(secrets).databases) {
    const binding = databases[database.binding]
    if (binding !== undefined) await applyMigrations(binding, database)
  }
  const bindings = await miniflare.getBindings<Env>(name)
  await bootstrap(bindings.DB_GLOBAL, token)
  const amounts = wanted.filled[store]
  if (amounts !== undefined) await fill(bindings, amounts)
}
process.stdout.write(`${JSON.stringify({ token, ports, inspectorPort })}\n`)
