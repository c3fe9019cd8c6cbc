/** Makes Miniflare run workerd through tether.sh, so that no workerd survives its Node process. */
import { createRequire } from "node:module"
import { join } from "node:path"
import { z } from "zod"

const workerd = z.object({ default: z.string() })

/** Holds for every Miniflare in this process and in the `wrangler dev` that it starts. */
export function tetherWorkerd(): void {
  // Windows ends child processes with their parent on its own.
  if (process.platform === "win32") return
  process.env["QUARTERDECK_WORKERD"] ??= process.env["MINIFLARE_WORKERD_PATH"] ?? workerdOfMiniflare()
  process.env["MINIFLARE_WORKERD_PATH"] = join(import.meta.dirname, "tether.sh")
}

/** The binary that Miniflare would start: the workerd it depends on, wherever npm has put that. */
function workerdOfMiniflare(): string {
  return workerd.parse(createRequire(import.meta.resolve("miniflare"))("workerd")).default
}
