/** What wrangler.toml says, as far as a local run needs it. */
import { resolve } from "node:path"
import type { V4WorkerOptions } from "miniflare"
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler"
import { z } from "zod"
import type { Bundle } from "./build.ts"
import type { MigratedDatabase } from "./migrate.ts"
import { CONFIG, ROOT, type Settings, StartError } from "./settings.ts"

const configShape = z.object({
  name: z.string(),
  vars: z.object({ API_DOMAIN: z.string(), REGIONS: z.string() }),
  triggers: z.object({ crons: z.array(z.string()).default([]) }),
  d1_databases: z.array(z.object({ binding: z.string(), migrations_dir: z.string().default("migrations") })),
})

/** The code of a Worker, in Miniflare's words. */
type Source = Bundle | { modules: true; script: string }

export interface Project {
  name: string
  databases: readonly MigratedDatabase[]
  crons: readonly string[]
  regions: readonly string[]
  apiDomain: string
  /** The Worker with all its bindings, running `source`. */
  worker: (source: Source) => V4WorkerOptions
}

/** Reads wrangler.toml. `changes` are variables in the place of those it has, and the secrets of the Worker, which it has not. */
export function readProject(changes: Settings["variables"]): Project {
  const { config, workerOptions } = readConfig()
  const { name, vars, triggers, d1_databases } = parseConfig(config)
  const apiDomain = localDomain(vars.API_DOMAIN)
  const { modulesRules: _, ...options } = workerOptions
  const variables = z.record(z.string(), z.json()).parse(options["bindings"])
  const bindings = { ...variables, ...localVariables(apiDomain), ...changes }
  return {
    name,
    databases: d1_databases.map(({ binding, migrations_dir }) => ({ binding, folder: resolve(ROOT, migrations_dir) })),
    crons: triggers.crons,
    regions: vars.REGIONS.split(",").map((region) => region.trim()),
    apiDomain,
    worker: (source) => ({ ...options, name, bindings, ...source }),
  }
}

/** The variables that differ from a deployment: hosts that lead to this machine, and timings for development. */
export function localVariables(apiDomain: string): Record<string, string> {
  return { API_DOMAIN: apiDomain, SERVER_TIMING: "on" }
}

/** The configuration as wrangler reads it, and what `wrangler dev` would make of it for Miniflare. */
function readConfig() {
  try {
    const config = unstable_readConfig({ config: CONFIG })
    return { config, workerOptions: unstable_getMiniflareWorkerOptions(config).workerOptions }
  } catch (error) {
    throw new StartError(`${CONFIG} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parseConfig(config: unknown): z.infer<typeof configShape> {
  const { data, error } = configShape.safeParse(config)
  if (data !== undefined) return data
  throw new StartError(
    `${CONFIG} is not complete: ${error.issues.map((one) => one.path.join(".")).join(", ")}. Correct it.`,
  )
}

/** A domain of the internet does not lead to this machine. */
function localDomain(domain: string): string {
  return /(^|\.)localhost$/.test(domain) ? domain : "api.localhost"
}
