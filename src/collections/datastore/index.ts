/** The mongodb-datastore collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { openApiHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { exportEventsHandler, importEventsHandler, listEventsHandler, listEventsOfTypeHandler } from "./handlers.ts"
import { exportEvents, importEvents, listEvents, listEventsOfType } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createDatastoreCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: openApiHook })
  app.openapi(listEvents, listEventsHandler)
  app.openapi(listEventsOfType, listEventsOfTypeHandler)
  app.openapi(exportEvents, exportEventsHandler)
  app.openapi(importEvents, importEventsHandler)
  return app
}
