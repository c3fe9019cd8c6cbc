/** What wrangler.toml says, as far as a local run needs it. */
import { resolve } from "node:path"
import type { V4WorkerOptions } from "miniflare"
import { unstable_getMiniflareWorkerOptions } from "wrangler"
import { z } from "zod"
import { listed, readDeployment } from "../operate/deployment.ts"
import type { Bundle } from "./build.ts"
import type { MigratedDatabase } from "./migrate.ts"
import { CONFIG, ROOT, type Settings, StartError } from "./settings.ts"
import { checkVariables } from "./variables.ts"

/** The code of a Worker, in Miniflare's words. */
type Source = Bundle | { modules: true; script: string }

export interface Project {
  name: string
  databases: readonly MigratedDatabase[]
  crons: readonly string[]
  regions: readonly string[]
  apiDomain: string
  /** The variables and secrets of the Worker that wrangler.toml has not, or has with other values. */
  changes: Settings["variables"]
  /** The Worker with all its bindings, running `source`. */
  worker: (source: Source) => V4WorkerOptions
}

/**
 * Reads wrangler.toml. `given` are the variables and secrets in the place of those it has; `kept` are secrets of the state folder, for when none are
 * given. Throws a `StartError` when the Worker could not serve with them.
 */
export function readProject(given: Settings["variables"], kept: Settings["variables"] = {}): Project {
  const deployment = readDeployment(CONFIG)
  const { modulesRules: _, ...options } = readWorkerOptions()
  const configured = z.record(z.string(), z.json()).parse(options["bindings"])
  const changes = { ...localVariables(localDomain(deployment.vars.API_DOMAIN)), ...kept, ...given }
  const variables = { ...configured, ...changes }
  checkVariables({ deployment, given, variables })
  const hosts = z.object({ API_DOMAIN: z.string(), REGIONS: z.string() }).parse(variables)
  return {
    name: deployment.name,
    databases: deployment.d1_databases.map(({ binding, migrations_dir }) => ({
      binding,
      folder: resolve(ROOT, migrations_dir),
    })),
    crons: deployment.triggers.crons,
    regions: listed(hosts.REGIONS),
    apiDomain: hosts.API_DOMAIN,
    changes,
    worker: (source) => ({ ...options, name: deployment.name, bindings: variables, ...source }),
  }
}

/** The variables that differ from a deployment: hosts that lead to this machine, and timings for development. */
function localVariables(apiDomain: string): Record<string, string> {
  return { API_DOMAIN: apiDomain, SERVER_TIMING: "on" }
}

/** What `wrangler dev` would make of the configuration for Miniflare. */
function readWorkerOptions() {
  try {
    return unstable_getMiniflareWorkerOptions(CONFIG).workerOptions
  } catch (error) {
    throw new StartError(`${CONFIG} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A domain of the internet does not lead to this machine. */
function localDomain(domain: string): string {
  return /(^|\.)localhost$/.test(domain) ? domain : "api.localhost"
}
