/** What the operator asks `npm run provision` for. */
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { CONFIG, StartError } from "../start/settings.ts"

/** A region and where its data shall be. */
export interface Region {
  code: string
  /** What binds the place of data; null for none. */
  jurisdiction: string | null
  /** Where data should be rather than elsewhere, which binds nobody. Never beside a jurisdiction. */
  hint: string | null
}

export interface ProvisionOptions {
  domain: string
  regions: readonly Region[]
  config: string
  dryRun: boolean
}

export const HELP = `npm run provision -- --domain DOMAIN --regions REGIONS [--config FILE] [--dry-run]

Creates what a deployment needs and does not have yet, writes its ids into wrangler.toml, deploys a Worker that was not there,
and prints the first token. Can be run again at any time: it does only what is missing, also after a failure half way.

  --domain   what follows the region in the names of hosts, such as api.example.com
  --regions  codes with the place of their data, such as eu:eu,us:us,asia:hint=apac
               CODE:JURISDICTION  eu, us or fedramp; cannot be changed later
               CODE:hint=PLACE    weur, eeur, wnam, enam, apac or oc, as near as possible, which is not promised
               CODE:              anywhere
  --config   the configuration of the deployment (wrangler.toml)
  --dry-run  prints what it would do, and changes nothing

Needs a login (npx wrangler login) or CLOUDFLARE_API_TOKEN, and CLOUDFLARE_ACCOUNT_ID where there are several accounts.
  WRANGLER          the path of another wrangler than the installed one
  QUARTERDECK_STATE the folder that keeps the key for secrets (.quarterdeck)
`

const JURISDICTIONS = ["eu", "us", "fedramp"]
const HINTS = ["weur", "eeur", "wnam", "enam", "apac", "oc"]
const SEE_HELP = "See npm run provision -- --help."

/** Reads the command line; null when it asks for help. */
export function readProvisionOptions(args: readonly string[]): ProvisionOptions | null {
  const { help, domain, regions, config, "dry-run": dryRun } = parse(args)
  if (help) return null
  return {
    domain: readDomain(domain),
    regions: readRegions(regions),
    config: resolve(config ?? CONFIG),
    dryRun,
  }
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const
  const flag = { type: "boolean", default: false } as const
  try {
    const options = { domain: text, regions: text, config: text, "dry-run": flag, help: flag }
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}. ${SEE_HELP}`)
  }
}

function readDomain(text: string | undefined): string {
  if (text === undefined) throw new StartError(`--domain is missing. ${SEE_HELP}`)
  const isDomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/.test(text)
  if (isDomain && !text.endsWith(".localhost")) return text
  throw new StartError(`--domain is "${text}". It must be a lower-case domain name such as api.example.com.`)
}

function readRegions(text: string | undefined): Region[] {
  if (text === undefined) throw new StartError(`--regions is missing. ${SEE_HELP}`)
  const regions = text.split(",").map((part) => readRegion(part.trim()))
  const codes = regions.map((region) => region.code)
  const twice = codes.find((code, index) => codes.indexOf(code) !== index)
  if (twice !== undefined) throw new StartError(`--regions names ${twice} twice.`)
  return regions
}

function readRegion(text: string): Region {
  const [, code, place = ""] = /^([a-z][a-z0-9]*)(?::(.*))?$/.exec(text) ?? []
  if (code === undefined || code === "global") {
    throw new StartError(
      `--regions has "${text}". A region is CODE:JURISDICTION, CODE:hint=PLACE or CODE:. ${SEE_HELP}`,
    )
  }
  if (place === "") return { code, jurisdiction: null, hint: null }
  const hint = /^hint=(.*)$/.exec(place)?.[1]
  if (hint !== undefined) return { code, jurisdiction: null, hint: oneOf("hint", hint, HINTS) }
  return { code, jurisdiction: oneOf("jurisdiction", place, JURISDICTIONS), hint: null }
}

function oneOf(kind: string, value: string, known: readonly string[]): string {
  if (known.includes(value)) return value
  throw new StartError(`--regions has the ${kind} "${value}". It must be one of ${known.join(", ")}.`)
}
