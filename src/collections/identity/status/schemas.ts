/** The shapes of the status. */
import { z } from "@hono/zod-openapi"
import { timestamp } from "../schemas.ts"

const isReachable = z.boolean().openapi({ example: true })
const databaseStatus = {
  database: z.object({
    reachable: isReachable,
    bytes: z.number().int().nullable().openapi({ example: 118_784, description: "null when it cannot be reached" }),
  }),
  migrations: z
    .object({
      applied: z.array(z.string()).openapi({ example: ["0000_partition.sql"] }),
      pending: z
        .array(z.string())
        .openapi({ example: [], description: "What this version needs and is not there yet" }),
    })
    .nullable(),
  jobs: z.array(
    z
      .object({
        name: z.string().openapi({ example: "collect-garbage" }),
        started_at: timestamp,
        duration_ms: z.number().int().openapi({ example: 12 }),
        failed: z.boolean().openapi({ example: false }),
      })
      .openapi("JobRun", { description: "The last run of a scheduled job" }),
  ),
}
const reachable = z.object({ reachable: isReachable })

export const statusSchema = z
  .object({
    status: z.enum(["ok", "degraded"]).openapi({ example: "ok" }),
    version: z.string().openapi({
      example: "65e24a65-06fc-4cc1-b077-254bcbf0299f",
      description: "The id of the deployed version of the Worker",
    }),
    directory: z.object(databaseStatus),
    regions: z.array(
      z.object({
        region: z.string().openapi({ example: "eu" }),
        ...databaseStatus,
        bucket: reachable,
        cache: reachable.nullable().openapi({ description: "null where this region may not be cached" }),
        oldest_event: timestamp
          .nullable()
          .openapi({ description: "The time of the event that was stored first; null without events" }),
      }),
    ),
  })
  .openapi("Status")
