/** The first token of a deployment, which is printed once. */
import { existsSync, readFileSync, rmSync } from "node:fs"
import { z } from "zod"
import { sha256Hex } from "../../src/lib/digest.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { DIRECTORY } from "../operate/deployment.ts"
import type { Wrangler } from "../operate/wrangler.ts"
import { keepPrivately } from "../start/state.ts"
import { letIn } from "../token/let-in.ts"
import type { Account } from "./account.ts"

const counts = z.tuple([z.object({ organizations: z.number(), kept: z.number() })])
const NOTHING = { organizations: 0, kept: 0 }

/**
 * Whether somebody has been given a token: there is an organization, and no token of a run that was cut off is kept in `file`.
 * The directory's database must be in the configuration.
 */
export async function hasFirstToken(account: Account, file: string): Promise<boolean> {
  return !existsSync(file) && (await count(account, "")).organizations > 0
}

/**
 * Makes the first token, and the organization where there is none. The token is kept in `file` until `show` has shown it: a run that is
 * cut off between the two is followed by one that shows the same.
 */
export async function makeFirstToken(
  account: Account,
  { wrangler, file, show }: { wrangler: Wrangler; file: string; show: (token: string) => void },
): Promise<void> {
  if (await hasFirstToken(account, file)) return
  const isKept = existsSync(file)
  const token = isKept ? readFileSync(file, "utf8").trim() : createToken("kpat")
  if (!isKept) keepPrivately(file, token)
  const stored = await count(account, await sha256Hex(token))
  if (stored.kept === 0) await letIn("remote", { wrangler, token })
  show(token)
  rmSync(file)
}

/** How many organizations there are, and tokens with this hash. */
async function count(account: Account, hash: string): Promise<z.infer<typeof counts>[0]> {
  const sql = `SELECT (SELECT count(*) FROM organizations) AS organizations, (SELECT count(*) FROM tokens WHERE hash = '${hash}') AS kept`
  const rows = await account.query(DIRECTORY, sql)
  return rows.length === 0 ? NOTHING : counts.parse(rows)[0]
}
