/** The api-service collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { openApiHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { checkAuthenticationHandler, getMetadataHandler, sendEventHandler } from "./handlers.ts"
import { checkAuthentication, getMetadata, sendEvent } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createApiCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: openApiHook })
  app.openapi(checkAuthentication, checkAuthenticationHandler)
  // Keptn's gateway turns every method into the POST, and its clients have come to use several.
  app.all(checkAuthentication.path, checkAuthentication.middleware, (c) => c.body(null, 200))
  app.openapi(getMetadata, getMetadataHandler)
  app.openapi(sendEvent, sendEventHandler)
  return app
}
