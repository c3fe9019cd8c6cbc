/** The api-service collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { openApiHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { type ApiSettings, checkAuthenticationHandler, getMetadataHandler, sendEventHandler } from "./handlers.ts"
import { importPackageHandler } from "./import-handler.ts"
import { authenticationChecks, getMetadata, importPackage, sendEvent } from "./routes.ts"
import { sentEventSchema } from "./schemas.ts"

/** Wires the routes of the collection to their handlers. */
export function createApiCollection(settings: ApiSettings): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: openApiHook })
  app.openAPIRegistry.register("KeptnContextExtendedCE", sentEventSchema)
  for (const check of authenticationChecks) app.openapi(check, checkAuthenticationHandler)
  app.openapi(getMetadata, getMetadataHandler)
  app.openapi(sendEvent, sendEventHandler(settings))
  app.openapi(importPackage, importPackageHandler(settings))
  return app
}
