/** What every request gets first and every response last: an id, a meter, headers that protect, one line in the log. */
import type { Context, MiddlewareHandler } from "hono"
import { HTTPException } from "hono/http-exception"
import { matchedRoutes } from "hono/route"
import { METHOD_NAME_ALL } from "hono/router"
import { Meter } from "../lib/meter.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"

/** Headers of every response, unless a route says otherwise. */
const DEFAULT_HEADERS = Object.entries({
  // Answers belong to the caller that asked: nothing between us may keep them.
  "Cache-Control": "private, no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
})

/** A token says when it ends in its last 14 days, in milliseconds. */
const WARNED_BEFORE = 14 * 24 * 60 * 60 * 1000

const HSTS = "max-age=31536000; includeSubDomains"

/** Opens and closes the frame around a request. `serverTiming` tells callers what storage was asked; a call to that may take `storageTimeout` ms. */
export function requestContext(settings: {
  serverTiming: boolean
  storageTimeout: number
  version: string
}): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const started = Date.now()
    c.set("requestId", crypto.randomUUID())
    c.set("meter", new Meter(settings.storageTimeout))
    await next()
    const headers = changeableHeaders(c)
    for (const [name, value] of DEFAULT_HEADERS) {
      if (!headers.has(name)) headers.set(name, value)
    }
    if (c.req.url.startsWith("https:")) headers.set("Strict-Transport-Security", HSTS)
    const ends = c.get("tokenExpiresAt")
    if (ends !== undefined && ends < Date.now() + WARNED_BEFORE) {
      headers.set("Token-Expires-At", new Date(ends).toISOString())
    }
    if (settings.serverTiming) headers.set("Server-Timing", c.get("meter").serverTiming())
    writeLog(c, { ms: Date.now() - started, version: settings.version })
  }
}

/**
 * The headers of the response, the request id among them. They are changed in place: Hono's `c.header` makes a new response for each, which
 * was a fifth of what a request cost. Those of a response that was fetched cannot be changed, so there Hono makes one, once.
 */
function changeableHeaders(c: Context<GatewayEnv>): Headers {
  const id = c.get("requestId")
  try {
    c.res.headers.set("X-Request-Id", id)
  } catch {
    c.header("X-Request-Id", id)
  }
  return c.res.headers
}

/** Writes the request's one line. It names the route, not the path, and no header but the client's own request id. */
function writeLog(c: Context<GatewayEnv>, extra: { ms: number; version: string }): void {
  const { target } = c.env
  const meter = c.get("meter")
  const principal = c.get("principal")
  const line = {
    event: "request",
    requestId: c.get("requestId"),
    clientRequestId: c.req.header("x-request-id")?.slice(0, 128),
    ray: c.req.header("cf-ray"),
    plane: target?.plane,
    region: target?.plane === "regional" ? target.region : undefined,
    method: c.req.method,
    route: routeOf(c),
    status: c.res.status,
    principalId: principal?.id,
    tokenId: principal?.tokenId,
    refusal: c.get("refusal"),
    trips: meter.trips,
    rowsRead: meter.rowsRead,
    ...c.get("upstream"),
    ...extra,
  }
  // What the gateway or a validator refused has said so to its caller. Everything else is for us to read, whatever its status became.
  if (c.error && !(c.error instanceof ApiError) && !(c.error instanceof HTTPException)) {
    console.error(JSON.stringify({ ...line, error: describe(c.error) }))
  } else {
    console.log(JSON.stringify(line))
  }
}

/** The route that answers: the first that matches and is for one method, since middleware is for all of them. */
function routeOf(c: Context<GatewayEnv>): string | undefined {
  const routes = matchedRoutes(c)
  return (routes.find(({ method }) => method !== METHOD_NAME_ALL) ?? routes.at(-1))?.path
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : ""
  return (error.stack ?? error.message) + cause
}
