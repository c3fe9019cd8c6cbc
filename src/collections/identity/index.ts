/** The identity collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import type { IdentityEnv } from "./environment.ts"
import { getMeHandler, getOrganizationHandler } from "./handlers.ts"
import { getMe, getOrganization, type IdentityBase } from "./routes.ts"

/** Wires the routes of the collection, below `base`, to their handlers. */
export function createIdentityCollection(base: IdentityBase): OpenAPIHono<IdentityEnv> {
  const app = new OpenAPIHono<IdentityEnv>()
  app.openapi(getOrganization(base), getOrganizationHandler)
  app.openapi(getMe(base), getMeHandler)
  return app
}
