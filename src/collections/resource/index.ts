/** The resource-service collection, and the older name under which Keptn's clients know it. */
import { OpenAPIHono, type z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { lenientJson } from "../../gateway/lenient-json.ts"
import { isRawFile } from "../../gateway/raw-body.ts"
import { ginHook } from "../../gateway/validation.ts"
import type { Scope } from "../../partition/scope.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { configurationService, type ResourceDialect, resourceService } from "./dialects.ts"
import { list, read, remove, write, writeOne } from "./handlers.ts"
import * as history from "./history-handlers.ts"
import { listCommits, readCommit, revertCommit } from "./history-routes.ts"
import { type Names, scopeOf } from "./named-resource.ts"
import { contribute } from "./parameters.ts"
import { writeRaw } from "./raw-files.ts"
import { resourceRoutes } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createResourceCollection(): RegionalCollection {
  const app = createCollection(resourceService)
  app.openapi(listCommits, async (c) =>
    c.json(await history.list(c, c.req.valid("param").projectName, c.req.valid("query")), 200),
  )
  app.openapi(readCommit, async (c) => {
    const { projectName, commitID } = c.req.valid("param")
    return c.json(await history.read(c, branchScope(projectName, c.req.valid("query").stage), commitID), 200)
  })
  app.openapi(revertCommit, async (c) => {
    const { projectName, commitID } = c.req.valid("param")
    return c.json(await history.revert(c, branchScope(projectName, c.req.valid("query").stage), commitID), 201)
  })
  return app
}

/** The same API as Keptn up to 0.17 had it. */
export function createConfigurationCollection(): RegionalCollection {
  return createCollection(configurationService)
}

function createCollection(dialect: ResourceDialect): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  const routes = resourceRoutes(dialect)
  app.use(`${dialect.base}/*`, lenientJson())

  for (const route of routes.list) {
    app.openapi(route, async (c) => {
      const page = await list(c, scopeOf(c.req.valid("param")), c.req.valid("query"))
      return page === null ? c.body(null, 304) : c.json(page, 200)
    })
  }
  for (const route of routes.create) {
    app.openapi(route, async (c) =>
      c.json(await write(c, dialect, scopeOf(c.req.valid("param")), c.req.valid("json")), 201),
    )
  }
  for (const route of routes.update) {
    app.openapi(route, async (c) =>
      c.json(await write(c, dialect, scopeOf(c.req.valid("param")), c.req.valid("json")), dialect.updated),
    )
  }
  for (const route of routes.read) {
    app.openapi(route, (c) => read(c, scopeOf(c.req.valid("param")), c.req.valid("query").gitCommitID))
  }
  for (const route of routes.updateOne) {
    // Ahead of the route, whose validator would read the body as JSON.
    app.put(route.getRoutingPath(), contribute.middleware, rawFiles(dialect, route.request.params))
    app.openapi(route, async (c) =>
      c.json(await writeOne(c, dialect, scopeOf(c.req.valid("param")), c.req.valid("json")), dialect.updated),
    )
  }
  for (const route of routes.remove) {
    app.openapi(route, async (c) => {
      const result = await remove(c, dialect, scopeOf(c.req.valid("param")))
      return dialect.deletedIsEmpty ? c.body(null, 204) : c.json(result, 200)
    })
  }
  return app
}

/** The scope that has a whole branch to itself. */
function branchScope(project: string, stage: string | undefined): Scope {
  return { project, stage: stage ?? null, service: null }
}

/** Takes the requests whose body is the file itself. */
function rawFiles(dialect: ResourceDialect, names: z.ZodType<Names>): MiddlewareHandler<RegionalEnv> {
  return async (c, next) => {
    if (!isRawFile(c.req)) return next()
    return c.json(await writeRaw(c, dialect, scopeOf(names.parse(c.req.param()))), dialect.updated)
  }
}
