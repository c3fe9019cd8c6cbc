/** Git's smart HTTP protocol. */
import { OpenAPIHono } from "@hono/zod-openapi"
import { ginHook } from "../../gateway/validation.ts"
import type { RegionalCollection, RegionalEnv } from "../regional.ts"
import { advertise, fetchFrom, pushTo } from "./handlers.ts"
import { infoRefs, receivePack, uploadPack } from "./routes.ts"

/** Wires the routes of the collection to their handlers. */
export function createGitCollection(): RegionalCollection {
  const app = new OpenAPIHono<RegionalEnv>({ defaultHook: ginHook })
  app.openapi(infoRefs, (c) => advertise(c, c.req.valid("param").projectName, c.req.valid("query").service))
  app.openapi(uploadPack, (c) => fetchFrom(c, c.req.valid("param").projectName))
  app.openapi(receivePack, (c) => pushTo(c, c.req.valid("param").projectName))
  return app
}
