/** What can be read without a token. Everything else needs one; a test holds this list against the whole Worker. */
import type { Context } from "hono"

/** Paths, and prefixes where they end in `*`. Only GET and HEAD are open. */
export const OPEN_PATHS = ["/api", "/api/", "/api/assets/*", "/api/openapi/*", "/health", "/nginx-health"] as const

/** Whether a request needs no token. */
export function isOpen(c: Context): boolean {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") return false
  return OPEN_PATHS.some((open) =>
    open.endsWith("*") ? c.req.path.startsWith(open.slice(0, -1)) : c.req.path === open,
  )
}
