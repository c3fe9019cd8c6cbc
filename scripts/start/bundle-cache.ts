/** Bundles of the Worker that are kept, each under a digest of all that it is made from, so that a later start need not build it again. */
import { createHash, randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { ROOT } from "./settings.ts"

/** Several, so that none is removed that another start is about to read. */
const MOST_KEPT = 8
/** What a bundle is made from. npm writes the last of these whenever it changes what is installed. */
const INPUTS = [
  "src",
  "migrations",
  "scripts/build",
  "scripts/prepare-build.ts",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
  "node_modules/.package-lock.json",
]

/** The name of the bundle of `source`: a digest of the paths and contents of all that it is made from. */
export function bundleKey(source: string, root = ROOT): string {
  const hash = createHash("sha256").update(source)
  const inputs = new Set([...INPUTS.map((input) => join(root, input)), dirname(resolve(root, source))])
  for (const file of [...inputs].flatMap(filesBelow)) {
    const content = readFileSync(file)
    hash.update(`\0${relative(root, file)}\0${content.length}\0`).update(content)
  }
  return hash.digest("hex").slice(0, 32)
}

/** The folder of a bundle that is kept, or null. */
export function findBundle(key: string, root = ROOT): string | null {
  const folder = join(keptIn(root), key)
  if (!existsSync(folder)) return null
  const now = new Date()
  utimesSync(folder, now, now)
  return folder
}

/** A new folder to build into. */
export function newBundleFolder(root = ROOT): string {
  mkdirSync(keptIn(root), { recursive: true })
  return join(keptIn(root), `building-${randomUUID()}`)
}

/**
 * Keeps what was built in `folder` under its key, and the newest of the others. Answers where it is: another start may have been faster, and
 * its bundle is the same.
 */
export function keepBundle(folder: string, key: string, root = ROOT): string {
  const kept = join(keptIn(root), key)
  try {
    renameSync(folder, kept)
  } catch {
    if (!existsSync(kept)) throw new Error(`the bundle in ${folder} cannot be kept as ${kept}`)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const { path } of byAge(keptIn(root)).slice(MOST_KEPT)) rmSync(path, { recursive: true, force: true })
  return kept
}

function keptIn(root: string): string {
  return join(root, "dist", "bundles")
}

/** What a folder holds, the newest first. */
function byAge(folder: string): { path: string; time: number }[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => {
      const found = statSync(path, { throwIfNoEntry: false })
      return found === undefined ? [] : [{ path, time: found.mtimeMs }]
    })
    .toSorted((one, other) => other.time - one.time)
}

function filesBelow(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (found.isFile()) return [path]
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => filesBelow(join(path, name)))
}
