/** What a wrangler.toml says about a deployment. */
import { existsSync, readdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { unstable_readConfig } from "wrangler"
import { z } from "zod"
import { StartError } from "../start/settings.ts"

/** The binding of the directory's database. */
export const DIRECTORY = "DB_GLOBAL"

const named = z.object({ binding: z.string() })
const shape = z.object({
  name: z.string(),
  vars: z.looseObject({
    API_DOMAIN: z.string(),
    REGIONS: z.string(),
    CACHED_REGIONS: z.string(),
    DEFAULT_REGION: z.string(),
  }),
  triggers: z.object({ crons: z.array(z.string()).default([]) }).prefault({}),
  routes: z.array(z.union([z.string(), z.looseObject({ pattern: z.string() })])).default([]),
  d1_databases: z.array(
    named.extend({
      database_name: z.string(),
      database_id: z.string().default(""),
      migrations_dir: z.string().default("migrations"),
    }),
  ),
  r2_buckets: z.array(named.extend({ bucket_name: z.string(), jurisdiction: z.string().optional() })),
  kv_namespaces: z.array(named.extend({ id: z.string().default("") })),
  assets: named.partial().optional(),
  version_metadata: named.partial().optional(),
  ratelimits: z.array(z.object({ name: z.string() })).default([]),
})

/** The settings and bindings of a Worker, as wrangler reads them. */
export type Deployment = z.infer<typeof shape>

/** Reads a wrangler.toml as wrangler does. */
export function readDeployment(config: string): Deployment {
  if (!existsSync(config)) throw new StartError(`There is no ${config}.`)
  const { data, error } = shape.safeParse(readRaw(config))
  if (data !== undefined) return data
  throw new StartError(`${config} lacks ${error.issues.map((one) => one.path.join(".")).join(", ")}.`)
}

/** Whether an id stands for one that is not there yet. */
export function isPlaceholder(id: string): boolean {
  return id === "" || id.startsWith("00000000")
}

/** The names in a list such as that of REGIONS. */
export function listed(text: string): string[] {
  const names = text.split(",").map((name) => name.trim())
  return names.filter((name) => name !== "")
}

/** The hosts of a deployment, the global one first. */
export function hostsOf(domain: string, regions: readonly string[]): string[] {
  return ["global", ...regions].map((label) => `${label}.${domain}`)
}

/** The names of the bindings of a region's storage, which src/config.ts asks for. */
export function bindingsOf(region: string): { database: string; bucket: string; namespace: string } {
  const suffix = region.toUpperCase()
  return { database: `DB_${suffix}`, bucket: `BLOBS_${suffix}`, namespace: `CACHE_${suffix}` }
}

/** The migrations that a database shall have. */
export function migrationsOf(config: string, folder: string): string[] {
  return readdirSync(resolve(dirname(config), folder)).filter((name) => name.endsWith(".sql"))
}

function readRaw(config: string): unknown {
  try {
    return unstable_readConfig({ config }, { hideWarnings: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new StartError(`${config} cannot be used: ${message}`)
  }
}
