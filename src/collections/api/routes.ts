/** The contract of the api-service API. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import { eventContextSchema, metadataSchema, sentEventSchema } from "./schemas.ts"

export const checkAuthentication = createRoute({
  ...requires({ on: "token" }),
  method: "post",
  path: "/api/v1/auth",
  operationId: "checkAuthentication",
  tags: ["installation"],
  summary: "Check a token",
  description: "Answers with an empty body when the token is valid. Every method does the same, as in Keptn.",
  responses: { 200: { description: "The token is valid" }, ...keptnErrors() },
})

export const getMetadata = createRoute({
  ...requires({ on: "token" }),
  method: "get",
  path: "/api/v1/metadata",
  operationId: "getMetadata",
  tags: ["installation"],
  summary: "Describe the installation",
  responses: {
    200: { description: "The installation", content: { "application/json": { schema: metadataSchema } } },
    ...keptnErrors(),
  },
})

export const sendEvent = createRoute({
  ...requires({ on: "body", action: "integrate" }),
  method: "post",
  path: "/api/v1/event",
  operationId: "sendEvent",
  tags: ["events"],
  summary: "Send an event",
  description:
    "Stores a CloudEvent and answers its Keptn context. `id` and `time` are given by the server. A context that is no UUID " +
    "is turned into one, always the same. Events that only report on a task (`….started`, `….status.changed`, `….finished`, " +
    "logs) need the role Integration on their project, all others Contributor; an event of no project needs it on all.",
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: sentEventSchema },
        "application/cloudevents+json": { schema: sentEventSchema },
      },
    },
  },
  responses: {
    200: { description: "The context of the event", content: { "application/json": { schema: eventContextSchema } } },
    ...keptnErrors(
      "invalid_request",
      "permission_denied",
      "not_found",
      "payload_too_large",
      "unsupported_media_type",
      "validation_failed",
    ),
  },
})
