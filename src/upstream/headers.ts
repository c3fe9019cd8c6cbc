/** Which headers pass between callers and origins, and which the gateway sets. */
import type { Context } from "hono"
import { principalOf } from "../gateway/authorize.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { ApiError } from "../gateway/errors.ts"
import { edgeAddress } from "./addresses.ts"
import type { Upstream } from "./settings.ts"

/** About one connection, not about the message (RFC 9110 7.6.1), and what the platform decides for each connection. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
].concat(["proxy-authenticate", "proxy-authorization", "proxy-authentication-info"])

/**
 * Never sent to an origin: the caller's credentials, and everything by which it could pass for somebody else, for another address or for
 * another request than the one that was checked. `expect` is answered here.
 */
const FROM_CALLER =
  /^(x-token|authorization|cookie2?|host|content-length|expect|forwarded|x-forwarded-.*|x-real-ip|(x-|true-|x-cluster-|fastly-)?client-ip|cf-.*|x-request-id|x-principal-id|x-(original|rewrite)-url|x-(original-)?host|x-(http-)?method(-override)?|x-http-method)$/

/** Never passed to a caller: cookies would not come back, and the others are about the origin's host, not about this one. */
const FROM_ORIGIN =
  /^(set-cookie2?|alt-svc|strict-transport-security|public-key-pins.*|x-request-id|sec-websocket-accept|sec-websocket-extensions)$/

/** Addresses that may be the origin's own. */
const ADDRESSES = ["location", "content-location"]

/** The headers of the request to the origin. Throws an `ApiError` for what cannot be passed on, and when this host has passed the request on before. */
export function headersToOrigin(c: Context<GatewayEnv>, upstream: Upstream): Headers {
  const { headers: sent, url } = c.req.raw
  // Some origins break off at one, as if the connection had failed. The platform lets all pass but NUL, CR and LF.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const odd = [...sent].find(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
  if (odd) throw new ApiError("invalid_request", `the header ${odd[0]} holds a control character`)
  const edge = new URL(url)
  const headers = endToEnd(sent, FROM_CALLER)
  const authorization = forOrigin(sent)
  if (authorization !== null) headers.set("authorization", authorization)
  // The one switch of protocols that the platform knows.
  if (sent.get("upgrade")?.toLowerCase() === "websocket") headers.set("upgrade", "websocket")
  const address = sent.get("cf-connecting-ip")
  if (address !== null) {
    headers.set("x-forwarded-for", address)
    headers.set("x-real-ip", address)
  }
  headers.set("x-forwarded-proto", edge.protocol.slice(0, -1))
  headers.set("x-forwarded-host", edge.host)
  if (upstream.stripPrefix) headers.set("x-forwarded-prefix", upstream.prefix)
  headers.set("via", via(sent.get("via"), edge.host))
  headers.set("x-request-id", c.get("requestId"))
  headers.set("x-principal-id", principalOf(c).id)
  if (upstream.credential) headers.set(upstream.credential.name, upstream.credential.value)
  return headers
}

/**
 * The headers of the answer to the caller. `address` is what was asked at the origin, `edge` the scheme and host that the caller asked.
 */
export function headersToCaller(upstream: Upstream, answer: Headers, address: string, edge: URL): Headers {
  const headers = endToEnd(answer, FROM_ORIGIN)
  for (const name of ADDRESSES) {
    const value = headers.get(name)
    const here = value === null ? null : edgeAddress(upstream, value, address, edge.origin)
    if (here !== null) headers.set(name, here)
  }
  headers.set("via", [answer.get("via"), `1.1 ${edge.host}`].filter((part) => part !== null).join(", "))
  return headers
}

/** How many bytes headers take on the wire: of each the name, a colon, a blank, the value and the end of the line. */
export function sizeOf(headers: Headers): number {
  return [...headers].reduce((size, [name, value]) => size + name.length + value.length + 4, 0)
}

/** All headers but those of the connection, those that `Connection` names, and those that match `dropped`. */
function endToEnd(headers: Headers, dropped: RegExp): Headers {
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase())
  const gone = new Set([...HOP_BY_HOP, ...named])
  const passed = new Headers()
  // One after the other: to make headers of a list takes three times as long.
  for (const [name, value] of headers) if (!gone.has(name) && !dropped.test(name)) passed.append(name, value)
  return passed
}

/** What the caller sent in `Authorization` for the origin: only beside a token of ours, and only if that is not in it. */
function forOrigin(headers: Headers): string | null {
  const token = headers.get("x-token")?.trim()
  const authorization = headers.get("authorization")
  if (!token || authorization === null || /^bearer\b/i.test(authorization) || authorization.includes(token)) return null
  return decode(authorization.replace(/^\S+\s+/, "")).includes(token) ? null : authorization
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

function via(before: string | null, host: string): string {
  const hosts = (before ?? "").split(",").map((hop) => hop.trim().split(/\s+/)[1])
  if (hosts.includes(host)) {
    throw new ApiError("loop_detected", `this request came through ${host} before: an origin leads back to this edge`)
  }
  return before === null ? `1.1 ${host}` : `${before}, 1.1 ${host}`
}
