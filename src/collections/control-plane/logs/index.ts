/** What integrations log. */
import type { RegionalCollection } from "../../regional.ts"
import { createLogsHandler, listLogsHandler } from "./handlers.ts"
import { createLogs, listLogs } from "./routes.ts"

/** Wires the routes to their handlers. */
export function mountLogs(app: RegionalCollection): void {
  app.openapi(listLogs, listLogsHandler)
  app.openapi(createLogs, createLogsHandler)
}
