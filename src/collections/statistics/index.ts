/** The statistics collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { getStatisticsHandler } from "./handlers.ts"
import { getStatistics } from "./routes.ts"

/** Wires the route of the collection to its handler. */
export function createStatisticsCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.openapi(getStatistics, getStatisticsHandler)
  return app
}
