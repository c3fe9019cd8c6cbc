/** Bundles the Worker with wrangler itself, so that what runs here is what `wrangler deploy` would upload. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { readdirSync, rmSync } from "node:fs"
import { basename, extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundleKey, findBundle, keepBundle, newBundleFolder } from "./bundle-cache.ts"
import { CONFIG, ROOT, StartError } from "./settings.ts"

/** A file of the bundle, in Miniflare's words. */
interface BundledModule {
  type: "ESModule" | "Text" | "Data" | "CompiledWasm"
  path: string
}

/** The code of the Worker: the files in a folder, the main one first. */
export interface Bundle {
  modulesRoot: string
  modules: BundledModule[]
}

export interface Build {
  /** Whether the bundle is one that was kept. */
  isKept: boolean
  bundle: Promise<Bundle>
  stop: () => void
}

/** wrangler's default rules for what an imported file is; its read-me and source maps are none. */
const MODULE_TYPES: Readonly<Record<string, BundledModule["type"]>> = {
  ".js": "ESModule",
  ".txt": "Text",
  ".html": "Text",
  ".sql": "Text",
  ".bin": "Data",
  ".wasm": "CompiledWasm",
}

const WRANGLER = fileURLToPath(import.meta.resolve("wrangler"))
/** What wrangler runs before it builds. */
const PREPARE = join(ROOT, "scripts", "prepare-build.ts")

/** Starts to bundle the Worker, or another `source` in its place, with all that wrangler.toml says; or takes the bundle that is kept. */
export function startBuild(source = "src/index.ts"): Build {
  const main = `${basename(source, ".ts")}.js`
  const key = bundleKey(source)
  const kept = findBundle(key)
  if (kept !== null) {
    // Also where the bundle is kept: the files of the docs page stand beside it.
    const { done, stop } = run([PREPARE])
    return { isKept: true, stop, bundle: handled(done.then(() => bundleIn(kept, main))) }
  }
  const folder = newBundleFolder()
  const args = ["--no-warnings", WRANGLER, "deploy", source, "--dry-run", "--outdir", folder, "--config", CONFIG]
  const { done, stop } = run(args)
  const keep = () => {
    // When a source changed meanwhile, nobody knows which of the two is in it: this start uses it, and no other.
    return bundleKey(source) === key ? keepBundle(folder, key) : folder
  }
  const bundle = done.then(() => bundleIn(keep(), main))
  bundle.catch(() => rmSync(folder, { recursive: true, force: true }))
  return { isKept: false, stop, bundle: handled(bundle) }
}

/** Runs a script of Node's. `done` is rejected with what it said when it fails. */
function run(args: readonly string[]): { done: Promise<void>; stop: () => void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const child = execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
    if (error === null) resolve()
    else reject(new StartError(`The Worker cannot be built.\n${(stderr || stdout).trim()}`))
  })
  return { done: promise, stop: () => child.kill() }
}

/** A promise that is awaited only after other work: until then a failure must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Starts `wrangler dev` in this terminal. The Worker sees the hosts that are asked for, even when wrangler.toml has routes. */
export function startWranglerDev(args: readonly string[]): ChildProcess {
  const command = ["--no-warnings", WRANGLER, "dev", "--config", CONFIG, "--infer-origin-from-routes=false", ...args]
  return spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_LOG: "log" },
    stdio: "inherit",
  })
}

function bundleIn(folder: string, main: string): Bundle {
  const others = readdirSync(folder).filter((name) => name !== main)
  const modules = [main, ...others].flatMap((name) => {
    const type = MODULE_TYPES[extname(name)]
    return type === undefined ? [] : [{ type, path: join(folder, name) }]
  })
  return { modulesRoot: folder, modules }
}
