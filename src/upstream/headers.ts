/** The headers of the request to an origin: which pass, and which the gateway sets. */
import type { Context } from "hono"
import { ownTokens } from "../gateway/authenticate.ts"
import { principalOf } from "../gateway/authorize.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { ApiError } from "../gateway/errors.ts"
import { edgeHost } from "./answer-headers.ts"
import { copyHeaders, HOP_BY_HOP, namedByConnection } from "./hop-by-hop.ts"
import { foldedName, isIdentityHeader } from "./identity-headers.ts"
import type { Upstream } from "./upstream.ts"

/** The caller's credentials, what the platform decides, `expect`, which is answered here, and what the gateway sets. Names are folded. */
const NOT_THE_CALLERS = new Set([
  ...HOP_BY_HOP,
  "x-token",
  "authorization",
  "cookie",
  "cookie2",
  "content-length",
  "expect",
  "x-request-id",
  "x-principal-id",
])

/** The headers of the request to the origin. Throws an `ApiError` for what cannot be passed on, and when this host has passed the request on before. */
export function headersToOrigin(c: Context<GatewayEnv>, upstream: Upstream): Headers {
  const { headers: sent, url } = c.req.raw
  // Some origins break off at one, as if the connection had failed. The platform lets all pass but NUL, CR and LF.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const odd = [...sent].find(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
  if (odd) throw new ApiError("invalid_request", `the header ${odd[0]} holds a control character`)
  const edge = new URL(url)
  const host = edgeHost(edge)
  checkLoop(sent.get("via"), host)
  const headers = fromCaller(sent, upstream)
  // The one switch of protocols that the platform knows.
  if (sent.get("upgrade")?.toLowerCase() === "websocket") headers.set("upgrade", "websocket")
  const address = sent.get("cf-connecting-ip")
  if (address !== null) {
    headers.set("x-forwarded-for", address)
    headers.set("x-real-ip", address)
  }
  headers.set("x-forwarded-proto", edge.protocol.slice(0, -1))
  headers.set("x-forwarded-host", host)
  if (upstream.stripPrefix) headers.set("x-forwarded-prefix", upstream.prefix)
  headers.append("via", `1.1 ${host}`)
  headers.set("x-request-id", c.get("requestId"))
  headers.set("x-principal-id", principalOf(c).id)
  if (upstream.credential) headers.set(upstream.credential.name, upstream.credential.value)
  return headers
}

/**
 * What passes of the caller's headers, byte for byte. However a name is spelled, it is compared as servers after CGI read it: what is ours is
 * what the origin sees alone.
 */
function fromCaller(sent: Headers, { credential }: Upstream): Headers {
  const headers = copyHeaders(sent)
  const named = new Set(namedByConnection(sent))
  const ours = credential && foldedName(credential.name)
  const isAuthorizationForOrigin = isForOrigin(sent)
  for (const name of new Set(sent.keys())) {
    const folded = foldedName(name)
    if (name === "authorization" && isAuthorizationForOrigin && ours !== folded) continue
    const isDropped = NOT_THE_CALLERS.has(folded) || folded === ours || isIdentityHeader(folded)
    if (named.has(name) || isDropped) headers.delete(name)
  }
  return headers
}

/** Whether the caller's `Authorization` is meant for the origin: only beside a token of ours, and only if that is not in it. */
function isForOrigin(headers: Headers): boolean {
  const tokens = ownTokens(headers)
  const authorization = headers.get("authorization")
  if (tokens.length === 0 || authorization === null || /(^|,\s*)bearer\b/i.test(authorization)) return false
  const texts = [authorization, ...authorization.split(",").map((value) => decode(value.trim().replace(/^\S+\s+/, "")))]
  return !texts.some((text) => tokens.some((token) => text.includes(token)))
}

/** The text in a Basic credential, also in one that only a lenient reader understands: without padding, or in the alphabet of URLs. */
function decode(credential: string): string {
  const standard = credential.replaceAll("-", "+").replaceAll("_", "/")
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(standard, { lastChunkHandling: "loose" }))
  } catch {
    return ""
  }
}

/** Throws an `ApiError` when `via` names this host. */
function checkLoop(via: string | null, host: string): void {
  const hosts = (via ?? "").split(",").map((hop) => hop.trim().split(/\s+/)[1])
  if (hosts.includes(host)) {
    throw new ApiError("loop_detected", `this request came through ${host} before: an origin leads back to this edge`)
  }
}
