/** How JSON bodies are read. */
import type { Context, MiddlewareHandler } from "hono"
import { utf8Text } from "../lib/bytes.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { isRawFile } from "./raw-body.ts"

/**
 * Declares every body of these routes to be JSON before the validators look, but for the raw bytes of a file: Keptn's gin
 * services read a body as JSON whatever its Content-Type says, and clients (curl -d among them) rely on that.
 */
export function lenientJson(): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { raw } = c.req
    if (isRawFile(c.req)) return next()
    if (
      (raw.body !== null || raw.headers.has("content-type")) &&
      !/^application\/json\s*(;|$)/i.test(raw.headers.get("content-type") ?? "")
    ) {
      const headers = new Headers(raw.headers)
      headers.set("content-type", "application/json")
      c.req.raw = new Request(raw, { headers })
    }
    await requireUtf8(c)
    return next()
  }
}

/** Refuses JSON that is not UTF-8: the platform's reader would put U+FFFD in the place of what it cannot read. */
export function utf8Json(): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    await requireUtf8(c)
    return next()
  }
}

async function requireUtf8(c: Context<GatewayEnv>): Promise<void> {
  if (c.req.raw.body === null) return
  // Hono keeps the bytes for whoever reads the body next.
  if (utf8Text(await c.req.arrayBuffer()) !== null) return
  throw new ApiError("invalid_request", "Invalid request format: the body is not UTF-8")
}
