/** The contract of the mongodb-datastore API. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import { eventPageSchema, eventQuery } from "./schemas.ts"

export const listEvents = createRoute({
  ...requires({ on: "projects", action: "read" }),
  method: "get",
  path: "/api/mongodb-datastore/event",
  operationId: "listEvents",
  tags: ["events"],
  summary: "Find events",
  description:
    "Events that meet all conditions, newest first. Without `project`, `keptnContext` and `eventID` only events that belong " +
    "to no project are searched, as in Keptn.",
  request: { query: eventQuery },
  responses: {
    200: { description: "A page of events", content: { "application/json": { schema: eventPageSchema } } },
    ...keptnErrors("validation_failed"),
  },
})
