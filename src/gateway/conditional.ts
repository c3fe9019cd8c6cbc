/** Conditional requests (RFC 9110, 13). */
import type { HonoRequest } from "hono"

/** Whether a list of entity tags names `etag` (without quotes), or everything. Weak marks are ignored: proxies add them. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""))
  return tags.includes("*") || tags.includes(`"${etag}"`)
}

/** Whether `If-Match` and `If-None-Match` of a write let it go on, given the tag of what stands there (null: nothing does). */
export function writeCondition(request: HonoRequest): (etag: string | null) => boolean {
  const ifMatch = request.header("if-match")
  const ifNoneMatch = request.header("if-none-match")
  return (etag) => {
    if (ifMatch !== undefined && (etag === null || !matchesEtag(ifMatch, etag))) return false
    return etag === null || !matchesEtag(ifNoneMatch, etag)
  }
}
