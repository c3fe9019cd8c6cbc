/** What the handlers of every regional collection find in their context. */
import type { OpenAPIHono, RouteConfig, RouteHandler } from "@hono/zod-openapi"
import type { GatewayEnv } from "../gateway/environment.ts"
import type { Partition } from "../partition/partition.ts"
import type { RoleChange } from "../partition/role-changes.ts"

/** A gateway request with the data of the region that its host named. */
export interface RegionalEnv extends GatewayEnv {
  Variables: GatewayEnv["Variables"] & {
    partition: Partition
    /**
     * Encrypts a text for a purpose, which must be given again to decrypt it. Throws an `ApiError` where the deployment has no
     * keys.
     */
    seal: (purpose: string, text: string) => Promise<string>
    /** Tells the directory what a project's creation or deletion asks of it; a job repeats what fails. */
    settleRoleChange: (change: RoleChange) => Promise<void>
  }
}

/** A handler that is typed from the route it serves. */
export type RegionalHandler<Route extends RouteConfig> = RouteHandler<Route, RegionalEnv>

/** A collection's routes with its OpenAPI document. */
export type RegionalCollection = OpenAPIHono<RegionalEnv>
