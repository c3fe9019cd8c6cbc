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
  // Also where the bundle is kept: the files of the docs page stand beside it.
  if (kept !== null) return { isKept: true, ...run([PREPARE], () => bundleIn(kept, main)) }
  const folder = newBundleFolder()
  const args = ["--no-warnings", WRANGLER, "deploy", source, "--dry-run", "--outdir", folder, "--config", CONFIG]
  const build = run(args, () => {
    // A source that changed meanwhile is perhaps half in it.
    const isAsItWas = bundleKey(source) === key
    return bundleIn(isAsItWas ? keepBundle(folder, key) : folder, main)
  })
  build.bundle.catch(() => rmSync(folder, { recursive: true, force: true }))
  return { isKept: false, ...build }
}

/** Runs a script of Node's, and then answers a bundle. */
function run(args: readonly string[], bundle: () => Bundle): Omit<Build, "isKept"> {
  const { promise, resolve, reject } = Promise.withResolvers<Bundle>()
  const child = execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
    if (error === null) resolve(bundle())
    else reject(new StartError(`The Worker cannot be built.\n${(stderr || stdout).trim()}`))
  })
  // Awaited only after other work: until then a failure must not count as unhandled.
  promise.catch(() => {})
  return { bundle: promise, stop: () => child.kill() }
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
