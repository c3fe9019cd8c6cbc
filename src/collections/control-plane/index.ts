/** The control-plane collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import * as handlers from "./handlers.ts"
import * as routes from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createControlPlaneCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.use("/api/controlPlane/*", lenientJson())
  app.openapi(routes.listProjects, handlers.listProjects)
  app.openapi(routes.createProject, handlers.createProject)
  app.openapi(routes.getProject, handlers.getProject)
  app.openapi(routes.deleteProject, handlers.deleteProject)
  app.openapi(routes.listStages, handlers.listStages)
  app.openapi(routes.createService, handlers.createService)
  return app
}
