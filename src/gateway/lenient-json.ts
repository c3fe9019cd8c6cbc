/** Keptn's gin services read a body as JSON whatever its Content-Type says, and clients (curl -d among them) rely on that. */
import type { MiddlewareHandler } from "hono"
import type { GatewayEnv } from "./environment.ts"
import { isRawFile } from "./raw-body.ts"

/** Declares every body of these routes to be JSON before the validators look, but for the raw bytes of a file. */
export function lenientJson(): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { raw } = c.req
    if (
      (raw.body !== null || raw.headers.has("content-type")) &&
      !isRawFile(c.req) &&
      !/^application\/json\s*(;|$)/i.test(raw.headers.get("content-type") ?? "")
    ) {
      const headers = new Headers(raw.headers)
      headers.set("content-type", "application/json")
      c.req.raw = new Request(raw, { headers })
    }
    await next()
  }
}
