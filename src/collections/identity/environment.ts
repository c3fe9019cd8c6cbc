/** What the handlers of the identity collection find in their context. */
import type { RouteConfig, RouteHandler } from "@hono/zod-openapi"
import type { Actor } from "../../directory/audit.ts"
import type { Directory } from "../../directory/directory.ts"
import { principalOf } from "../../gateway/authorize.ts"
import { clientAddress } from "../../gateway/client-address.ts"
import type { GatewayEnv, RequestFacts } from "../../gateway/environment.ts"
import type { DatabaseStatus } from "../../lib/job-runs.ts"

/** A database: what it tells of itself, null when it cannot be reached, and the migrations that this version counts on. */
interface ReachedDatabase {
  database: DatabaseStatus | null
  expected: readonly string[]
}

/** A region: whether its bucket and its cache (null: it has none) can be reached, and the time of its oldest event. */
export interface RegionStatus extends ReachedDatabase {
  region: string
  bucket: boolean
  cache: boolean | null
  oldestEvent: number | null
}

/** How the installation is. */
export interface InstallationStatus {
  version: string
  directory: ReachedDatabase
  regions: readonly RegionStatus[]
}

/** A gateway request with the organization's directory. */
export interface IdentityEnv extends GatewayEnv {
  Variables: GatewayEnv["Variables"] & {
    directory: Directory
    /** The regions that roles can be assigned in. */
    regions: readonly string[]
    /** Asks all storage of all planes: how that is done is not this collection's business. */
    readStatus: () => Promise<InstallationStatus>
  }
}

/** A handler that is typed from the route it serves. */
export type IdentityHandler<Route extends RouteConfig> = RouteHandler<Route, IdentityEnv>

/** Who makes a change, for the audit trail. */
export function actorOf(c: RequestFacts & { req: { raw: Request } }): Actor {
  return { principal: principalOf(c), requestId: c.get("requestId"), address: clientAddress(c.req.raw.headers) }
}
