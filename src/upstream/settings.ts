/** The upstreams of one region, read from its variable (`UPSTREAMS_EU`). docs/upstreams.md tells operators of each setting. */
import { z } from "zod"
import { COLLECTION_PATHS } from "../lib/collections.ts"
import { ROLES, type Settings, upstreamSchema } from "./settings-schema.ts"
import { isWithin, type Upstream } from "./upstream.ts"

/** What reading needs to know of the rest of the configuration. */
export interface UpstreamSurroundings {
  /** The value of a secret of the Worker. */
  secret: (name: string) => unknown
  /** The hosts of this deployment: none of them can be an origin. */
  ownHosts: readonly string[]
  maxRequestBytes: number
}

/** The upstreams of a region, or sentences that say what is wrong with each of them. They never repeat a secret. */
export type ReadUpstreams = { upstreams: readonly Upstream[] } | { problems: readonly string[] }

/** What the gateway answers itself, and what a prefix can neither be nor hold nor lie below. */
const RESERVED = [
  "/api/assets",
  "/api/openapi",
  "/api/openapi.json",
  "/api/errors",
  "/api/health",
  "/api/swagger-ui",
  "/health",
  "/nginx-health",
  "/favicon.ico",
  "/git",
]
  .concat(["/v2", "/v3"])
  .map((path) => ({ path, text: "this edge answers itself" }))
const COLLECTIONS = Object.entries(COLLECTION_PATHS).map(([name, path]) => ({ path, text: `is collection ${name}` }))

/** What is needed of each entry to know its secret. */
const namedSecrets = z.array(
  z.object({ credential: z.object({ secret: z.string() }).optional().catch(undefined) }).catch({}),
)

/** Reads the upstreams of a region from `value`: a list, or JSON text of one; absent for none. `variable` is its name. */
export function readUpstreams(variable: string, value: unknown, surroundings: UpstreamSurroundings): ReadUpstreams {
  if (value === undefined || value === "") return { upstreams: [] }
  const list = z.array(z.unknown()).safeParse(typeof value === "string" ? parseJson(value) : value)
  if (!list.success) return { problems: [`${variable} must be a list of upstreams`] }
  const upstreams: Upstream[] = []
  const problems: string[] = []
  for (const [index, entry] of list.data.entries()) {
    const read = readUpstream(entry, surroundings)
    if ("problems" in read) problems.push(...read.problems.map((text) => `${variable}[${index}]${text}`))
    else if (upstreams.some(({ prefix }) => prefix === read.upstream.prefix)) {
      problems.push(`${variable}[${index}] serves ${read.upstream.name}, which an upstream before it does`)
    } else upstreams.push(read.upstream)
  }
  return problems.length > 0 ? { problems } : { upstreams }
}

/** The names of the secrets that a list of upstreams asks for, also when settings of it are wrong. */
export function secretNames(value: unknown): string[] {
  const list = namedSecrets.safeParse(typeof value === "string" ? parseJson(value) : value)
  return list.data?.flatMap((entry) => entry.credential?.secret ?? []) ?? []
}

function readUpstream(
  entry: unknown,
  surroundings: UpstreamSurroundings,
): { upstream: Upstream } | { problems: string[] } {
  const parsed = upstreamSchema.safeParse(entry)
  if (!parsed.success) return { problems: parsed.error.issues.map(issueText) }
  const settings = parsed.data
  const value = settings.credential && surroundings.secret(settings.credential.secret)
  const credential = settings.credential && { name: settings.credential.header, value: readHeaderValue(value) }
  const problems = [
    ...placeProblems(settings),
    ...originProblems(settings, surroundings.ownHosts),
    ...(credential?.value === null
      ? [`.credential needs the secret ${settings.credential?.secret}: set it as one line of text`]
      : []),
  ]
  if (problems.length > 0) return { problems }
  return { upstream: toUpstream(settings, credential, surroundings) }
}

function toUpstream(
  settings: Settings,
  credential: { name: string; value: string | null } | undefined,
  surroundings: UpstreamSurroundings,
): Upstream {
  const { collection = null, origin } = settings
  const prefix = collection === null ? (settings.prefix ?? "") : COLLECTION_PATHS[collection]
  return {
    name: collection ?? prefix,
    prefix,
    collection,
    origin: origin.origin,
    basePath: origin.pathname.replace(/\/+$/, ""),
    stripPrefix: settings.strip_prefix,
    methods: settings.methods.includes("GET") ? [...new Set([...settings.methods, "HEAD"])] : settings.methods,
    action: ROLES[settings.role ?? "Admin"],
    firstByteMs: settings.first_byte_seconds * 1000,
    totalMs: settings.total_seconds === 0 ? null : settings.total_seconds * 1000,
    retries: settings.retry,
    isPublic: settings.public,
    maxRequestBytes: settings.max_request_bytes ?? surroundings.maxRequestBytes,
    maxResponseBytes: settings.max_response_bytes === 0 ? null : settings.max_response_bytes,
    maxHeaderBytes: settings.max_header_bytes,
    circuit: { failures: settings.circuit.failures, openMs: settings.circuit.seconds * 1000 },
    credential: credential?.value ? { name: credential.name, value: credential.value } : null,
    document: settings.document ?? null,
  }
}

/** What is wrong with the part of the host that the origin shall serve. */
function placeProblems({ collection, prefix, role }: Settings): string[] {
  if ((collection === undefined) === (prefix === undefined)) return [" must have either collection or prefix"]
  if (prefix === undefined) return []
  const taken =
    RESERVED.find(({ path }) => isWithin(path, prefix) || isWithin(prefix, path)) ??
    COLLECTIONS.find(({ path }) => isWithin(path, prefix))
  return [
    ...(taken ? [`.prefix cannot be ${prefix}: ${taken.path} ${taken.text}`] : []),
    // Where no collection says what an operation asks, somebody has to.
    ...(role === undefined ? [`.role must be one of ${Object.keys(ROLES).join(", ")}`] : []),
  ]
}

function originProblems({ origin, allow_plain_http }: Settings, ownHosts: readonly string[]): string[] {
  // A final dot makes no other host of it.
  if (ownHosts.includes(origin.hostname.replace(/\.$/, ""))) {
    return [".origin is a host of this deployment, which would ask itself"]
  }
  if (origin.protocol === "http:" && !allow_plain_http) {
    return [
      ".origin must begin with https://, or allow_plain_http must be true: nothing protects what is sent as plain http",
    ]
  }
  return []
}

/** A value that can stand in a header, null for what cannot. */
function readHeaderValue(value: unknown): string | null {
  const text = typeof value === "string" ? value.trim() : ""
  return /^[\x20-\x7e]+$/.test(text) ? text : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function issueText(issue: z.core.$ZodIssue): string {
  const place = issue.path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("")
  if (issue.code === "unrecognized_keys") return `${place} has an unknown setting: ${issue.keys.join(", ")}`
  return `${place} ${issue.code === "invalid_type" && issue.path.length === 0 ? "must be a table" : issue.message}`
}
