/** The secrets collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import * as handlers from "./handlers.ts"
import * as routes from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createSecretsCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.use("/api/secrets/*", lenientJson())
  app.openapi(routes.listSecrets, handlers.listSecrets)
  app.openapi(routes.createSecret, handlers.createSecret)
  app.openapi(routes.updateSecret, handlers.updateSecret)
  app.openapi(routes.deleteSecret, handlers.deleteSecret)
  app.openapi(routes.listScopes, handlers.listScopes)
  return app
}
