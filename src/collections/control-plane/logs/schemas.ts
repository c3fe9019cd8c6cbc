/** The shapes of what integrations log. */
import { z } from "@hono/zod-openapi"
import { typedParameter } from "../../../gateway/typed-parameter.ts"

const LONGEST_MESSAGE = 16_384
const LONGEST_TEXT = 1024
const MOST_ENTRIES = 1000
/** The largest page, and that of a query which names no size. */
export const LARGEST_PAGE = 100

/** Go takes an absent text and null for an empty one. */
const text = (example: string, longest = LONGEST_TEXT) =>
  z
    .string()
    .max(longest)
    .nullish()
    .transform((value) => value ?? "")
    .openapi({ type: "string", maxLength: longest, example })

const EXAMPLE_INTEGRATION = "4a986e6ceedb358e0e34d062de1dea5ffc053b44"

const entryMembers = {
  integrationid: text(EXAMPLE_INTEGRATION),
  message: text("helm upgrade failed: timed out waiting for the condition", LONGEST_MESSAGE),
  shkeptncontext: text("08735340-6f9e-4b32-97ff-3b6c292bc509"),
  task: text("deployment"),
  triggeredid: text("1f2b4c1e-8a43-4a3c-9c53-0d1f4b8f6f0e"),
  gitcommitid: text("356a192b7913b04c54574d18c28d46e6395428ab"),
}

/** RFC 3339 as milliseconds since 1970, or null: Go sends its zero time where it has none. */
const time = z.iso
  .datetime({ offset: true, error: "must be a time like 2006-01-02T15:04:05.000Z" })
  .nullish()
  .transform((value) => {
    const milliseconds = Date.parse(value ?? "")
    return Number.isNaN(milliseconds) || milliseconds === ZERO_TIME ? null : milliseconds
  })
  .openapi({ type: "string", format: "date-time", description: "The time of arrival when absent" })

const ZERO_TIME = Date.parse("0001-01-01T00:00:00Z")

/** Entries as integrations send them. */
export const sentLogsSchema = z
  .object({
    logs: z
      .array(z.object({ ...entryMembers, time }))
      .max(MOST_ENTRIES)
      .nullish()
      .transform((value) => value ?? []),
  })
  .openapi("CreateLogsRequest")

export const nothingSchema = z.object({}).openapi("Nothing")

const entrySchema = z
  .object({ ...entryMembers, time: z.string().openapi({ format: "date-time", example: "2022-03-08T09:45:44.213Z" }) })
  .openapi("LogEntry")

/** A page of entries, newest first. */
export const logPageSchema = z
  .object({
    logs: z.array(entrySchema),
    nextPageKey: z
      .number()
      .int()
      .optional()
      .openapi({ example: 17, description: "Where the next page starts; absent on the last one" }),
    totalCount: z.number().int().optional().openapi({
      example: 1,
      description: "How many entries match; absent when there are none and when there are more than 1,000",
    }),
  })
  .openapi("GetLogsResponse")

/** Keptn takes an absent and an empty text for the same. */
const parameter = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value))

const wholeNumber = typedParameter
  .refine((value) => value === undefined || /^-?\d{1,15}$/.test(value), "must be a whole number")
  .transform((value) => Number(value ?? 0))

/** The query of a search for entries. Conditions are combined with and. Keptn looks at the times later, see the handler. */
export const logQuery = z.object({
  integrationId: parameter.openapi({
    type: "string",
    description: "Only entries of this integration",
    example: EXAMPLE_INTEGRATION,
  }),
  fromTime: typedParameter.openapi({
    type: "string",
    format: "date-time",
    description: "Only entries of this time and later",
    example: "2022-03-08T09:45:44.213Z",
  }),
  beforeTime: typedParameter.openapi({
    type: "string",
    format: "date-time",
    description: "Only entries of this time and earlier",
    example: "2042-03-08T09:45:44.213Z",
  }),
  pageSize: wholeNumber.openapi({
    type: "integer",
    description: `Entries on a page, ${LARGEST_PAGE} when absent and at most`,
    example: 20,
  }),
  nextPageKey: wholeNumber.openapi({
    type: "integer",
    description: "The `nextPageKey` of the page before; absent or 0 for the first page",
    example: 0,
  }),
})
