/** Which address of an origin a request leads to, and back. */
import { ApiError } from "../gateway/errors.ts"
import { escapePath, sentPath } from "../gateway/path.ts"
import { isWithin, type Upstream } from "./settings.ts"

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
  const sent = sentPath(request).replace(/\/{2,}/g, "/")
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
  if (!isWithin(whole, prefix)) {
    throw new ApiError("invalid_request", `write ${prefix} at the beginning of the path without escapes`)
  }
  const query = /\?[^#]*/.exec(request.url)?.[0] ?? ""
  return `${origin}${basePath}${upstream.stripPrefix ? whole.slice(prefix.length) : whole}${query}`
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
 * Where this edge serves what the origin calls `address` (relative to `base`, its own address); null for what is not at the origin.
 * `edge` is the edge's scheme and host.
 */
export function edgeAddress(upstream: Upstream, address: string, base: string, edge: string): string | null {
  if (!URL.canParse(address, base)) return null
  const url = new URL(address, base)
  const origin = new URL(upstream.origin)
  // An origin that knows nothing of the TLS before it names itself with the other scheme, and no port.
  const isOrigin = url.origin === origin.origin || (url.hostname === origin.hostname && url.port === "")
  if (!isOrigin || !/^https?:$/.test(url.protocol)) return null
  return `${edge}${edgePath(upstream, url.pathname)}${url.search}${url.hash}`
}

function edgePath({ basePath, prefix, stripPrefix }: Upstream, path: string): string {
  const below = isWithin(path, basePath) ? path.slice(basePath.length) : path
  return `${stripPrefix ? prefix : ""}${below}` || "/"
}
