/** Liveness: the Worker runs and its configuration is sound. Storage is not asked. */
import { Hono } from "hono"
import type { GatewayEnv } from "./environment.ts"

/** `/health`, and `/nginx-health` as Keptn's gateway has it. */
export function createHealth(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  app.get("/health", (c) => c.json({ status: "ok" }))
  app.get("/nginx-health", (c) => c.text("OK\n"))
  return app
}
