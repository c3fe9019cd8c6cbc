/** The command for somebody who has no token at all, and who can reach the directory's database. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { wayInSql } from "../../src/directory/bootstrap.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { prepareEnvironment } from "../start/environment.ts"
import { CONFIG, readSettings, ROOT, StartError } from "../start/settings.ts"
import { StateFolder } from "../start/state.ts"

/** The database of the directory, as wrangler.toml binds it. */
const DIRECTORY = "DB_GLOBAL"

/**
 * Makes a token for an administrator, and the organization where there is none, with wrangler: in the database of the
 * deployment, or in that of the local state folder, which no edge may be using. Answers the token.
 */
export async function letIn(where: "local" | "remote"): Promise<string> {
  const token = createToken("kpat")
  const statements = await wayInSql(token, `let in ${new Date().toISOString()}`)
  const { state } = readSettings(process.env, [])
  if (where === "remote") {
    execute(statements, ["--remote"])
    return token
  }
  const folder = new StateFolder(state)
  try {
    prepareEnvironment(join(state, "config"))
    execute(statements, ["--local", "--persist-to", state])
  } finally {
    folder.release()
  }
  return token
}

/** Has wrangler run the statements. They hold the token's hash, not the token. */
function execute(statements: readonly string[], place: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-token-"))
  try {
    const file = join(folder, "let-in.sql")
    writeFileSync(file, statements.map((statement) => `${statement};\n`).join(""), { mode: 0o600 })
    const args = ["d1", "execute", DIRECTORY, "--config", CONFIG, "--yes", "--file", file, ...place]
    const { status, stdout, stderr } = spawnSync("wrangler", args, { cwd: ROOT, encoding: "utf8" })
    if (status !== 0) throw new StartError(`wrangler could not write to the directory: ${(stderr || stdout).trim()}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
