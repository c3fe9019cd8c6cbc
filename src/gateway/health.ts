/** Whether the Worker answers at all. Storage is not asked: it would be down for one region only. */
import { Hono } from "hono"
import type { GatewayEnv } from "./environment.ts"

/** Where Keptn's services told of their health; these need a token, as there. */
const OF_SERVICES = ["controlPlane", "secrets", "statistics", "resource-service"]

/** `/health`, and `/nginx-health` as Keptn's gateway has it. */
export function createHealth(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  app.get("/health", (c) => c.json({ status: "ok" }))
  app.get("/nginx-health", (c) => c.text("OK\n"))
  return app
}

/** The health of Keptn's services, each of which is this Worker. */
export function createServiceHealth(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  app.get("/api/health", (c) => c.body(null, 200))
  for (const service of OF_SERVICES) app.get(`/api/${service}/health`, (c) => c.body(null, 200))
  return app
}
