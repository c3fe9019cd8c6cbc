/** The contract of what an installation tells of itself. */
import { createRoute } from "@hono/zod-openapi"
import { problems } from "../../../gateway/responses.ts"
import { json, mayRead } from "../contract.ts"
import { statusSchema } from "./schemas.ts"

export const getStatus = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/status",
  operationId: "getStatus",
  tags: ["status"],
  summary: "Tell how the installation is",
  description:
    "Asks every storage of every region. `degraded` when one of them cannot be reached within five seconds, when a migration of this version is " +
    "missing, or when the last run of a job failed. What exactly went wrong is in the log. For a check that asks no storage there is " +
    "`/health`, which needs no token.",
  responses: { 200: json(statusSchema, "How it is"), ...problems("permission_denied") },
})
