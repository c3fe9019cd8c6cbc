/** The mongodb-datastore collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { openApiHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { listEventsHandler } from "./handlers.ts"
import { listEvents } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createDatastoreCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: openApiHook })
  app.openapi(listEvents, listEventsHandler)
  return app
}
