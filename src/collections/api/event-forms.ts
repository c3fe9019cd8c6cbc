/**
 * The forms in which a CloudEvent comes over HTTP: as one JSON object (Keptn's form, and CloudEvents' structured mode), as data with
 * its attributes in headers (binary mode), and as an array (batched mode).
 */
import type { z } from "@hono/zod-openapi"
import type { HonoRequest } from "hono"
import { ApiError } from "../../gateway/errors.ts"
import { openApiError } from "../../gateway/validation.ts"
import { jsonProblem } from "../../lib/json-problem.ts"
import { sentBatchSchema, sentEventSchema } from "./schemas.ts"

/** An event as it was sent, its shape checked. */
export type SentEvent = z.infer<typeof sentEventSchema>

/** The events of a request; `batch` says that they came as an array, and how the answer must look. */
export interface SentEvents {
  events: SentEvent[]
  batch: boolean
}

/** The media types of events. */
const EVENT_TYPES = ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"]

/** What CloudEvents calls binary mode has these attributes in headers. */
const HEADER_ATTRIBUTES = ["source", "type", "time", "shkeptncontext", "triggeredid", "gitcommitid"]

/** Reads the events of a request. Throws an `ApiError` when there are none, or they have not the shape of events. */
export async function readEvents(request: HonoRequest): Promise<SentEvents> {
  const text = await readText(request)
  const type = mediaType(request)
  // Only CloudEvents' clients send this one; Keptn's send the whole event as JSON under the same media type.
  const isBinary = type === "application/json" && request.header("ce-specversion") !== undefined
  if (text === "" && !isBinary) throw new ApiError("invalid_request", "Invalid request format: there is no body")
  if (!EVENT_TYPES.includes(type)) throw unsupported(type)
  const value = text === "" ? undefined : parseJson(text)
  if (type === "application/cloudevents-batch+json") return { events: checkedBatch(value), batch: true }
  const event = isBinary
    ? checkedEvent(fromHeaders(request, value), (field) => (isOfData(field) ? inBody(field) : inHeader(field)))
    : checkedEvent(value, inBody)
  return { events: [event], batch: false }
}

async function readText(request: HonoRequest): Promise<string> {
  const bytes = await request.arrayBuffer()
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw notJson("is not UTF-8")
  }
}

function mediaType(request: HonoRequest): string {
  const [type = ""] = (request.header("content-type") ?? "").split(";")
  return type.trim().toLowerCase()
}

function unsupported(type: string): ApiError {
  const text = `unsupported media type "${type}", only [${EVENT_TYPES.join(" ")}] are allowed`
  return new ApiError("unsupported_media_type", text)
}

function parseJson(text: string): unknown {
  const value = parsed(text)
  const problem = jsonProblem(value)
  if (problem !== null) throw notJson(problem)
  return value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notJson("is not valid JSON")
  }
}

function notJson(problem: string): ApiError {
  return new ApiError("invalid_request", `Invalid request format: the body ${problem}`)
}

/** The event whose attributes are in the headers of a request, in the form of one JSON object. */
function fromHeaders(request: HonoRequest, data: unknown): Record<string, unknown> {
  const attributes = HEADER_ATTRIBUTES.map((name) => [name, attributeIn(request, name)])
  return { ...Object.fromEntries(attributes), data }
}

function attributeIn(request: HonoRequest, name: string): string | undefined {
  const value = request.header(`ce-${name}`)
  if (value === undefined) return undefined
  const decoded = decodeAttribute(value)
  if (decoded === null) throw new ApiError("invalid_request", `ce-${name} in header is not percent-encoded UTF-8`)
  return decoded
}

/** What a header stands for: quotes are taken off, then percent-encoding is decoded, once. Null for what is no UTF-8. */
export function decodeAttribute(value: string): string | null {
  const quoted = /^"(.*)"$/s.exec(value.trim())?.[1]
  const plain = quoted === undefined ? value : quoted.replaceAll(/\\(.)/gs, "$1")
  try {
    return plain.replaceAll(/(%[0-9a-f]{2})+/gi, (escaped) => decodeURIComponent(escaped))
  } catch {
    return null
  }
}

function checkedBatch(value: unknown): SentEvent[] {
  const batch = sentBatchSchema.safeParse(value)
  if (!batch.success) throw openApiError(batch.error, value, inBody)
  return batch.data.map((event, index) => checkedEvent(event, (field) => inBody(`${index}.${field}`)))
}

function checkedEvent(value: unknown, placeOf: (field: string) => string): SentEvent {
  const event = sentEventSchema.safeParse(value)
  if (!event.success) throw openApiError(event.error, value, placeOf)
  const { time } = event.data
  if (time && Number.isNaN(Date.parse(time))) {
    throw new ApiError("invalid_request", `${placeOf("time")} must be a date-time, not "${time}"`)
  }
  // The schema's own copy of the data would lack a member called `__proto__`.
  return { ...event.data, data: dataOf(value) ?? event.data.data }
}

function dataOf(value: unknown): Record<string, unknown> | null {
  if (!isObject(value)) return null
  const { data } = value
  return isObject(data) ? data : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}

function isOfData(field: string): boolean {
  return field === "data" || field.startsWith("data.")
}

function inBody(field: string): string {
  return `${field} in body`
}

function inHeader(field: string): string {
  return `ce-${field} in header`
}
