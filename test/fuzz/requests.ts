/** Requests that are made of the examples of the documents, with something in them exchanged. */
import { clientAt } from "../support/address.ts"
import { send, type TestRequest } from "../support/client.ts"
import type { Operation, Parameter } from "../support/openapi.ts"
import type { HostileText } from "./corpus.ts"

/** A body as it is sent. */
export type Body = string | Uint8Array<ArrayBuffer>

/** A request that is not made yet. */
export interface Draft {
  operation: Operation
  /** The host's label, and what is before it. */
  label: string
  method: string
  /** What stands in the place of a parameter, as it is written in an address. */
  values: Record<string, string>
  /** More of the query, as it is written in the address. */
  queries: readonly string[]
  headers: Record<string, string>
  body: Body | null
}

/** What is sent. */
export interface HostileRequest {
  operationId: string
  label: string
  method: string
  path: string
  headers: Record<string, string>
  body: Body | null
  /** What is hostile in it, where that is known. */
  note: string
}

/** The request that the documents give as an example. */
export async function exampleDraft(operation: Operation): Promise<Draft> {
  const { body, headers } = await bodyOf(operation.request())
  return { operation, label: operation.host, method: operation.method, values: {}, queries: [], headers, body }
}

async function bodyOf({ json, body, headers = {} }: TestRequest): Promise<Pick<Draft, "headers" | "body">> {
  if (json !== undefined) return { headers: { "content-type": "application/json" }, body: JSON.stringify(json) }
  if (body === undefined) return { headers, body: null }
  // The form is written out, so that its bytes can be changed.
  const written = new Response(body)
  const type = headers["content-type"] ?? written.headers.get("content-type") ?? ""
  return { headers: { ...headers, "content-type": type }, body: new Uint8Array(await written.arrayBuffer()) }
}

/** Writes a draft out. */
export function requestOf(draft: Draft, note = ""): HostileRequest {
  const { operation, label, method, values, queries, headers, body } = draft
  const valueOf = ({ name, example }: Parameter) => values[name] ?? escape(example ?? "")
  const given = operation.parameters.filter(({ name, required }) => required || name in values)
  const path = given
    .filter((parameter) => parameter.in === "path")
    .reduce((text, parameter) => text.replace(`{${parameter.name}}`, () => valueOf(parameter)), operation.path)
  const own = given.filter((parameter) => parameter.in === "query").map((one) => `${escape(one.name)}=${valueOf(one)}`)
  const query = [...own, ...queries].join("&")
  const named = given.filter((parameter) => parameter.in === "header").map((one) => [one.name, valueOf(one)])
  const hasBody = method !== "GET" && method !== "HEAD"
  return {
    operationId: operation.operationId,
    label,
    method,
    path: query === "" ? path : `${path}?${query}`,
    headers: { ...headers, ...Object.fromEntries(named) },
    body: hasBody ? body : null,
    note,
  }
}

/** Sends a request as the administrator, from an address of its own. */
export function sendHostile({ label, method, path, headers, body }: HostileRequest): Promise<Response> {
  const sent = { ...clientAt(), ...headers }
  return send(label, path, { method, headers: sent, redirect: "manual", ...(body !== null && { body }) })
}

/** A hostile text, as it is written in an address. */
export function inAddress({ text, raw }: HostileText): string {
  return raw ? text : escape(text)
}

/** Any text, as it is written in an address. Halves of surrogate pairs become the bytes that they would be. */
export function escape(text: string): string {
  return Array.from(text, (character) => {
    if (character.isWellFormed()) return encodeURIComponent(character)
    const code = character.charCodeAt(0)
    return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
      .map((byte) => `%${byte.toString(16)}`)
      .join("")
  }).join("")
}

/** A request in a form from which it can be sent again. */
export function printed({ body, ...request }: HostileRequest): string {
  const sent = body === null ? {} : typeof body === "string" ? { body } : { base64: body.toBase64() }
  return JSON.stringify({ ...request, ...sent })
}
