/** Which address of an origin a request leads to, and back. */
import { ApiError } from "../gateway/errors.ts"
import { escapePath, sentPath } from "../gateway/path.ts"
import { isWithin, type Upstream } from "./upstream.ts"

/** What is escaped more often than this has no honest reader. */
const DECODINGS = 4

/** The upstream that serves a path which was decoded: of those that hold it, the one with the longest prefix. */
export function findUpstream(upstreams: readonly Upstream[], path: string): Upstream | null {
  let found: Upstream | null = null
  for (const upstream of upstreams) {
    const isLonger = found === null || upstream.prefix.length > found.prefix.length
    if (isLonger && isWithin(path, upstream.prefix)) found = upstream
  }
  return found
}

/**
 * The address at the origin that a request leads to. Scheme, host, port and the beginning of the path are those of the configuration,
 * whatever the request holds. `path` is the decoded path by which the caller's rights were checked.
 * Throws an `ApiError` for a path that the origin might understand in another way than this edge does.
 */
export function originAddress(upstream: Upstream, request: Request, path: string): string {
  const sent = sentPath(request)
  // A backslash that is not escaped becomes a slash on its way to the origin: the path would not be the one that was checked.
  if (sent.includes("\\") || isAmbiguous(sent)) {
    throw new ApiError(
      "invalid_request",
      "the path has an escape, or a part such as '..', that does not belong into it",
    )
  }
  // Of a collection the origin gets the very path that was checked, decoded and escaped anew, as Keptn's own gateway sends it.
  const whole = upstream.collection === null ? sent : escapePath(path)
  const { prefix, origin, basePath } = upstream
  const rest = behindPrefix(whole, prefix)
  if (rest === null) {
    throw new ApiError("invalid_request", `write ${prefix} at the beginning of the path without escapes`)
  }
  const query = /\?[^#]*/.exec(request.url)?.[0] ?? ""
  return `${origin}${basePath}${upstream.stripPrefix ? rest : whole}${query}`
}

/** What follows the prefix in a path, in which each of its slashes may be several, as this edge merges them to find the upstream; null without it. */
function behindPrefix(path: string, prefix: string): string | null {
  const plain = prefix.replaceAll(".", String.raw`\.`).replaceAll("/", "/+")
  const found = new RegExp(`^${plain}(?=/|$)`).exec(path)
  return found && path.slice(found[0].length)
}

/** Whether a path, as it is or decoded once more, leads out of where it seems to be, or is no text. */
function isAmbiguous(path: string): boolean {
  let text = path
  for (let decodings = 0; decodings <= DECODINGS; decodings++) {
    // Some servers take a backslash for a slash, and cut parameters (`..;a=b`) off before they look for dots.
    if (text.split(/[/\\]/).some((segment) => /^\.{1,2}(;|$)/.test(segment))) return true
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\x00-\x1f\x7f]/.test(text)) return true
    const decoded = decode(text)
    // What was escaped twice may hold a percent sign that begins no escape; what was sent may not.
    if (decoded === null) return decodings === 0
    if (decoded === text) return false
    text = decoded
  }
  return true
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/**
 * Where this edge serves what the origin calls `address` (relative to `base`, its own address); null for what is not at the origin, or not in
 * the part of it that the upstream serves. `edge` is the edge's scheme and host.
 */
export function edgeAddress(upstream: Upstream, address: string, base: string, edge: string): string | null {
  // A byte that is no UTF-8 cannot be seen here, so it could not be sent on.
  const url = address.includes("\ufffd") ? null : urlAtOrigin(upstream, address, base)
  if (url === null || !isWithin(url.pathname, upstream.basePath)) return null
  const path = pathHere(upstream, url.pathname)
  return isWithin(path, upstream.prefix) ? `${edge}${path}${url.search}${url.hash}` : null
}

/**
 * What the origin's OpenAPI document calls a server, as a path here; null for another server. It may lie above the upstream's prefix, which the
 * document's own paths then repeat, and an origin need not know of the base path before it.
 */
export function serverPath(upstream: Upstream, address: string, base: string): string | null {
  const url = urlAtOrigin(upstream, address, base)
  return url && `${pathHere(upstream, url.pathname)}${url.search}`
}

/** An address of the origin, parsed; null for one that is not the origin's. */
function urlAtOrigin(upstream: Upstream, address: string, base: string): URL | null {
  const url = URL.parse(address, base)
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  const origin = new URL(upstream.origin)
  // An origin that knows nothing of the TLS before it names itself with the other scheme, and no port.
  return url.origin === origin.origin || (url.hostname === origin.hostname && url.port === "") ? url : null
}

function pathHere({ basePath, prefix, stripPrefix }: Upstream, path: string): string {
  const below = isWithin(path, basePath) ? path.slice(basePath.length) : path
  return `${stripPrefix ? prefix : ""}${below}` || "/"
}
