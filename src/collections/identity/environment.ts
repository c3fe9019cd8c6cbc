/** What the handlers of the identity collection find in their context. */
import type { RouteConfig, RouteHandler } from "@hono/zod-openapi"
import type { GatewayEnv } from "../../gateway/environment.ts"
import type { Directory } from "../../directory/directory.ts"

/** A gateway request with the organization's directory. */
export interface IdentityEnv extends GatewayEnv {
  Variables: GatewayEnv["Variables"] & { directory: Directory }
}

/** A handler that is typed from the route it serves. */
export type IdentityHandler<Route extends RouteConfig> = RouteHandler<Route, IdentityEnv>
