/** A Python that has what the tests need of it (requirements.txt). */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

/** Where .ci/run makes one. */
const OURS = join(import.meta.dirname, "..", "..", "..", ".ci", "python", "bin", "python")

/** The path of a Python with the package pygit2: that which PYTHON names, that of .ci/run, or the machine's. Null when none has it. */
export function findPython(): string | null {
  const named = process.env["PYTHON"]
  const candidates = named === undefined ? [...(existsSync(OURS) ? [OURS] : []), "python3"] : [named]
  return candidates.find((path) => spawnSync(path, ["-c", "import pygit2"], { stdio: "ignore" }).status === 0) ?? null
}
