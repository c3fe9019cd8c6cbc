/** The body of an import: lines of JSON, each an event. */
import type { HonoRequest } from "hono"
import { ApiError } from "../../gateway/errors.ts"
import { openApiError } from "../../gateway/validation.ts"
import { utf8 } from "../../lib/bytes.ts"
import { jsonProblem } from "../../lib/json-problem.ts"
import { eventProject, MAX_EVENT_BYTES } from "../../partition/events.ts"
import type { KeptnEvent } from "../../partition/schema.ts"
import { importedEventSchema } from "./schemas.ts"

const LINES = "application/jsonl"
const MOST_EVENTS = 1000

/** An event with the number of the line it stands on. */
export interface ImportedEvent {
  line: number
  event: KeptnEvent
}

/** Reads the events of a body, all of which must be of `project`. Throws an `ApiError` that names the first line that is wrong. */
export async function readImportedEvents(request: HonoRequest, project: string): Promise<ImportedEvent[]> {
  const [type = ""] = (request.header("content-type") ?? "").split(";")
  if (type.trim().toLowerCase() !== LINES) {
    throw new ApiError("unsupported_media_type", `unsupported media type "${type}", only [${LINES}] is allowed`)
  }
  const lines = (await readText(request))
    .split("\n")
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text.trim() !== "")
  if (lines.length === 0) throw new ApiError("invalid_request", "Invalid request format: there are no events")
  if (lines.length > MOST_EVENTS) {
    throw new ApiError("payload_too_large", `one request can import at most ${MOST_EVENTS} events, not ${lines.length}`)
  }
  return lines.map(({ text, line }) => ({ line, event: readEvent(text, line, project) }))
}

async function readText(request: HonoRequest): Promise<string> {
  const bytes = await request.arrayBuffer()
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new ApiError("invalid_request", "Invalid request format: the body is not UTF-8")
  }
}

function readEvent(text: string, line: number, project: string): KeptnEvent {
  const value = parseLine(text, line)
  const checked = importedEventSchema.safeParse(value)
  if (!checked.success) throw openApiError(checked.error, value, (field) => `line ${line}: ${field}`)
  if (!isEvent(value)) throw new Error("what was checked is no event")
  const { sequence: _, ...members } = value
  const event = { ...members, specversion: "1.0" as const, contenttype: checked.data.contenttype ?? "application/json" }
  const owner = eventProject(event)
  if (owner !== project) {
    throw new ApiError("invalid_request", `line ${line}: data.project is "${owner}", not "${project}"`)
  }
  if (utf8(JSON.stringify(event)).length > MAX_EVENT_BYTES) {
    throw new ApiError("payload_too_large", `line ${line}: an event can hold at most ${MAX_EVENT_BYTES} bytes`)
  }
  return event
}

function parseLine(text: string, line: number): unknown {
  const value = parsed(text)
  const problem = value === undefined ? "is not valid JSON" : jsonProblem(value)
  if (problem !== null) throw new ApiError("invalid_request", `line ${line} ${problem}`)
  return value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The event itself, once its shape was checked: the schema's own copy would lack what it does not name. */
function isEvent(value: unknown): value is KeptnEvent & { sequence?: unknown } {
  return importedEventSchema.safeParse(value).success
}
