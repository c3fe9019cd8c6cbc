/** Events as tests send and find them. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"

/** An event as the datastore answers it. Strict: an attribute that is not listed here must not come back. */
const eventSchema = z.strictObject({
  id: z.uuid(),
  type: z.string(),
  source: z.string(),
  specversion: z.literal("1.0"),
  contenttype: z.literal("application/json"),
  time: z.iso.datetime({ precision: 3 }),
  shkeptncontext: z.guid(),
  triggeredid: z.string().optional(),
  gitcommitid: z.string().optional(),
  extensions: z.unknown().optional(),
  data: z.record(z.string(), z.unknown()),
})

/** An event as it is exported. */
const exportedSchema = z.strictObject({ ...eventSchema.shape, sequence: z.string().regex(/^\d{15}-\d{15}$/) })

const eventPageSchema = z.strictObject({
  events: z.array(eventSchema),
  pageSize: z.number(),
  nextPageKey: z.string().optional(),
  totalCount: z.number().optional(),
})

export type FoundEvent = z.infer<typeof eventSchema>
export type ExportedEvent = z.infer<typeof exportedSchema>
export type FoundPage = z.infer<typeof eventPageSchema>

/** An event that can be sent as it is; `members` add to it or replace what it has. */
export function sampleEvent(members: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: "sh.keptn.event.dev.delivery.triggered", source: "test", data: {}, ...members }
}

/** Posts something to the event route of `eu`. */
export function postEvent(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", "/api/v1/event", { json, ...request })
}

/** Sends an event that is accepted; answers its context. */
export async function sendEvent(members: Record<string, unknown>): Promise<string> {
  const schema = z.strictObject({ keptnContext: z.guid() })
  return (await answer(await postEvent(sampleEvent(members)), schema)).keptnContext
}

/** Asks the datastore; `query` without its question mark. */
export function askEvents(query: string, request: TestRequest = {}, region = "eu"): Promise<Response> {
  return send(region, `/api/mongodb-datastore/event?${query}`, request)
}

/** A page of events. */
export async function findEvents(query: string, request: TestRequest = {}, region = "eu"): Promise<FoundPage> {
  return answer(await askEvents(query, request, region), eventPageSchema)
}

/** The one event of a context. */
export async function onlyEvent(context: string): Promise<FoundEvent> {
  const { events } = await findEvents(`keptnContext=${context}`)
  const [event] = events
  if (!event || events.length !== 1) throw new Error(`${events.length} events instead of one`)
  return event
}

/** Asks for events of a type; `query` without its question mark. */
export function askEventsOfType(type: string, query: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `/api/mongodb-datastore/event/type/${type}?${query}`, request)
}

/** The events of a type that meet a filter; `query` is what comes beside it. */
export async function findEventsOfType(
  type: string,
  filter: string,
  query = "",
  request: TestRequest = {},
): Promise<FoundEvent[]> {
  const response = await askEventsOfType(type, `filter=${encodeURIComponent(filter)}&${query}`, request)
  return (await answer(response, z.strictObject({ events: z.array(eventSchema) }))).events
}

/** Asks for the export of a project's events; `query` is what comes beside the project. */
export function askExport(project: string, query = "", request: TestRequest = {}): Promise<Response> {
  return send("eu", `/api/mongodb-datastore/event/export?project=${project}&${query}`, request)
}

/** The exported events of a project, behind `after` when it is given. */
export async function exportEvents(project: string, after?: string): Promise<ExportedEvent[]> {
  const response = await askExport(project, after === undefined ? "" : `after=${after}`)
  const bytes = await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`${response.status} instead of 200`)
  return readLines(new TextDecoder().decode(bytes))
}

/** Reads lines of exported events. */
export function readLines(text: string): ExportedEvent[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => exportedSchema.parse(JSON.parse(line)))
}
