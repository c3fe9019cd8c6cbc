/** Conditional requests (RFC 9110, 13). */

/** Whether an `If-None-Match` header names `etag` (without quotes), or everything. Weak marks are ignored, as the RFC says. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""))
  return tags.includes("*") || tags.includes(`"${etag}"`)
}
