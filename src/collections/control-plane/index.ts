/** The control-plane collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import * as events from "./event-handlers.ts"
import * as handlers from "./handlers.ts"
import { mountLogs } from "./logs/index.ts"
import * as routes from "./routes.ts"
import * as stages from "./stage-handlers.ts"
import { mountUniform } from "./uniform/index.ts"

/**
 * Wires the routes of the collection to their handlers. `integrationLifetime` is how long an integration is known without a
 * heartbeat, in milliseconds.
 */
export function createControlPlaneCollection(settings: { integrationLifetime: number }): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.use("/api/controlPlane/*", lenientJson())
  app.openapi(routes.listProjects, handlers.listProjects)
  app.openapi(routes.createProject, handlers.createProject)
  app.openapi(routes.getProject, handlers.getProject)
  app.openapi(routes.deleteProject, handlers.deleteProject)
  app.openapi(routes.updateProject, handlers.updateProject)
  app.openapi(routes.listStages, stages.listStages)
  app.openapi(routes.getStage, stages.getStage)
  app.openapi(routes.listServices, stages.listServices)
  app.openapi(routes.createService, stages.createService)
  app.openapi(routes.getService, stages.getService)
  app.openapi(routes.deleteService, stages.deleteService)
  app.openapi(routes.triggerEvaluation, events.triggerEvaluation)
  app.openapi(routes.listTriggeredEvents, events.listTriggeredEvents)
  mountUniform(app, settings.integrationLifetime)
  mountLogs(app)
  return app
}
