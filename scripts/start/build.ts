/** Bundles the Worker with wrangler itself, so that what runs here is what `wrangler deploy` would upload. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { readdirSync, rmSync } from "node:fs"
import { delimiter, dirname, extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { CONFIG, ROOT, StartError } from "./settings.ts"

/** A file of the bundle, in Miniflare's words. */
export interface BundledModule {
  type: "ESModule" | "Text" | "Data" | "CompiledWasm"
  path: string
}

/** The code of the Worker: the files in a folder, the main one first. */
export interface Bundle {
  modulesRoot: string
  modules: BundledModule[]
}

export interface Build {
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
const MAIN = "index.js"

const WRANGLER = fileURLToPath(import.meta.resolve("wrangler"))

/** Starts to bundle the Worker into `folder`. */
export function startBuild(folder: string): Build {
  rmSync(folder, { recursive: true, force: true })
  const args = ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--outdir", folder, "--config", CONFIG]
  const { promise, resolve, reject } = Promise.withResolvers<Bundle>()
  const child = execFile(
    process.execPath,
    args,
    { cwd: ROOT, env: wranglerEnvironment("error") },
    (error, stdout, stderr) => {
      if (error === null) resolve({ modulesRoot: folder, modules: bundledModules(folder) })
      else reject(new StartError(`The Worker cannot be built.\n${(stderr || stdout).trim()}`))
    },
  )
  // Awaited only after other work: until then a failure must not count as unhandled.
  promise.catch(() => {})
  return { bundle: promise, stop: () => child.kill() }
}

/** Starts `wrangler dev` in this terminal. The Worker sees the hosts that are asked for, even when wrangler.toml has routes. */
export function startWranglerDev(args: readonly string[]): ChildProcess {
  return spawn(
    process.execPath,
    ["--no-warnings", WRANGLER, "dev", "--config", CONFIG, "--infer-origin-from-routes=false", ...args],
    {
      cwd: ROOT,
      env: wranglerEnvironment("log"),
      stdio: "inherit",
    },
  )
}

/** No telemetry, no look-ups, no log files; and the `node` of wrangler.toml's build command is the one that runs now. */
function wranglerEnvironment(level: "error" | "log"): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_LOG: level,
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
  }
}

function bundledModules(folder: string): BundledModule[] {
  const others = readdirSync(folder).filter((name) => name !== MAIN)
  return [MAIN, ...others].flatMap((name) => {
    const type = MODULE_TYPES[extname(name)]
    return type === undefined ? [] : [{ type, path: join(folder, name) }]
  })
}
