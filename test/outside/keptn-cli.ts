/** How Keptn's CLI (1.4.5) reads what a server answers, told by its client library (go-utils 0.20.4). */
import { z } from "zod"
import { type Answer, call } from "./client.ts"
import type { RunningEdge } from "./edge.ts"

const contextSchema = z.object({ keptnContext: z.uuid() })
const keySchema = z.looseObject({ nextPageKey: z.string().default("") })

/** Sends a request as the CLI does: its kind of content is told of GETs and DELETEs, too. */
export function ask(edge: RunningEdge, method: string, path: string, json?: unknown): Promise<Answer> {
  return call(edge, "eu", method, path, json)
}

/** What the CLI makes of a refusal, as it prints it. Throws where it would crash: at an error without a message. */
export function complaint({ status, body }: Answer): string {
  if (status < 300) throw new Error(`${status} is no refusal`)
  if (body === "") return `Received unexpected response: ${status}`
  let error: unknown
  try {
    error = JSON.parse(body)
  } catch {
    return `error with status code ${status}`
  }
  return z.object({ message: z.string() }).parse(error).message
}

/** Reads a list to its end, as a CLI that never says how long a page is to be. A key that never ends would keep it for ever. */
export async function readPages<T>(edge: RunningEdge, path: string, schema: z.ZodType<T>): Promise<T[]> {
  const pages: T[] = []
  for (let key = ""; pages.length === 0 || (key !== "" && key !== "0");) {
    if (pages.length === 10) throw new Error(`${path} does not end`)
    const query = key === "" ? "" : `${path.includes("?") ? "&" : "?"}nextPageKey=${key}`
    const answer = await ask(edge, "GET", `${path}${query}`)
    if (answer.status !== 200) throw new Error(complaint(answer))
    const page: unknown = JSON.parse(answer.body)
    pages.push(schema.parse(page))
    key = keySchema.parse(page).nextPageKey
  }
  return pages
}

/** Posts an event as the CLI builds it: without a content type, its time the zero of Go. Answers the context, which must be there. */
export async function sendEvent(edge: RunningEdge, event: Readonly<Record<string, unknown>>): Promise<string> {
  const common = { specversion: "1.0", time: "0001-01-01T00:00:00Z" }
  return contextOf(await ask(edge, "POST", "/api/v1/event", { ...event, ...common }))
}

/** The context of an answer that must have one. */
export function contextOf({ status, body }: Answer): string {
  if (status < 200 || status > 204) throw new Error(`${status} ${body}`)
  return contextSchema.parse(JSON.parse(body)).keptnContext
}
