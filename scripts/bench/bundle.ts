/** What the Worker is made of: its bundle, and what each package has in it. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { z } from "zod"
import { CONFIG, ROOT } from "../start/settings.ts"

const MAIN = "index.js"
const META = "bundle-meta.json"

/** What esbuild tells of a bundle: how many bytes of each file are in it. */
const metaShape = z.object({
  outputs: z.record(z.string(), z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })) })),
})

/** A package, or the Worker's own code, in the bundle. */
export interface BundledPackage {
  name: string
  bytes: number
  modules: number
}

/** The bundle as it is uploaded. */
export interface Measured {
  /** The file. */
  main: string
  bytes: number
  gzipBytes: number
  /** The largest first. */
  packages: BundledPackage[]
}

/** Builds the Worker into `folder` as `wrangler deploy` would. */
export function measureBundle(folder: string): Measured {
  const wrangler = fileURLToPath(import.meta.resolve("wrangler"))
  const where = ["--config", CONFIG, "--outdir", folder, "--metafile", join(folder, META)]
  execFileSync(process.execPath, ["--no-warnings", wrangler, "deploy", "--dry-run", ...where], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  })
  const main = join(folder, MAIN)
  const code = readFileSync(main)
  const { outputs } = metaShape.parse(JSON.parse(readFileSync(join(folder, META), "utf8")))
  const [, output] = Object.entries(outputs).find(([path]) => path.endsWith(`/${MAIN}`)) ?? []
  if (output === undefined) throw new Error(`esbuild tells nothing of ${MAIN}`)
  return { main, bytes: code.length, gzipBytes: gzipSync(code).length, packages: packagesIn(output.inputs) }
}

function packagesIn(inputs: Readonly<Record<string, { bytesInOutput: number }>>): BundledPackage[] {
  const packages = new Map<string, BundledPackage>()
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    // What nothing of is used of is not in the bundle.
    if (bytesInOutput === 0) continue
    const name = packageOf(path)
    const { bytes, modules } = packages.get(name) ?? { bytes: 0, modules: 0 }
    packages.set(name, { name, bytes: bytes + bytesInOutput, modules: modules + 1 })
  }
  return Array.from(packages.values()).toSorted((one, other) => other.bytes - one.bytes)
}

/** zod's entries are written again when the Worker is built (scripts/build/zod.ts). */
function packageOf(path: string): string {
  if (path.includes("dist/zod/")) return "zod"
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? "own code"
}
