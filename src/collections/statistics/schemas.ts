/** The shapes of the statistics API. */
import { z } from "@hono/zod-openapi"
import { typedParameter } from "../../gateway/typed-parameter.ts"

/** The last second that RFC 3339 can write. */
const LAST_SECOND = 253_402_300_799

/** Seconds since 1970. */
const seconds = (description: string, example: number) =>
  typedParameter
    .refine((value) => value === undefined || /^\d{1,12}$/.test(value), "must be seconds since 1970")
    .transform((value) => (value === undefined ? undefined : Number(value)))
    .refine((value) => value === undefined || value <= LAST_SECOND, "must be seconds since 1970")
    .openapi({ type: "integer", description, example })

export const statisticsQuery = z.object({
  from: seconds("The start of the time frame, in seconds since 1970; 1970 when absent", 1_648_190_000),
  to: seconds("The end of the time frame, in seconds since 1970; now when absent", 4_102_444_800),
})

const countSchema = z
  .object({
    type: z.string().openapi({ example: "sh.keptn.event.deployment" }),
    count: z.number().int().openapi({ example: 3 }),
  })
  .openapi("TypeCount")

const serviceSchema = z
  .object({
    name: z.string().openapi({ example: "carts" }),
    events: z.array(countSchema).openapi({ description: "How many events there were of each type" }),
    keptnServiceExecutions: z
      .array(z.object({ name: z.string().openapi({ example: "helm-service" }), executions: z.array(countSchema) }))
      .openapi({ description: "How many tasks each source started, by the type of its events without `.started`" }),
    executedSequencesPerType: z
      .array(countSchema)
      .optional()
      .openapi({
        description:
          "How many sequences ended, by the type of their events without `.finished`: the `.finished` events of the source " +
          "`shipyard-controller`, as Keptn counts them. Absent when there are none.",
      }),
  })
  .openapi("ServiceStatistics")

/** What happened in a time frame. */
export const statisticsSchema = z
  .object({
    from: z.string().openapi({ format: "date-time", example: "2022-03-25T06:33:20Z" }),
    to: z.string().openapi({ format: "date-time", example: "2022-03-25T08:01:32Z" }),
    projects: z.array(
      z
        .object({ name: z.string().openapi({ example: "sockshop" }), services: z.array(serviceSchema) })
        .openapi("ProjectStatistics"),
    ),
  })
  .openapi("Statistics")
