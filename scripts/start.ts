/**
 * Runs Quarterdeck on this machine, with its data in a folder: `npm start`. With `--dev`, runs `wrangler dev` on the same
 * data: `npm run dev`. Needs no account and no network.
 */
import { once } from "node:events"
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { startBuild, startWranglerDev } from "./start/build.ts"
import { prepareEnvironment } from "./start/environment.ts"
import { Lifetime } from "./start/lifetime.ts"
import { loopbackAddresses } from "./start/port.ts"
import type { Project } from "./start/project.ts"
import { readSettings, ROOT, type Settings, StartError } from "./start/settings.ts"
import { StateFolder } from "./start/state.ts"

// wrangler and Miniflare, which are loaded below, take a second and more to compile.
enableCompileCache(join(ROOT, "node_modules", ".cache", "node"))

const lifetime = new Lifetime()
// Whoever reads the output may stop reading.
process.stdout.on("error", () => {})
process.stderr.on("error", () => {})

try {
  await start(readSettings(process.env, process.argv.slice(2)))
} catch (error) {
  await fail(error)
}

async function start(settings: Settings): Promise<void> {
  const state = new StateFolder(settings.state)
  lifetime.beforeEnd(() => state.release())
  const addresses = await loopbackAddresses(settings.port)
  prepareEnvironment(join(state.path, "config"))
  await (settings.dev ? runDev(settings, state) : runBuilt(settings, state, addresses))
}

/** Serves the built Worker. */
async function runBuilt(settings: Settings, state: StateFolder, addresses: readonly string[]): Promise<void> {
  const build = startBuild()
  tell(`${build.isKept ? "" : "building the Worker, "}preparing the data in ${state.path}`)
  lifetime.beforeEnd(build.stop)
  // Loaded only now, so that the build, in a process of its own, runs in the meantime: wrangler takes a second to load.
  const [{ readProject }, { prepare }, { serve }, { scheduleJobs }] = await Promise.all([
    import("./start/project.ts"),
    import("./start/prepare.ts"),
    import("./start/serve.ts"),
    import("./start/jobs.ts"),
  ])
  const project = readProject(settings.variables, { SECRET_KEYS: state.secretKeys() })
  const token = await prepare(project, state, lifetime)
  const bundle = await build.bundle
  tell("starting the Worker")
  const miniflare = await serve(project, bundle, addresses, { storage: state.storage, settings, lifetime })
  scheduleJobs(miniflare, project.crons, lifetime)
  announce(project, settings, token)
}

/** Runs `wrangler dev` until it ends. */
async function runDev(settings: Settings, state: StateFolder): Promise<void> {
  const [{ readProject }, { prepare }] = await Promise.all([import("./start/project.ts"), import("./start/prepare.ts")])
  const project = readProject(settings.variables, { SECRET_KEYS: state.secretKeys() })
  announce(project, settings, await prepare(project, state, lifetime))
  const places = ["--persist-to", state.path, "--env-file", state.keepVariables(project.changes)]
  const child = startWranglerDev([...places, "--port", String(settings.port)])
  const exit = once(child, "exit")
  lifetime.beforeEnd(async () => {
    child.kill()
    await exit
  })
  await exit
  await lifetime.end(child.exitCode ?? 0)
}

/** Says where Quarterdeck is and how to ask it something. */
function announce(project: Project, settings: Settings, token: string | null): void {
  const origin = (host: string) => `http://${host}.${project.apiDomain}:${settings.port}`
  const hosts = [...project.regions, "global"].map((host) => `${host} ${origin(host)}/api`)
  const example = `${origin(project.regions[0] ?? "global")}/api/controlPlane/v1/project`
  const lines = [
    ...hosts,
    `token ${token ?? `unknown: the file ${join(settings.state, "token")} is gone`}`,
    `curl -H 'x-token: ${token ?? "TOKEN"}' '${example}'`,
  ]
  tell(lines.join("\n"))
}

/** Writes for the person at the keyboard. */
function tell(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Says what went wrong in one line when the person can mend it, with all there is to know when it is our fault. */
async function fail(error: unknown): Promise<void> {
  if (lifetime.isEnding) return
  process.stderr.write(`${error instanceof StartError ? error.message : describe(error)}\n`)
  await lifetime.end(1)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
