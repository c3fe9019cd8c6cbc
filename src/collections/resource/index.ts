/** The resource-service collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { list, read, scopeOf, write } from "./handlers.ts"
import { listRoutes, readRoutes, writeRoutes } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createResourceCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.use("/api/resource-service/*", lenientJson())

  for (const route of listRoutes) {
    app.openapi(route, async (c) => c.json(await list(c, scopeOf(c.req.valid("param")), c.req.valid("query")), 200))
  }
  for (const route of writeRoutes) {
    app.openapi(route, async (c) => c.json(await write(c, scopeOf(c.req.valid("param")), c.req.valid("json")), 201))
  }
  for (const route of readRoutes) {
    app.openapi(route, async (c) => {
      const resource = await read(c, scopeOf(c.req.valid("param")), c.req.valid("query").gitCommitID)
      return resource === null ? c.body(null, 304) : c.json(resource, 200)
    })
  }
  return app
}
