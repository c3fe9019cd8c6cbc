/** The variables and secrets of the Worker, apart from its bindings: also `npm start` checks them, before it starts anything. */
import { z } from "zod"
import { readSealingKeys, type SealingKeys } from "./lib/sealing.ts"
import { readUpstreams, secretNames } from "./upstream/settings.ts"
import type { Upstream } from "./upstream/upstream.ts"

/** Per region what origins serve in the place of this Worker. */
export type Upstreams = ReadonlyMap<string, readonly Upstream[]>

/** What is wrong with a variable or a binding: a sentence that begins with its name. It never repeats a secret. */
export interface ConfigProblem {
  name: string
  text: string
}

/** The variables, as far as they can be read, with all that is wrong with them. */
export interface ReadVariables {
  /** null when one of them is missing or wrong by itself. */
  values: z.infer<typeof variablesSchema> | null
  /** The codes of regions, also when other variables are wrong. */
  codes: readonly string[]
  cachedCodes: readonly string[]
  secretKeys: SealingKeys | null
  upstreams: Upstreams
  problems: readonly ConfigProblem[]
}

/** Reads the variables of an environment, whatever else that has. */
export function readVariables(env: Readonly<Record<string, unknown>>): ReadVariables {
  const variables = variablesSchema.safeParse(env)
  const problems = (variables.error?.issues ?? []).map((issue) => problem(issue.path.join("."), ` ${issue.message}`))
  // Read on their own: a mistake elsewhere must not hide what these have wrong.
  const { shape } = variablesSchema
  const codes = shape.REGIONS.safeParse(env["REGIONS"]).data ?? []
  const cachedCodes = shape.CACHED_REGIONS.safeParse(env["CACHED_REGIONS"]).data ?? []
  const defaultRegion = shape.DEFAULT_REGION.safeParse(env["DEFAULT_REGION"]).data ?? null
  if (codes.length > 0) problems.push(...regionProblems(codes, cachedCodes, defaultRegion))
  const secretKeys = readSecretKeys(env["SECRET_KEYS"])
  if ("problem" in secretKeys) problems.push(problem("SECRET_KEYS", ` ${secretKeys.problem}`))
  const upstreams = readAllUpstreams(env, codes)
  return {
    values: variables.data ?? null,
    codes,
    cachedCodes,
    secretKeys: "keys" in secretKeys ? secretKeys.keys : null,
    upstreams: upstreams.upstreams,
    problems: [...problems, ...upstreams.problems],
  }
}

/** The names of all variables and secrets that the Worker reads with this environment. */
export function variableNames(env: Readonly<Record<string, unknown>>): string[] {
  const { codes } = readVariables(env)
  const upstreams = codes.map(upstreamsVariable)
  return [...PLAIN_VARIABLES, "SECRET_KEYS", ...upstreams, ...upstreams.flatMap((name) => secretNames(env[name]))]
}

function problem(name: string, rest: string): ConfigProblem {
  return { name, text: `${name}${rest}` }
}

function upstreamsVariable(code: string): string {
  return `UPSTREAMS_${code.toUpperCase()}`
}

/** The upstreams of each region, from `UPSTREAMS_EU` and its like. */
function readAllUpstreams(
  env: Readonly<Record<string, unknown>>,
  codes: readonly string[],
): { upstreams: Upstreams; problems: ConfigProblem[] } {
  const upstreams = new Map<string, readonly Upstream[]>()
  const problems: ConfigProblem[] = []
  const surroundings = {
    secret: (name: string) => env[name],
    ownHosts: ["global", ...codes].map((label) => `${label}.${String(env["API_DOMAIN"])}`),
    maxRequestBytes: Number(env["MAX_RAW_BYTES"]),
  }
  for (const code of codes) {
    const variable = upstreamsVariable(code)
    const read = readUpstreams(variable, env[variable], surroundings)
    if ("problems" in read) problems.push(...read.problems.map((text) => ({ name: variable, text })))
    else upstreams.set(code, read.upstreams)
  }
  const known = codes.map(upstreamsVariable)
  const unknown = Object.keys(env).filter((name) => name.startsWith("UPSTREAMS_") && !known.includes(name))
  return { upstreams, problems: [...problems, ...unknown.map((name) => problem(name, " is for none of the REGIONS"))] }
}

const required = {
  error: ({ input }: { input?: unknown }) => (input === undefined ? "is missing" : "must be a text, in quotes"),
}
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

/** The variables that hold neither a secret nor the name of one. */
export const PLAIN_VARIABLES: readonly string[] = Object.keys(variablesSchema.shape)

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
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  if (codes.includes("global")) problems.push(problem("REGIONS", " cannot hold 'global', the name of the global host"))
  for (const one of cachedCodes.filter((code) => !codes.includes(code))) {
    problems.push(problem("CACHED_REGIONS", ` holds '${one}', which REGIONS does not`))
  }
  if (defaultRegion !== null && !codes.includes(defaultRegion)) {
    problems.push(problem("DEFAULT_REGION", ` must be empty or one of ${codes.join(", ")}`))
  }
  return problems
}
