/** What the handlers of the identity collection find in their context. */
import type { RouteConfig, RouteHandler } from "@hono/zod-openapi"
import type { Actor } from "../../directory/audit.ts"
import type { Directory } from "../../directory/directory.ts"
import { principalOf } from "../../gateway/authorize.ts"
import { clientAddress } from "../../gateway/client-address.ts"
import type { GatewayEnv, RequestFacts } from "../../gateway/environment.ts"

/** A gateway request with the organization's directory. */
export interface IdentityEnv extends GatewayEnv {
  Variables: GatewayEnv["Variables"] & {
    directory: Directory
    /** The regions that roles can be assigned in. */
    regions: readonly string[]
    /** Told after a change of who may do what, so that it holds in this isolate at once. */
    rightsChanged: () => void
  }
}

/** A handler that is typed from the route it serves. */
export type IdentityHandler<Route extends RouteConfig> = RouteHandler<Route, IdentityEnv>

/** Who makes a change, for the audit trail. */
export function actorOf(c: RequestFacts & { req: { raw: Request } }): Actor {
  return { principal: principalOf(c), requestId: c.var.requestId, address: clientAddress(c.req.raw.headers) }
}
