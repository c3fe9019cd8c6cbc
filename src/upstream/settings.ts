/** The upstreams of one region, read from its variable (`UPSTREAMS_EU`). docs/upstreams.md tells operators of each setting. */
import { z } from "zod"
import { COLLECTION_PATHS, type CollectionName, isCollectionName } from "../lib/collections.ts"
import type { Action } from "../lib/roles.ts"

/** An origin, and what of this host it serves. */
export interface Upstream {
  /** What errors and log lines call it: its collection, or its prefix. They never name the origin. */
  name: string
  /** Paths below it are the origin's. Plain segments, no slash at the end. */
  prefix: string
  /** The collection that stands at the prefix; null where none does. */
  collection: CollectionName | null
  /** Scheme, host and port. */
  origin: string
  /** What every path at the origin begins with; empty, or with a slash before and none behind. */
  basePath: string
  stripPrefix: boolean
  /** Methods that pass; GET brings HEAD. */
  methods: readonly string[]
  /** What a caller must be allowed to do on all projects, where no collection says what its operations ask; null: have a token. */
  action: Action | null
  /** How long the origin may take to begin its answer once it has the request, in milliseconds. */
  firstByteMs: number
  /** How long a request may take, from its arrival to the last byte of the answer, in milliseconds; null: for ever. */
  totalMs: number | null
  /** Whether GET and HEAD are sent once more when the connection fails. */
  retries: boolean
  maxRequestBytes: number
  /** null: any size. */
  maxResponseBytes: number | null
  maxHeaderBytes: number
  circuit: { failures: number; openMs: number }
  /** A header that every request to the origin gets. */
  credential: { name: string; value: string } | null
  /** The path of the origin's own OpenAPI document, which the docs page shall list. */
  document: string | null
}

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

const DEFAULT_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
/** CONNECT and TRACE are no requests to pass on; the latter would also answer the origin's credential to the caller. */
const NEVER = new Set(["CONNECT", "TRACE", "TRACK"])
const ROLES = {
  none: null,
  Viewer: "read",
  Integration: "integrate",
  Contributor: "contribute",
  Admin: "administer",
} as const satisfies Record<string, Action | null>

/** What the gateway answers itself, and what a prefix can neither be nor hold nor lie below. */
const RESERVED = [
  "/api/assets",
  "/api/openapi",
  "/api/errors",
  "/api/health",
  "/api/swagger-ui",
  "/health",
  "/nginx-health",
  "/git",
]
  .concat(["/v2", "/v3"])
  .map((path) => ({ path, text: "this edge answers itself" }))
const COLLECTIONS = Object.entries(COLLECTION_PATHS).map(([name, path]) => ({ path, text: `is collection ${name}` }))

/** Headers that the gateway, or the connection, decides about. */
const NO_CREDENTIAL =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|via|forwarded|x-forwarded-.*|x-request-id|x-principal-id)$/

const ORIGIN = "must be a URL such as https://keptn.example.com"
const DAY = 24 * 60 * 60
const HIGHEST = Number.MAX_SAFE_INTEGER

const upstreamSchema = z.strictObject({
  collection: z
    .string("must be a text")
    .refine(isCollectionName, `must be one of ${Object.keys(COLLECTION_PATHS).join(", ")}`)
    .optional(),
  prefix: z
    .string("must be a text")
    .regex(
      /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/,
      "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end",
    )
    .optional(),
  origin: z
    .string(ORIGIN)
    .refine((text) => URL.canParse(text), ORIGIN)
    .transform((text) => new URL(text))
    .superRefine((url, context) => {
      const problem = urlProblem(url)
      if (problem !== null) context.addIssue({ code: "custom", message: problem })
    }),
  allow_plain_http: flag(false),
  strip_prefix: flag(false),
  methods: z
    .array(
      z.string("must be a text").refine(isMethod, "must be a method that can be passed on, in capitals"),
      "must be a list",
    )
    .min(1, "must name at least one method")
    .default(DEFAULT_METHODS),
  role: z
    .enum(["none", "Viewer", "Integration", "Contributor", "Admin"], {
      error: `must be one of ${Object.keys(ROLES).join(", ")}`,
    })
    .optional(),
  first_byte_seconds: wholeNumber(1, DAY).default(30),
  total_seconds: wholeNumber(0, DAY).default(0),
  retry: flag(true),
  max_request_bytes: wholeNumber(1, HIGHEST).optional(),
  max_response_bytes: wholeNumber(0, HIGHEST).default(0),
  max_header_bytes: wholeNumber(256, 131_072).default(32_768),
  circuit: z
    .strictObject(
      { failures: wholeNumber(1, 1000).default(5), seconds: wholeNumber(1, DAY).default(10) },
      "must be a table",
    )
    .prefault({}),
  credential: z
    .strictObject(
      {
        header: z
          .string("must be a text")
          .regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be the name of a header")
          .toLowerCase()
          .refine((name) => !NO_CREDENTIAL.test(name), "must be a header that the gateway does not set itself"),
        secret: z.string("must be the name of a secret of this Worker"),
      },
      "must be a table",
    )
    .optional(),
  document: z
    .string("must be a path")
    .regex(/^\/(?!\/)[\x21-\x7e]*$/, "must be a path that begins with a slash")
    .optional(),
})

/** What is needed of each entry to know its secret. */
const namedSecrets = z.array(
  z.object({ credential: z.object({ secret: z.string() }).optional().catch(undefined) }).catch({}),
)

type Settings = z.infer<typeof upstreamSchema>

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
  if (ownHosts.includes(origin.hostname)) return [".origin is a host of this deployment, which would ask itself"]
  if (origin.protocol === "http:" && !allow_plain_http) {
    return [
      ".origin must begin with https://, or allow_plain_http must be true: nothing protects what is sent as plain http",
    ]
  }
  return []
}

/** What an origin may not have: the rest of each URL is what a request asks for. */
function urlProblem(url: URL): string | null {
  if (!["https:", "http:"].includes(url.protocol)) return "must begin with https://"
  if (url.username !== "" || url.password !== "") return "must hold no user name and no password: use credential"
  if (url.search !== "" || url.hash !== "") return "must hold no query and no fragment"
  return url.pathname.includes("%") || url.pathname.includes("//") ? "must have a plain path" : null
}

function isMethod(method: string): boolean {
  if (!/^[A-Z-]+$/.test(method) || NEVER.has(method)) return false
  try {
    // The platform knows the methods that it can send, and refuses all others.
    return new Request("https://origin.invalid", { method }).method === method
  } catch {
    return false
  }
}

/** A value that can stand in a header, null for what cannot. */
function readHeaderValue(value: unknown): string | null {
  const text = typeof value === "string" ? value.trim() : ""
  return /^[\x20-\x7e]+$/.test(text) ? text : null
}

/** Whether `path` is `prefix`, or lies below it. */
export function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
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

function flag(fallback: boolean) {
  return z.boolean("must be true or false").default(fallback)
}

function wholeNumber(least: number, most: number) {
  const text = `must be a whole number from ${least}${most === HIGHEST ? "" : ` to ${most}`}`
  return z.number(text).int(text).min(least, text).max(most, text)
}
