/** The headers of an origin's answer, as the caller gets them. */
import { withoutFinalDot } from "../gateway/host.ts"
import { edgeAddress } from "./addresses.ts"
import { copyHeaders, HOP_BY_HOP, namedByConnection } from "./hop-by-hop.ts"
import type { Upstream } from "./upstream.ts"

/**
 * Never passed to a caller, because they act on this host, which the origin shares with others, and not on the one answer: cookies and
 * storage, what browsers keep about a host (certificates, other addresses, hints, dictionaries, logins), where they report, how far service
 * workers reach; what steers a server before us; and what the gateway says itself.
 */
const ACTS_ON_HOST = new RegExp(
  `^(${[
    "set-cookie2?|clear-site-data|shared-storage-write|activate-storage-access|set-login|sec-session-.*|secure-session-.*",
    "strict-transport-security|public-key-pins.*|expect-ct|alt-svc|onion-location|origin-agent-cluster|x-permitted-cross-domain-policies",
    "accept-ch.*|critical-ch|use-as-dictionary|observe-browsing-topics|attribution-reporting-.*|ad-auction-.*",
    "report-to|reporting-endpoints|nel|service-worker-allowed",
    "x-accel-.*|x-sendfile|x-lighttpd-send.*|x-reproxy-.*",
    "x-request-id|token-expires-at|sec-websocket-accept|sec-websocket-extensions",
  ].join("|")})$`,
)

/** What tells some shared caches to keep an answer, whatever `Cache-Control` says. */
const FOR_SHARED_CACHES = /^(surrogate-control|(.*-)?cdn-cache-control|edge-control)$/
/** What `private` takes the place of. With the names of headers behind it, that directive lets shared caches keep the rest. */
const SHARED_DIRECTIVE = /^(public|private|s-maxage)\b/i

/** The address here of an address at the origin; null where it stays as it is. */
type Rewrite = (url: string) => string | null

/** The headers whose address may be the origin's own. */
const ADDRESSES: readonly (readonly [name: string, rewritten: (value: string, here: Rewrite) => string | null])[] = [
  ["location", (value, here) => here(value)],
  ["content-location", (value, here) => here(value)],
  ["refresh", refreshAtEdge],
]

/**
 * The headers of the answer to the caller. `address` is what was asked at the origin, `edge` the URL that the caller asked. Values that are
 * passed keep their bytes: nothing here makes text of them.
 */
export function headersToCaller(upstream: Upstream, answer: Headers, address: string, edge: URL): Headers {
  const headers = copyHeaders(answer)
  const gone = new Set([...HOP_BY_HOP, ...namedByConnection(answer)])
  const isPrivate = !upstream.isPublic
  for (const name of new Set(answer.keys())) {
    if (gone.has(name) || ACTS_ON_HOST.test(name) || (isPrivate && FOR_SHARED_CACHES.test(name))) headers.delete(name)
  }
  const cacheControl = answer.get("cache-control")
  if (isPrivate && cacheControl !== null) headers.set("cache-control", privately(cacheControl))
  const here = (url: string) => edgeAddress(upstream, url, address, edge.origin)
  for (const [name, rewritten] of ADDRESSES) {
    const value = headers.get(name)
    const replaced = value === null ? null : rewritten(value, here)
    if (replaced !== null) headers.set(name, replaced)
  }
  headers.append("via", `1.1 ${edgeHost(edge)}`)
  return headers
}

/** The host and port of this edge as it names itself in `Via` and `X-Forwarded-Host`. */
export function edgeHost({ hostname, port }: URL): string {
  return port === "" ? withoutFinalDot(hostname) : `${withoutFinalDot(hostname)}:${port}`
}

/** How many bytes headers take on the wire: of each the name, a colon, a blank, the value and the end of the line. */
export function sizeOf(headers: Headers): number {
  return [...headers].reduce((size, [name, value]) => size + name.length + bytesOf(value) + 4, 0)
}

/** At least as many bytes as a value has. What is no UTF-8 is seen as a replacement character for one byte or more. */
function bytesOf(value: string): number {
  // oxlint-disable-next-line no-control-regex -- all of ASCII
  return /^[\x00-\x7f]*$/.test(value) ? value.length : new TextEncoder().encode(value).length
}

/** What an origin says to caches, for the caller's own cache alone: an answer to somebody with a token is nobody else's. */
function privately(cacheControl: string): string {
  const directives = cacheControl.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  const kept = directives.map((text) => text.trim()).filter((text) => text !== "" && !SHARED_DIRECTIVE.test(text))
  return ["private", ...kept].join(", ")
}

/** `5; url=/x` with the address that stands for `/x` here; null where it stays. */
function refreshAtEdge(refresh: string, here: Rewrite): string | null {
  const [, before, quote, url] = /^(\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.*?)\2\s*$/i.exec(refresh) ?? []
  const address = url ? here(url) : null
  return address === null ? null : `${before}${quote}${address}${quote}`
}
