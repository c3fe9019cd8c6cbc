/** The command for somebody who has no token at all, and who can reach the directory's database. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { wayInSql } from "../../src/directory/bootstrap.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { Wrangler } from "../operate/wrangler.ts"
import { prepareEnvironment } from "../start/environment.ts"
import { readSettings } from "../start/settings.ts"
import { StateFolder } from "../start/state.ts"

/** The database of the directory, as wrangler.toml binds it. */
const DIRECTORY = "DB_GLOBAL"

/** Another deployment than that of wrangler.toml, and a token that is kept already. */
interface LetInOptions {
  wrangler?: Wrangler
  token?: string
}

/**
 * Makes a token for an administrator, and the organization where there is none, with wrangler: in the database of the
 * deployment, or in that of the local state folder, which no edge may be using. Answers the token.
 */
export async function letIn(
  where: "local" | "remote",
  { wrangler = new Wrangler(), token = createToken("kpat") }: LetInOptions = {},
): Promise<string> {
  const statements = await wayInSql(token, `let in ${new Date().toISOString()}`)
  const { state } = readSettings(process.env, [])
  if (where === "remote") {
    await execute(wrangler, statements, ["--remote"])
    return token
  }
  const folder = new StateFolder(state)
  try {
    prepareEnvironment(join(state, "config"))
    await execute(wrangler, statements, ["--local", "--persist-to", state])
  } finally {
    folder.release()
  }
  return token
}

/** Has wrangler run the statements. They hold the token's hash, not the token. */
async function execute(wrangler: Wrangler, statements: readonly string[], place: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-token-"))
  try {
    const file = join(folder, "let-in.sql")
    writeFileSync(file, statements.map((statement) => `${statement};\n`).join(""), { mode: 0o600 })
    await wrangler.run(["d1", "execute", DIRECTORY, "--yes", "--file", file, ...place])
  } finally {
    rmSync(folder, { recursive: true })
  }
}
