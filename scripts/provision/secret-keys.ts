/** The key with which a deployment encrypts secrets. */
import { existsSync, readFileSync } from "node:fs"
import { newSealingKey, readSealingKeys } from "../../src/lib/sealing.ts"
import type { Wrangler } from "../operate/wrangler.ts"
import { StartError } from "../start/settings.ts"
import { keepPrivately } from "../start/state.ts"

/** The secret of the Worker that has the key. */
export const SECRET_KEYS = "SECRET_KEYS"

/**
 * Gives the Worker a key. It is kept in `file` first: nobody can read it back from Cloudflare. A key that is there already is taken
 * again, since a database that outlived its Worker has secrets that only this key opens.
 */
export async function giveSecretKeys(wrangler: Wrangler, file: string): Promise<void> {
  if (!existsSync(file)) keepPrivately(file, newSealingKey(new Date()))
  const keys = readFileSync(file, "utf8").trim()
  const read = readSealingKeys(keys)
  if ("problem" in read) {
    throw new StartError(`${file} ${read.problem}. Restore it, or remove it: stored secrets are lost then.`)
  }
  await wrangler.run(["secret", "put", SECRET_KEYS], `${keys}\n`)
}
