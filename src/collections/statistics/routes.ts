/** The contract of the statistics API. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { statisticsErrors } from "../../gateway/responses.ts"
import { MOST_COUNTERS } from "../../partition/event-counts.ts"
import { statisticsQuery, statisticsSchema } from "./schemas.ts"

export const getStatistics = createRoute({
  ...requires({ on: "projects", action: "read" }),
  method: "get",
  path: "/api/statistics/v1/statistics",
  operationId: "getStatistics",
  tags: ["statistics"],
  summary: "Count what happened in a time frame",
  description:
    "Events that named a project and a service are counted by the half hour: every half hour that the time frame touches counts as a " +
    "whole. A time frame that ended before the current half hour, and in which nothing was counted, is answered with 404. Counters are " +
    `kept for 400 days. A time frame with more than ${MOST_COUNTERS} of them (one for each half hour, project, service, type and source ` +
    "that occurred) is refused.",
  request: { query: statisticsQuery },
  responses: {
    200: { description: "The counts", content: { "application/json": { schema: statisticsSchema } } },
    ...statisticsErrors("invalid_request", "not_found"),
  },
})
