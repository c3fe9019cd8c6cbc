/** The resource-service collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { list, read, scopeOf, write } from "./handlers.ts"
import * as routes from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createResourceCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.use("/api/resource-service/*", lenientJson())

  for (const route of [routes.listProjectResources, routes.listStageResources, routes.listServiceResources] as const) {
    app.openapi(route, async (c) => c.json(await list(c, scopeOf(c.req.valid("param")), c.req.valid("query")), 200))
  }
  for (const route of [
    routes.writeProjectResources,
    routes.writeStageResources,
    routes.writeServiceResources,
  ] as const) {
    app.openapi(route, async (c) => c.json(await write(c, scopeOf(c.req.valid("param")), c.req.valid("json")), 201))
  }
  for (const route of [routes.readProjectResource, routes.readStageResource, routes.readServiceResource] as const) {
    app.openapi(route, async (c) => {
      const resource = await read(c, scopeOf(c.req.valid("param")), c.req.valid("query").gitCommitID)
      return resource === null ? c.body(null, 304) : c.json(resource, 200)
    })
  }
  return app
}
