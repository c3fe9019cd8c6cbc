/** The contract of the mongodb-datastore API. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import { ApiError } from "../../gateway/errors.ts"
import {
  eventListSchema,
  eventPageSchema,
  eventQuery,
  eventTypeQuery,
  exportedLines,
  exportQuery,
  importedLines,
  importQuery,
  importResultSchema,
} from "./schemas.ts"

export const listEvents = createRoute({
  ...requires({ on: "projects", action: "read" }),
  method: "get",
  path: "/api/mongodb-datastore/event",
  operationId: "listEvents",
  tags: ["events"],
  summary: "Find events",
  description:
    "A page of the events that meet all conditions, newest first. An event is found as soon as its sending was answered. Without `project`, `keptnContext` and `eventID` only events that belong " +
    "to no project are searched, as in Keptn.",
  request: { query: eventQuery },
  responses: {
    200: { description: "A page of events", content: { "application/json": { schema: eventPageSchema } } },
    ...keptnErrors("invalid_request", "validation_failed"),
  },
})

export const listEventsOfType = createRoute({
  ...requires({ on: "projects", action: "read" }),
  method: "get",
  path: "/api/mongodb-datastore/event/type/{eventType}",
  operationId: "listEventsOfType",
  tags: ["events"],
  summary: "Find events of a type",
  description:
    "Events of one type that meet a filter, newest first, at most 100; there are no pages. The filter can ask for anything that stands in an " +
    "event, with at most 20 conditions.",
  request: {
    params: z.object({
      eventType: z.string().openapi({
        param: { name: "eventType", in: "path" },
        description: "The type of the events",
        example: "sh.keptn.event.dev.delivery.triggered",
      }),
    }),
    query: eventTypeQuery,
  },
  responses: {
    200: { description: "The events", content: { "application/json": { schema: eventListSchema } } },
    ...keptnErrors("invalid_request", "validation_failed"),
  },
})

/** A project that is not there, or that the caller may not see. */
export function projectNotFound(project: string): ApiError {
  return new ApiError("not_found", `project '${project}' not found`)
}

/** Typed by its media type no further than it is: the library would take lines of JSON for JSON. */
const lines: Record<string, { schema: typeof exportedLines }> = { "application/jsonl": { schema: exportedLines } }

export const exportEvents = createRoute({
  ...requires({ on: "body", action: "read" }),
  method: "get",
  path: "/api/mongodb-datastore/event/export",
  operationId: "exportEvents",
  tags: ["events"],
  summary: "Export all events of a project",
  description:
    "All events of a project, the oldest first, archived ones included, as JSON lines. Each has its place as `sequence`: when the answer " +
    "breaks off, ask again with `after` set to the last one that arrived. Beyond Keptn.",
  request: { query: exportQuery },
  responses: {
    200: { description: "One event on each line", content: lines },
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "validation_failed"),
  },
})

export const importEvents = createRoute({
  ...requires({ on: "body", action: "administer" }),
  method: "post",
  path: "/api/mongodb-datastore/event/import",
  operationId: "importEvents",
  tags: ["events"],
  summary: "Import events into a project",
  description:
    "Stores events with the ids and times that they have: what the export of another region answers, or events as Keptn's datastore has " +
    "them, one JSON object on each line, at most 1,000. A `sequence` is left out, everything else is kept; `id`, `type`, `source`, `time`, " +
    "`shkeptncontext` and a `data.project` that is the project of the query must be there. All lines are checked first; then " +
    "all events are stored or none. Those whose id is stored already are skipped, so that an import can be repeated. Nothing is triggered by it.\n\n" +
    "Import the oldest first. An event that is older than what was archived (`EVENT_RETENTION_DAYS`) is refused with 409, because the archive " +
    "is in the order of times. Beyond Keptn.",
  request: {
    query: importQuery,
    body: { required: true, content: { "application/jsonl": { schema: importedLines } } },
  },
  responses: {
    200: {
      description: "The events are stored",
      content: { "application/json": { schema: importResultSchema } },
    },
    ...keptnErrors(
      "invalid_request",
      "permission_denied",
      "not_found",
      "conflict",
      "payload_too_large",
      "unsupported_media_type",
      "validation_failed",
    ),
  },
})
