/** What every request passes before a handler, in this order, and what becomes of those that no handler takes. */
import { type Context, Hono, type MiddlewareHandler } from "hono"
import { methodNotAllowed } from "hono/method-not-allowed"
import { METHOD_NAME_ALL } from "hono/router"
import type { RouterRoute } from "hono/types"
import { authenticate, type Authentication } from "./authenticate.ts"
import { decodeBodies } from "./body-encoding.ts"
import { errorResponse } from "./dialect.ts"
import { docsMeant, indexAbove, refuseDocsPaths } from "./docs-paths.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { portSuffix, requestedHost } from "./host.ts"
import { isOpen } from "./open-paths.ts"
import { keptnRules } from "./keptn-rules.ts"
import { notAllowed, refuseTemplatesMethods } from "./methods.ts"
import { nearPath } from "./near-path.ts"
import { routedPath } from "./path.ts"
import { limitBodies } from "./raw-body.ts"
import { requestContext } from "./request-context.ts"

/** What the gateway needs to know of a deployment. */
export interface GatewaySettings {
  hostNames: readonly string[]
  maxBodyBytes: number
  maxRawBytes: number
  serverTiming: boolean
  /** How long a call to storage may take, in milliseconds. */
  storageTimeout: number
  version: string
  authentication: Authentication
}

/** What differs from plane to plane. */
export interface PlaneSettings {
  /** May say where a path that is not here is served. `port` is that of the request, with its colon, or empty. */
  elsewhere: (path: string, port: string) => string | null
  /** Serves what is not served by routes; comes before they are looked for. */
  proxy?: MiddlewareHandler<GatewayEnv>
  /** Whether that reads the body of a request, and limits it. */
  isProxied?: (c: Context<GatewayEnv>) => boolean
}

/** A gateway without routes: the caller mounts them on it. */
export function createGateway(settings: GatewaySettings, plane: PlaneSettings): Hono<GatewayEnv> {
  const { elsewhere, proxy, isProxied = () => false } = plane
  const app = new Hono<GatewayEnv>({ getPath: routedPath })
  app.use(requestContext(settings))
  app.use(knownHost(settings.hostNames))
  app.use(limitBodies(settings, isProxied))
  app.use(keptnRules())
  app.use(refuseDocsPaths(isProxied))
  app.use(authenticate(settings.authentication, isOpen))
  if (proxy) app.use(proxy)
  app.use(decodeBodies(settings, isProxied))
  app.use(refuseTemplatesMethods(() => app.routes))
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        // Hono hands on the headers of the 404 in whose place this comes.
        c.res.headers.delete("Link")
        return errorResponse(c, notAllowed(c.req.method, methods))
      },
    }),
  )
  app.notFound((c) => errorResponse(c, new ApiError("not_found", notFoundText(c, app.routes, elsewhere))))
  app.onError((error, c) => errorResponse(c, error))
  return app
}

function notFoundText(
  c: Context<GatewayEnv>,
  routes: readonly RouterRoute[],
  elsewhere: PlaneSettings["elsewhere"],
): string {
  const { pathname } = new URL(c.req.url)
  const docs = docsMeant(c.req.path)
  // Each host has docs of its own.
  const other = docs === null ? elsewhere(pathname, portSuffix(c.req.url)) : null
  if (other !== null) return other
  const patterns = new Set(routes.filter(({ method }) => method !== METHOD_NAME_ALL).map(({ path }) => path))
  const near = docs ?? nearPath(c.req.path, patterns) ?? indexAbove(c.req.path)
  return `path ${pathname} was not found${near === null ? "" : `: did you mean ${near}?`}`
}

function knownHost(hostNames: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    if (c.env.target === null) throw unknownHost(c.req.raw, hostNames)
    await next()
  }
}

function unknownHost(request: Request, hostNames: readonly string[]): ApiError {
  const host = requestedHost(request)
  if (host === null) {
    return new ApiError("invalid_request", "Host must name one host, and the target of the request must be a path")
  }
  const port = portSuffix(request.url)
  const known = hostNames.map((name) => name + port).join(", ")
  return new ApiError("misdirected_request", `host '${host}' is not served here: use ${known}`)
}
