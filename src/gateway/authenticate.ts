/** Who a request acts for. The rules are in docs/tokens.md; the bodies of refusals are what Keptn clients know. */
import type { Context, MiddlewareHandler } from "hono"
import { fromBase64 } from "../lib/bytes.ts"
import { sha256Hex } from "../lib/digest.ts"
import type { Principal, TokenRecord } from "../lib/principal.ts"
import { classifyToken } from "../lib/token-format.ts"
import { clientAddress } from "./client-address.ts"
import { isGitPath, isIdentityPath } from "./dialect.ts"
import type { GatewayEnv, Refusal } from "./environment.ts"
import { ApiError } from "./errors.ts"
import type { TokenCache } from "./token-cache.ts"

/** What authentication asks of the rest of the Worker. */
export interface Authentication {
  cache: TokenCache
  /** Looks a token up by the SHA-256 of its text, with strong consistency. */
  findToken: (c: Context<GatewayEnv>, hash: string) => Promise<TokenRecord | null>
  /** Told of a sound token that was looked up; may note its use, after the response. */
  tokenUsed: (c: Context<GatewayEnv>, record: TokenRecord) => void
  /** Told of a refusal and its true reason; may write, after the response. Not told of those that are throttled. */
  refused: (c: Context<GatewayEnv>, reason: Refusal) => void
  /** Counts failed attempts per client address. */
  failures: RateLimit
}

/** The period of the rate limit in wrangler.toml, in seconds: a throttled client may try again after it. */
const FAILURE_PERIOD_SECONDS = 60
/** The one path that takes the token of an invitation. */
const ACTIVATION_PATH = "/v3/users/me/activate"
/** Opaque imported tokens have at least 16 characters; nothing longer than 512 is a token. */
const SHORTEST_TOKEN = 16
const LONGEST_TOKEN = 512

/** Lets a request pass with a valid token, or to an open path without one. */
export function authenticate(
  authentication: Authentication,
  isOpen: (c: Context<GatewayEnv>) => boolean,
): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    if (isOpen(c)) return next()
    const credential = readCredential(c.req.raw.headers, isGitPath(c.req.path))
    const result = "refusal" in credential ? credential.refusal : await accept(c, authentication, credential.token)
    if (typeof result === "string") return refuse(c, authentication, result)
    c.set("principal", result)
    return next()
  }
}

/**
 * Reads the token from `x-token` or `Authorization: Bearer`, or `Basic` where `isGit`: git knows nothing but user names and
 * passwords. The same one in several places, or several times in one, is fine; two different ones are not.
 */
function readCredential(headers: Headers, isGit: boolean): { token: string } | { refusal: Refusal } {
  const own = ownTokens(headers)
  const authorizations = valuesOf(headers, "authorization")
  const found = authorizations.flatMap((text) => tokenIn(text, isGit) ?? [])
  // Without `x-token` all of `Authorization` has to be one token. Beside it, another scheme may be meant for an origin.
  const isWhole = own.length > 0 || found.length === authorizations.length
  const [token, other] = new Set(isWhole ? [...own, ...found] : [])
  if (other !== undefined) return { refusal: "conflicting" }
  if (token !== undefined) return { token }
  return { refusal: authorizations.length === 0 ? "missing" : "malformed" }
}

/** The different tokens in `x-token`, which some of Keptn's clients send twice. */
export function ownTokens(headers: Headers): string[] {
  return [...new Set(valuesOf(headers, "x-token"))]
}

/** The values of a header that may be there more than once. The platform puts a comma and a blank between them, and no token holds a blank. */
function valuesOf(headers: Headers, name: string): string[] {
  const values = (headers.get(name) ?? "").split(/,[ \t]+/)
  return values.map((value) => value.trim()).filter((value) => value !== "")
}

/** The token in a value of `Authorization`; null without one. */
function tokenIn(authorization: string, isGit: boolean): string | null {
  const [, scheme, credential] = /^(bearer|basic)\s+(\S+)$/i.exec(authorization) ?? []
  if (scheme === undefined || credential === undefined) return null
  if (scheme.toLowerCase() === "bearer") return credential
  return isGit ? passwordOf(credential) : null
}

/** The password of a Basic credential; the user name before it may be any. */
function passwordOf(credential: string): string | null {
  const text = new TextDecoder().decode(fromBase64(credential) ?? new Uint8Array())
  const colon = text.indexOf(":")
  return colon < 0 ? null : text.slice(colon + 1)
}

async function accept(
  c: Context<GatewayEnv>,
  authentication: Authentication,
  token: string,
): Promise<Principal | Refusal> {
  const known = authentication.cache.get(token)
  // What is remembered was found well-formed, and hashed, when it was looked up.
  if (known === null && !isPlausible(token)) return "malformed"
  const { mark } = authentication.cache
  const record = known ?? (await authentication.findToken(c, await sha256Hex(token)))
  const now = Date.now()
  if (record === null) return "unknown"
  if (record.revokedAt !== null && record.revokedAt <= now) return "revoked"
  if (record.expiresAt <= now) return "expired"
  if (record.purpose === "activation" && c.req.path !== ACTIVATION_PATH) return "unknown"
  if (known === null) {
    authentication.cache.set(token, record, mark)
    authentication.tokenUsed(c, record)
  }
  c.set("tokenExpiresAt", record.expiresAt)
  return record.principal
}

function isPlausible(token: string): boolean {
  const { length } = token
  const isToken = length >= SHORTEST_TOKEN && length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(token)
  return isToken && classifyToken(token) !== "broken"
}

/** Only refused requests are counted, so a valid token is never locked out, whatever else its address sends. */
async function refuse(c: Context<GatewayEnv>, authentication: Authentication, refusal: Refusal): Promise<never> {
  c.set("refusal", refusal)
  // Git sends its token only when it is asked for one: its first request is no failed attempt.
  const isQuestion = isGitPath(c.req.path) && refusal === "missing"
  if (!isQuestion && (await isThrottled(c, authentication.failures))) {
    throw new ApiError("too_many_requests", "Too many requests", {
      headers: { "Retry-After": String(FAILURE_PERIOD_SECONDS) },
      ...(isBehindNginx(c.req.path) && { keptnBody: '{"code":429, "message":"too many requests"}' }),
    })
  }
  if (!isQuestion) authentication.refused(c, refusal)
  // Git asks its user for a password when it is challenged for one.
  const challenge = `${isGitPath(c.req.path) ? "Basic" : "Bearer"} realm="quarterdeck"`
  throw new ApiError("unauthenticated", unauthenticatedText(c.req.path, refusal), {
    headers: { "WWW-Authenticate": refusal === "missing" ? challenge : `${challenge}, error="invalid_token"` },
    ...(isBehindNginx(c.req.path) && {
      keptnBody: '{"code":401, "message":"unauthenticated or invalid credentials"}',
    }),
  })
}

/** Whether the client's address has failed too often. A limiter that does not answer throttles nobody: the request is refused in any case. */
async function isThrottled(c: Context<GatewayEnv>, failures: RateLimit): Promise<boolean> {
  const key = clientAddress(c.req.raw.headers)
  try {
    return !(await c.get("meter").inTime(() => failures.limit({ key }))).success
  } catch (error) {
    console.error(JSON.stringify({ event: "limiter-failed", error: String(error) }))
    return false
  }
}

function unauthenticatedText(path: string, refusal: Refusal): string {
  if (isIdentityPath(path)) return "A valid token is required"
  if (isGitPath(path)) return "give a valid token as the password, with any user name"
  return refusal === "missing" ? "unauthenticated for invalid credentials" : "incorrect api key auth"
}

/** In Keptn the api-service answers for itself; before all other services stood nginx, with bodies of its own. */
function isBehindNginx(path: string): boolean {
  return !isIdentityPath(path) && !isGitPath(path) && !path.startsWith("/api/v1/")
}
