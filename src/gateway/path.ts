/** How a request's path is read before routing, as Keptn's own gateway reads it. */

/**
 * The path that is routed: percent-decoded once, slashes merged. `/api//controlPlane` is `/api/controlPlane`, and a resource
 * named `a%2Fb` or `a/b` has the same path. A broken escape is left as it stands. `/v2` is the old name of `/v3`, and a
 * repository may be named with git's usual `.git` or without.
 */
export function routedPath(request: Request): string {
  const path = decode(sentPath(request))
  // Nearly all paths stand as they are: to look costs less than to replace nothing three times.
  if (!/^$|\/\/|^\/v2|^\/git\//.test(path)) return path
  return (
    path
      .replace(/\/{2,}/g, "/")
      .replace(/^\/v2(?=\/|$)/, "/v3")
      .replace(/^(\/git\/[^/]+)\.git(?=\/|$)/, "$1") || "/"
  )
}

/** The path as it was sent, but for what the platform makes of it: `.` and `..` are resolved by then. */
export function sentPath(request: Request): string {
  return /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(request.url)?.[1] ?? "/"
}

/** A path that was decoded, as it stands in an address. */
export function escapePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/")
}

function decode(path: string): string {
  if (!path.includes("%")) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
