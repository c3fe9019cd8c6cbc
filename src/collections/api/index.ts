/** The api-service collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { openApiHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { type ApiSettings, checkAuthenticationHandler, getMetadataHandler, sendEventHandler } from "./handlers.ts"
import { importPackageHandler } from "./import-handler.ts"
import { checkAuthentication, getMetadata, importPackage, sendEvent } from "./routes.ts"
import { sentEventSchema } from "./schemas.ts"

/** Wires the routes of the collection to their handlers. */
export function createApiCollection(settings: ApiSettings): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: openApiHook })
  app.openAPIRegistry.register("KeptnContextExtendedCE", sentEventSchema)
  app.openapi(checkAuthentication, checkAuthenticationHandler)
  // Keptn's gateway turns every method into the POST, and its clients have come to use several.
  app.all(checkAuthentication.path, checkAuthentication.middleware, (c) => c.body(null, 200))
  app.openapi(getMetadata, getMetadataHandler)
  app.openapi(sendEvent, sendEventHandler(settings))
  app.openapi(importPackage, importPackageHandler(settings))
  return app
}
