/** The shapes of the mongodb-datastore API. */
import { z } from "@hono/zod-openapi"
import { typedParameter } from "../../gateway/typed-parameter.ts"

const LARGEST_PAGE = 100
const DEFAULT_PAGE = 20

/** Keptn takes an absent and an empty text for the same. */
const text = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value))

/** RFC 3339, as milliseconds since 1970. Real instants are compared, whatever zone they are written in. */
const instant = typedParameter.transform((value, check) => {
  if (value === undefined) return undefined
  const time = Date.parse(value)
  if (Number.isNaN(time)) {
    check.addIssue({ code: "custom", message: `must be of type date-time: "${value}"` })
    return z.NEVER
  }
  return time
})

/** A number from 1 to the largest page. */
function wholeNumber(absent: number) {
  return typedParameter
    .transform((value, check) => {
      if (value === undefined || /^-?\d{1,9}$/.test(value)) return Number(value ?? absent)
      check.addIssue({ code: "custom", message: `must be of type int64: "${value}"` })
      return z.NEVER
    })
    .pipe(z.number().min(1).max(LARGEST_PAGE))
}

const filter = (description: string, example: string) => text.openapi({ type: "string", description, example })

/** The query of an event search. Conditions are combined with and. */
export const eventQuery = z.object({
  keptnContext: filter("Only events of this context", "08735340-6f9e-4b32-97ff-3b6c292bc509"),
  type: filter("Only events of this type", "sh.keptn.event.dev.delivery.triggered"),
  project: filter("Only events of this project", "sockshop"),
  stage: filter("Only events of this stage", "dev"),
  service: filter("Only events of this service", "carts"),
  source: filter("Only events of this source", "shipyard-controller"),
  eventID: filter("Only the event with this id", "1f2b4c1e-8a43-4a3c-9c53-0d1f4b8f6f0e"),
  root: filter("Any text: only the first event of each context", "true"),
  fromTime: instant.openapi({
    type: "string",
    format: "date-time",
    description: "Only events after this time",
    example: "2022-03-08T09:45:44.213Z",
  }),
  beforeTime: instant.openapi({
    type: "string",
    format: "date-time",
    description: "Only events before this time",
    example: "2042-03-08T09:45:44.213Z",
  }),
  pageSize: wholeNumber(DEFAULT_PAGE).openapi({
    type: "integer",
    minimum: 1,
    maximum: LARGEST_PAGE,
    description: `Events on a page, ${DEFAULT_PAGE} when absent`,
    example: 20,
  }),
  nextPageKey: filter("The `nextPageKey` of the page before; absent for the first page", "0"),
})

/** A stored event. */
const eventSchema = z
  .object({
    id: z.string().openapi({ example: "1f2b4c1e-8a43-4a3c-9c53-0d1f4b8f6f0e" }),
    type: z.string().openapi({ example: "sh.keptn.event.dev.delivery.triggered" }),
    source: z.string().openapi({ example: "https://github.com/keptn/keptn/cli#configuration-change" }),
    specversion: z.string().openapi({ example: "1.0" }),
    contenttype: z.string().openapi({ example: "application/json" }),
    time: z.string().openapi({ format: "date-time", example: "2022-03-08T09:45:44.213Z" }),
    shkeptncontext: z.string().openapi({ example: "08735340-6f9e-4b32-97ff-3b6c292bc509" }),
    triggeredid: z.string().optional(),
    gitcommitid: z.string().optional(),
    extensions: z.unknown().optional(),
    data: z
      .record(z.string(), z.unknown())
      .openapi({ example: { project: "sockshop", stage: "dev", service: "carts" } }),
  })
  .openapi("Event")

/** How many events of a type a caller wants. */
const limit = wholeNumber(DEFAULT_PAGE).openapi({
  type: "integer",
  minimum: 1,
  maximum: LARGEST_PAGE,
  description: `At most so many events, ${DEFAULT_PAGE} when absent`,
  example: 20,
})

const flag = typedParameter.transform((value, check) => {
  if (value === undefined) return false
  if (/^(true|false|1|0)$/i.test(value)) return /^(true|1)$/i.test(value)
  check.addIssue({ code: "custom", message: `must be of type boolean: "${value}"` })
  return z.NEVER
})

/** The query of a search by type. */
export const eventTypeQuery = z.object({
  filter: z.string().openapi({
    description:
      "`key:value AND key:value …`; keys are places in the event, several values are parted by commas. `data.project` or `shkeptncontext` must be among them",
    example: "data.project:sockshop AND data.stage:dev",
  }),
  excludeInvalidated: flag.openapi({
    type: "boolean",
    description: "Leave out events whose `triggeredid` an `….invalidated` event of the task has",
    example: true,
  }),
  fromTime: instant.openapi({
    type: "string",
    format: "date-time",
    description: "Only events after this time",
    example: "2022-03-08T09:45:44.213Z",
  }),
  limit,
})

/** The query of an export. */
export const exportQuery = z.object({
  project: z.string().openapi({ description: "The project whose events are wanted", example: "sockshop" }),
  after: z.string().optional().openapi({
    description: "The `sequence` of the last event that arrived, to go on behind it",
    example: "001700000000000-000000000000042",
  }),
})

/** The query of an import. */
export const importQuery = z.object({
  project: z
    .string()
    .min(1)
    .openapi({ description: "The project to which all of the events belong", example: "sockshop" }),
})

const EARLIEST = "1970-01-01T00:00:00Z"
/** Bounded, because those of all events of a request travel to the database in one value. */
const LONGEST_NAME = 256
const name = z
  .string()
  .min(1)
  .regex(
    new RegExp(`^\\P{Cc}{1,${LONGEST_NAME}}$`, "u"),
    `should have at most ${LONGEST_NAME} characters, and no control characters`,
  )
const longName = z
  .string()
  .min(1)
  .regex(/^\P{Cc}{1,1024}$/u, "should have at most 1024 characters, and no control characters")
const given = z.string().nullish()

/** What an event that is imported must have. Whatever else it has is kept. */
export const importedEventSchema = z.object({
  id: name,
  type: name,
  source: longName,
  time: z
    .string()
    .refine(
      (time) =>
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(time) &&
        Date.parse(time) >= Date.parse(EARLIEST),
      `must be of type date-time, not before ${EARLIEST}`,
    ),
  shkeptncontext: name,
  contenttype: given,
  triggeredid: given,
  gitcommitid: given,
  data: z.record(z.string(), z.unknown()),
})

/** Events as lines of JSON. Not a schema of zod, which would be taken for the validator of a JSON body. */
export const importedLines = {
  type: "string" as const,
  description: "An event on each line",
  example: `${JSON.stringify({
    id: "7c5d1f0e-6f4e-4c59-9a53-5d0c1b8f6f0e",
    type: "sh.keptn.event.dev.delivery.triggered",
    source: "https://github.com/keptn/keptn/cli#configuration-change",
    specversion: "1.0",
    time: "2022-03-08T09:45:44.213Z",
    shkeptncontext: "1f735340-6f9e-4b32-97ff-3b6c292bc509",
    data: { project: "sockshop", stage: "dev", service: "carts" },
  })}\n`,
}

/** What an import did. */
export const importResultSchema = z
  .object({
    stored: z.number().int().openapi({ example: 1, description: "How many events were stored" }),
    known: z
      .number()
      .int()
      .openapi({ example: 0, description: "How many were there already, or stand in the body twice" }),
  })
  .openapi("EventImport")

/** Events of a type, newest first. */
export const eventListSchema = z.object({ events: z.array(eventSchema) }).openapi("EventList")

/** A page of events, newest first. */
export const eventPageSchema = z
  .object({
    events: z.array(eventSchema),
    pageSize: z.number().int().openapi({ example: 20 }),
    nextPageKey: z
      .string()
      .optional()
      .openapi({ example: "20", description: "Where the next page starts; absent on the last one" }),
    totalCount: z.number().int().optional().openapi({
      example: 1,
      description: "How many events match; absent when there are none and when there are more than 1,000",
    }),
  })
  .openapi("Events")

/** Events as lines of JSON. No validator sees them: they are streamed. */
export const exportedLines = z.never().openapi({
  type: "string",
  description: "An event on each line, with its `sequence`",
  example: '{"sequence":"001700000000000-000000000000042","id":"…","type":"…","data":{"project":"sockshop"}}\n',
})
