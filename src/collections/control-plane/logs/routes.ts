/** The contract of what integrations log. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../../gateway/authorize.ts"
import { keptnErrors } from "../../../gateway/responses.ts"
import { logPageSchema, logQuery, nothingSchema, sentLogsSchema } from "./schemas.ts"

const PATH = "/api/controlPlane/v1/log"

export const createLogs = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "post",
  path: PATH,
  operationId: "createLogs",
  tags: ["logs"],
  summary: "Log errors of integrations",
  description:
    "Stores all entries or none, at most 1,000, and keeps them for 120 hours. The same request again stores them again. One without " +
    "entries is answered with 500, as in Keptn.",
  request: { body: { required: true, content: { "application/json": { schema: sentLogsSchema } } } },
  responses: {
    200: { description: "The entries are stored", content: { "application/json": { schema: nothingSchema } } },
    ...keptnErrors("invalid_request", "permission_denied", "payload_too_large", "keptn_failure"),
  },
})

export const listLogs = createRoute({
  ...requires({ on: "any-project", action: "read" }),
  method: "get",
  path: PATH,
  operationId: "listLogs",
  tags: ["logs"],
  summary: "Find what integrations logged",
  description:
    "A page of the entries that meet all conditions, newest first: those about events of projects that the caller may read, and for Admin of " +
    "all projects those about no project. Times must be written as `2006-01-02T15:04:05.000Z`; other ones are answered with " +
    "404, as in Keptn.",
  request: { query: logQuery },
  responses: {
    200: { description: "A page of entries", content: { "application/json": { schema: logPageSchema } } },
    ...keptnErrors("invalid_request", "permission_denied", "not_found"),
  },
})
