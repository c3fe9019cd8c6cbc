/** What the handlers of every regional collection find in their context. */
import type { OpenAPIHono, RouteConfig, RouteHandler } from "@hono/zod-openapi"
import type { GatewayEnv } from "../gateway/environment.ts"
import type { Partition } from "../partition/partition.ts"

/** A gateway request with the data of the region that its host named. */
export interface RegionalEnv extends GatewayEnv {
  Variables: GatewayEnv["Variables"] & { partition: Partition }
}

/** A handler that is typed from the route it serves. */
export type RegionalHandler<Route extends RouteConfig> = RouteHandler<Route, RegionalEnv>

/** A collection's routes with its OpenAPI document. */
export type RegionalCollection = OpenAPIHono<RegionalEnv>
