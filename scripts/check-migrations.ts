/**
 * Fails when the migrations do not lead to the schema: drizzle-kit is asked for the next migration of a copy, and must have
 * nothing to say. It must not be asked on a terminal, where it would ask back.
 */
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { join, relative } from "node:path"

const root = join(import.meta.dirname, "..")
// Below the project, because drizzle-kit takes paths from there only.
const copies = mkdtempSync(join(root, "migrations", ".check-"))
try {
  for (const name of ["directory", "partition"]) check(name)
} finally {
  rmSync(copies, { recursive: true })
}

function check(name: string): void {
  const copy = join(copies, name)
  cpSync(join(root, "migrations", name), copy, { recursive: true })
  const before = readdirSync(copy).length
  const { status, stdout, stderr } = spawnSync("drizzle-kit", ["generate", "--config", `drizzle/${name}.config.ts`], {
    cwd: root,
    env: { ...process.env, MIGRATIONS: `./${relative(root, copy)}` },
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  })
  if (status === 0 && readdirSync(copy).length === before) return
  process.stderr.write(`${stdout}${stderr}\nmigrations/${name} does not lead to its schema: npm run generate\n`)
  process.exitCode = 1
}
