/** What every request passes before a handler, in this order, and what becomes of those that no handler takes. */
import { type Context, Hono, type MiddlewareHandler } from "hono"
import { methodNotAllowed } from "hono/method-not-allowed"
import { authenticate, type Authentication } from "./authenticate.ts"
import { decodeBodies } from "./body-encoding.ts"
import { errorResponse } from "./dialect.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { isOpen } from "./open-paths.ts"
import { keptnRules } from "./keptn-rules.ts"
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
  /** May say where a path that is not here is served. */
  elsewhere: (path: string) => string | null
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
  app.use(authenticate(settings.authentication, isOpen))
  if (proxy) app.use(proxy)
  app.use(decodeBodies(settings, isProxied))
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        // Hono hands on the headers of the 404 in whose place this comes.
        c.res.headers.delete("Link")
        const allowed = methods.toSorted().join(", ")
        const text = `method ${c.req.method} is not allowed, but [${allowed.replaceAll(" ", "")}] are`
        return errorResponse(c, new ApiError("method_not_allowed", text, { headers: { Allow: allowed } }))
      },
    }),
  )
  app.notFound((c) => {
    const { pathname } = new URL(c.req.url)
    const text = elsewhere(pathname) ?? `path ${pathname} was not found`
    return errorResponse(c, new ApiError("not_found", text))
  })
  app.onError((error, c) => errorResponse(c, error))
  return app
}

function knownHost(hostNames: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    if (c.env.target === null) {
      const { hostname } = new URL(c.req.url)
      throw new ApiError("misdirected_request", `host '${hostname}' is not served here: use ${hostNames.join(", ")}`)
    }
    await next()
  }
}
