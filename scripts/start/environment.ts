/** What wrangler, Miniflare and workerd find in the environment. Set before any of them is loaded. */
import { createRequire } from "node:module"
import { delimiter, dirname, join } from "node:path"
import { z } from "zod"

const workerd = z.object({ default: z.string() })

/** Sets up this process and every process it starts, with `folder` for what wrangler remembers. */
export function prepareEnvironment(folder: string): void {
  Object.assign(process.env, quietWrangler(folder), tetheredWorkerd())
}

/** No telemetry, no look-ups in the network, nothing on the terminal but errors, and no file outside the state folder. */
function quietWrangler(folder: string): Record<string, string> {
  return {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_LOG: "error",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
    XDG_CONFIG_HOME: folder,
    // The build command in wrangler.toml starts `node`: the one that runs now, not an older one of the system.
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  }
}

/** Makes Miniflare start workerd through tether.sh, so that no workerd survives its Node process. */
function tetheredWorkerd(): Record<string, string> {
  // Windows ends child processes with their parent on its own.
  if (process.platform === "win32") return {}
  return { QUARTERDECK_WORKERD: workerdOfMiniflare(), MINIFLARE_WORKERD_PATH: join(import.meta.dirname, "tether.sh") }
}

/** The binary that Miniflare would start: the workerd it depends on, wherever npm has put that. */
function workerdOfMiniflare(): string {
  return workerd.parse(createRequire(import.meta.resolve("miniflare"))("workerd")).default
}
