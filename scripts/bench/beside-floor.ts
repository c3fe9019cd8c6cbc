/**
 * Runs the built Worker and, beside it in the same workerd, the Worker that is its floor (floor-worker.ts), on the same data. A process of its
 * own, which ends when its standard input does. Prints one line: the ports of the two, and the token of the administrator.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startBuild } from "../start/build.ts"
import { prepareEnvironment } from "../start/environment.ts"
import { Lifetime } from "../start/lifetime.ts"
import { readSettings } from "../start/settings.ts"
import { StateFolder } from "../start/state.ts"
import { freePort } from "../start/port.ts"

const ADDRESS = "127.0.0.1"

const lifetime = new Lifetime()
const settings = readSettings(process.env, [])
const state = new StateFolder(settings.state)
lifetime.beforeEnd(() => state.release())
process.stdin.on("end", () => void lifetime.end(0)).resume()
prepareEnvironment(join(state.path, "config"))
// Loaded only now, as `npm start` does: wrangler reads the environment when it is loaded.
const { readProject } = await import("../start/project.ts")
const { prepare } = await import("../start/prepare.ts")
const { socketTo } = await import("../start/serve.ts")
const { startMiniflare } = await import("../start/miniflare.ts")

// One after the other: each runs the build command of wrangler.toml, which writes files.
const own = await startBuild(join(state.path, "build")).bundle
const bare = await startBuild(join(state.path, "floor"), fileURLToPath(import.meta.resolve("./floor-worker.ts"))).bundle
const project = readProject({ SECRET_KEYS: state.secretKeys(), ...settings.variables })
const token = await prepare(project, state, lifetime)
const [port, floorPort] = [await freePort(), await freePort()]
const floor = "floor"
const workers = [
  project.worker(own),
  { ...project.worker(bare), name: floor },
  socketTo(project.name, ADDRESS, port),
  socketTo(floor, ADDRESS, floorPort),
]
await startMiniflare({ storage: state.storage, verbose: false, workers }, lifetime)
process.stdout.write(`${JSON.stringify({ port, floorPort, token })}\n`)
