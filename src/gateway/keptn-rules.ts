/** What Keptn's own gateway decided before any service was asked: paths that are not public, and others that lead elsewhere. */
import type { MiddlewareHandler } from "hono"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { escapePath } from "./path.ts"

const RESOURCES = "^/api/resource-service/v1/project"
const NAME = "[^/]+"

/** Not public, whoever asks and with whatever method; upper and lower case are the same here. */
const BLOCKED = new RegExp(
  [
    `${RESOURCES}$`,
    `${RESOURCES}/${NAME}$`,
    `${RESOURCES}/${NAME}/stage$`,
    `${RESOURCES}/${NAME}/stage/${NAME}$`,
    `${RESOURCES}/${NAME}/stage/${NAME}/service$`,
    `${RESOURCES}/${NAME}/stage/${NAME}/service/${NAME}$`,
    `${RESOURCES}/${NAME}/service/${NAME}/resource$`,
    `${RESOURCES}/${NAME}/service/${NAME}/resource/${NAME}$`,
    "/api/statistics/v1/event",
    "^/api/mongodb-datastore/health$",
  ].join("|"),
  "i",
)

/** Where the docs were, and where people look for them. */
const DOCS = new Set(["/", "/api/swagger-ui", "/api/swagger-ui/"])
/** Services that sent a path with a slash at its end to the one without. */
const WITHOUT_SLASH = /^\/api\/(controlPlane|secrets|statistics)\/.*[^/]\/$/

/** Refuses and redirects as Keptn's gateway does. Refusals come before authentication. */
export function keptnRules(): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { path, method } = c.req
    const search = () => new URL(c.req.url).search
    const reads = method === "GET" || method === "HEAD"
    if (reads && DOCS.has(path)) return c.redirect(`/api${search()}`, 301)
    if (c.env.target?.plane !== "regional") return next()
    if (isBlocked(path, method)) throw new ApiError("permission_denied", `${method} ${path} is not public`)
    if (WITHOUT_SLASH.test(path)) return c.redirect(`${escapePath(path.slice(0, -1))}${search()}`, reads ? 301 : 307)
    return next()
  }
}

function isBlocked(path: string, method: string): boolean {
  if (path === "/api/mongodb-datastore/event") return !["GET", "HEAD", "OPTIONS"].includes(method)
  if (method === "DELETE" && path.startsWith("/api/controlPlane/v1/log")) return true
  return BLOCKED.test(path)
}
