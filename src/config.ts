/** The Worker's environment, parsed once per isolate. Nothing else reads it but app.ts. */
import { z } from "zod"
import { readSealingKeys, type SealingKeys } from "./lib/sealing.ts"
import { readUpstreams, type Upstream } from "./upstream/settings.ts"

/** One region's bindings. `cache` is null where KV may not cache (`CACHED_REGIONS`). */
export interface RegionBindings {
  database: D1Database
  bucket: R2Bucket
  cache: KVNamespace | null
}

/** Per region what origins serve in the place of this Worker. */
type Upstreams = ReadonlyMap<string, readonly Upstream[]>

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
}

/** Parses the environment. Throws a `ConfigError` that names everything that is missing or wrong. */
export function loadConfig(env: Readonly<Record<string, unknown>>): Config {
  const problems: string[] = []
  const variables = variablesSchema.safeParse(env)
  for (const issue of variables.error?.issues ?? []) problems.push(`${issue.path.join(".")} ${issue.message}`)
  // Read on their own: a mistake elsewhere must not hide what these have wrong.
  const { shape } = variablesSchema
  const codes = shape.REGIONS.safeParse(env["REGIONS"]).data ?? []
  const cachedCodes = shape.CACHED_REGIONS.safeParse(env["CACHED_REGIONS"]).data ?? []
  const defaultRegion = shape.DEFAULT_REGION.safeParse(env["DEFAULT_REGION"]).data ?? null
  if (codes.length > 0) problems.push(...regionProblems(codes, cachedCodes, defaultRegion))
  const secretKeys = readSecretKeys(env["SECRET_KEYS"])
  if ("problem" in secretKeys) problems.push(`SECRET_KEYS ${secretKeys.problem}`)
  const read = <T>(name: string, kind: string, schema: z.ZodType<T>): T | null => {
    const parsed = schema.safeParse(env[name])
    if (parsed.success) return parsed.data
    problems.push(`${name} must be a ${kind} binding`)
    return null
  }
  const upstreams = readAllUpstreams(env, codes)
  problems.push(...upstreams.problems)
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
  if (
    problems.length > 0 ||
    "problem" in secretKeys ||
    !variables.success ||
    !directory ||
    !assets ||
    !authFailures ||
    !version
  ) {
    throw new ConfigError(`the configuration of this Worker is wrong (see wrangler.toml): ${problems.join("; ")}`)
  }
  return {
    apiDomain: variables.data.API_DOMAIN,
    defaultRegion,
    tokenCacheSeconds: variables.data.TOKEN_CACHE_SECONDS,
    maxBodyBytes: variables.data.MAX_BODY_BYTES,
    maxRawBytes: variables.data.MAX_RAW_BYTES,
    auditRetentionDays: variables.data.AUDIT_RETENTION_DAYS,
    eventRetentionDays: variables.data.EVENT_RETENTION_DAYS === 0 ? null : variables.data.EVENT_RETENTION_DAYS,
    integrationTtlHours: variables.data.INTEGRATION_TTL_HOURS,
    eventValidation: variables.data.EVENT_VALIDATION === "on",
    serverTiming: variables.data.SERVER_TIMING === "on",
    storageTimeout: STORAGE_TIMEOUT,
    version: version.id,
    secretKeys: secretKeys.keys,
    directory,
    regions,
    upstreams: upstreams.upstreams,
    assets,
    authFailures,
  }
}

/** The upstreams of each region, from `UPSTREAMS_EU` and its like. */
function readAllUpstreams(
  env: Readonly<Record<string, unknown>>,
  codes: readonly string[],
): { upstreams: Upstreams; problems: string[] } {
  const upstreams = new Map<string, readonly Upstream[]>()
  const problems: string[] = []
  const surroundings = {
    secret: (name: string) => env[name],
    ownHosts: ["global", ...codes].map((label) => `${label}.${String(env["API_DOMAIN"])}`),
    maxRequestBytes: Number(env["MAX_RAW_BYTES"]),
  }
  for (const code of codes) {
    const variable = `UPSTREAMS_${code.toUpperCase()}`
    const read = readUpstreams(variable, env[variable], surroundings)
    if ("problems" in read) problems.push(...read.problems)
    else upstreams.set(code, read.upstreams)
  }
  const known = codes.map((code) => `UPSTREAMS_${code.toUpperCase()}`)
  const unknown = Object.keys(env).filter((name) => name.startsWith("UPSTREAMS_") && !known.includes(name))
  return { upstreams, problems: [...problems, ...unknown.map((name) => `${name} is for none of the REGIONS`)] }
}

const required = { error: "is missing" }
const region = z.string().regex(/^[a-z][a-z0-9]*$/, "must hold region codes of lower-case letters and digits")
const regionList = z
  .string(required)
  .transform((text) =>
    text
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  )
  .pipe(z.array(region))
const wholeNumber = z
  .string(required)
  .regex(/^\d{1,15}$/, "must be a whole number")
  .transform(Number)
const onOrOff = z.enum(["on", "off"], { error: 'must be "on" or "off"' })

const variablesSchema = z.object({
  API_DOMAIN: z.string(required).regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, "must be a lower-case domain name"),
  REGIONS: regionList.refine((list) => list.length > 0, "must name at least one region"),
  CACHED_REGIONS: regionList,
  DEFAULT_REGION: z.string(required).transform((text) => (text === "" ? null : text)),
  TOKEN_CACHE_SECONDS: wholeNumber.refine((seconds) => seconds <= 900, "must be at most 900"),
  // JSON is held whole, its files beside it: an isolate has 128 MB for everything it does at a time.
  MAX_BODY_BYTES: wholeNumber.refine((bytes) => bytes > 0 && bytes <= 16_777_216, "must be from 1 to 16777216"),
  MAX_RAW_BYTES: wholeNumber.refine((bytes) => bytes > 0, "must be greater than 0"),
  EVENT_RETENTION_DAYS: wholeNumber,
  AUDIT_RETENTION_DAYS: wholeNumber.refine((days) => days > 0, "must be greater than 0"),
  INTEGRATION_TTL_HOURS: wholeNumber.refine((hours) => hours > 0, "must be greater than 0"),
  EVENT_VALIDATION: onOrOff,
  SERVER_TIMING: onOrOff,
})

/** The keys of `SECRET_KEYS`, which is a secret of the Worker and no variable; null when it is absent or empty. */
function readSecretKeys(value: unknown): { keys: SealingKeys | null } | { problem: string } {
  if (value === undefined) return { keys: null }
  if (typeof value !== "string") return { problem: "must be a text" }
  return value.trim() === "" ? { keys: null } : readSealingKeys(value)
}

/** What the variables that name regions have wrong together. */
function regionProblems(
  codes: readonly string[],
  cachedCodes: readonly string[],
  defaultRegion: string | null,
): string[] {
  const problems: string[] = []
  if (codes.includes("global")) problems.push("REGIONS cannot hold 'global', the name of the global host")
  for (const one of cachedCodes.filter((code) => !codes.includes(code))) {
    problems.push(`CACHED_REGIONS holds '${one}', which REGIONS does not`)
  }
  if (defaultRegion !== null && !codes.includes(defaultRegion)) {
    problems.push(`DEFAULT_REGION must be empty or one of ${codes.join(", ")}`)
  }
  return problems
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
