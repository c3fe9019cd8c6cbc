/** The Worker's environment, parsed once per isolate. Nothing else reads it but app.ts. */
import { z } from "zod"
import type { SealingKeys } from "./lib/sealing.ts"
import { type ConfigProblem, readVariables, type Upstreams } from "./variables.ts"

/** One region's bindings. `cache` is null where KV may not cache (`CACHED_REGIONS`). */
export interface RegionBindings {
  database: D1Database
  bucket: R2Bucket
  cache: KVNamespace | null
}

/** Settings and bindings, checked. */
export interface Config {
  /** Hosts are `{region}.{apiDomain}` and `global.{apiDomain}`. */
  apiDomain: string
  /** The region that a bare `localhost` or a workers.dev name stands for. */
  defaultRegion: string | null
  tokenCacheSeconds: number
  maxBodyBytes: number
  /** The largest body that is streamed: the raw content of a file, a push. */
  maxRawBytes: number
  auditRetentionDays: number
  /** How long events stay in the database before they go to the archive; null: for ever. */
  eventRetentionDays: number | null
  /** How long an integration is known without a heartbeat. */
  integrationTtlHours: number
  /** Whether events must keep to Keptn's rules for their types. */
  eventValidation: boolean
  serverTiming: boolean
  /** How long a call to storage may take when a caller waits for it, in milliseconds. */
  storageTimeout: number
  version: string
  /** What seals secrets for storage; null where there are no keys, and then none can be stored. */
  secretKeys: SealingKeys | null
  directory: D1Database
  regions: ReadonlyMap<string, RegionBindings>
  upstreams: Upstreams
  assets: Fetcher
  authFailures: RateLimit
}

/** D1 gives up on a query after 30 seconds itself: what takes longer has failed. */
const STORAGE_TIMEOUT = 30_000

/** The environment cannot be served; the message names what is wrong and where to mend it. */
export class ConfigError extends Error {
  override name = "ConfigError"

  /** One entry for each thing that is missing or wrong. */
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const list = problems.map(({ text }) => text).join("; ")
    super(`the configuration of this Worker is wrong (see wrangler.toml): ${list}`)
    this.problems = problems
  }
}

/** Parses the environment. Throws a `ConfigError` that names everything that is missing or wrong. */
export function loadConfig(env: Readonly<Record<string, unknown>>): Config {
  const { values, codes, cachedCodes, secretKeys, upstreams, problems: variableProblems } = readVariables(env)
  const problems = [...variableProblems]
  const read = <T>(name: string, kind: string, schema: z.ZodType<T>): T | null => {
    const parsed = schema.safeParse(env[name])
    if (parsed.success) return parsed.data
    problems.push({ name, text: `${name} must be a ${kind} binding` })
    return null
  }
  const directory = read("DB_GLOBAL", "D1 database", d1)
  const assets = read("ASSETS", "static assets", fetcher)
  const authFailures = read("AUTH_FAILURES", "rate limit", rateLimit)
  const version = read("VERSION", "version metadata", versionMetadata)
  const regions = new Map<string, RegionBindings>()
  for (const region of codes) {
    const suffix = region.toUpperCase()
    const database = read(`DB_${suffix}`, "D1 database", d1)
    const bucket = read(`BLOBS_${suffix}`, "R2 bucket", r2)
    const cache = cachedCodes.includes(region) ? read(`CACHE_${suffix}`, "KV namespace", kv) : null
    if (database && bucket) regions.set(region, { database, bucket, cache })
  }
  if (problems.length > 0 || !values || !directory || !assets || !authFailures || !version) {
    throw new ConfigError(problems)
  }
  return {
    apiDomain: values.API_DOMAIN,
    defaultRegion: values.DEFAULT_REGION,
    tokenCacheSeconds: values.TOKEN_CACHE_SECONDS,
    maxBodyBytes: values.MAX_BODY_BYTES,
    maxRawBytes: values.MAX_RAW_BYTES,
    auditRetentionDays: values.AUDIT_RETENTION_DAYS,
    eventRetentionDays: values.EVENT_RETENTION_DAYS === 0 ? null : values.EVENT_RETENTION_DAYS,
    integrationTtlHours: values.INTEGRATION_TTL_HOURS,
    eventValidation: values.EVENT_VALIDATION === "on",
    serverTiming: values.SERVER_TIMING === "on",
    storageTimeout: STORAGE_TIMEOUT,
    version: version.id,
    secretKeys,
    directory,
    regions,
    upstreams,
    assets,
    authFailures,
  }
}

/** Bindings have no common type to ask for; a method that only they have tells them apart from text and from nothing. */
const d1 = bindingWith<D1Database>("prepare")
const r2 = bindingWith<R2Bucket>("createMultipartUpload")
const kv = bindingWith<KVNamespace>("getWithMetadata")
const fetcher = bindingWith<Fetcher>("fetch")
const rateLimit = bindingWith<RateLimit>("limit")
const versionMetadata = z.object({ id: z.string() })

/** What can fetch (assets, services) claims to have every method, and none of the others can fetch. */
function bindingWith<T>(method: string): z.ZodType<T> {
  return z.custom<T>(
    (value) =>
      typeof value === "object" && value !== null && method in value && "fetch" in value === (method === "fetch"),
  )
}
