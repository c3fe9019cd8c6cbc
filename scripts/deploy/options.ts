/** What the operator asks `npm run deploy` for. */
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { CONFIG, StartError } from "../start/settings.ts"

export interface DeployOptions {
  /** The share of requests that the new version shall have, in percent; null for all at once. */
  gradual: number | null
  config: string
  dryRun: boolean
}

export const HELP = `npm run deploy -- [--gradual PERCENT] [--config FILE] [--dry-run]

Checks the code and wrangler.toml, applies migrations to every database, deploys, and asks every host whether it answers.
Exits with 1 when one of these fails, and says what to do.

  --gradual  gives the new version this share of requests; with a rollout under way, changes the share of its version (100 ends it)
  --config   the configuration of the deployment (wrangler.toml)
  --dry-run  checks wrangler.toml, prints the steps, and changes nothing

Needs a login (npx wrangler login) or CLOUDFLARE_API_TOKEN, and CLOUDFLARE_ACCOUNT_ID where there are several accounts.
  WRANGLER   the path of another wrangler than the installed one
`

const SEE_HELP = "See npm run deploy -- --help."

/** Reads the command line; null when it asks for help. */
export function readDeployOptions(args: readonly string[]): DeployOptions | null {
  const { help, gradual, config, "dry-run": dryRun } = parse(args)
  if (help) return null
  return { gradual: gradual === undefined ? null : readShare(gradual), config: resolve(config ?? CONFIG), dryRun }
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const
  const flag = { type: "boolean", default: false } as const
  try {
    const options = { gradual: text, config: text, "dry-run": flag, help: flag }
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}. ${SEE_HELP}`)
  }
}

function readShare(text: string): number {
  const share = Number(text)
  if (/^\d+$/.test(text) && share >= 1 && share <= 100) return share
  throw new StartError(`--gradual is "${text}". It must be a whole number from 1 to 100. ${SEE_HELP}`)
}
