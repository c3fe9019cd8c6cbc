/** An edge whose region `eu` has origins in the place of its own collections, and clients of it. */
import { rmSync } from "node:fs"
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from "node:http"
import { connect } from "node:net"
import { type RunningEdge, type StartedEdge, startEdge, stopEdge } from "../edge.ts"

/** Starts an edge with these upstreams in its first region. `variables` are further ones. */
export function startProxy(
  upstreams: readonly Readonly<Record<string, unknown>>[],
  variables: Readonly<Record<string, unknown>> = {},
  state?: string,
): Promise<StartedEdge> {
  return startEdge(state, { UPSTREAMS_EU: upstreams, ...variables })
}

export async function endProxy(edge: StartedEdge): Promise<void> {
  await stopEdge(edge, "SIGTERM")
  rmSync(edge.state, { recursive: true })
}

/** An answer as it came. */
export interface Reply {
  status: number
  statusText: string
  headers: IncomingHttpHeaders
  rawHeaders: readonly string[]
  body: Buffer
  /** Whether it came to its end. */
  complete: boolean
}

interface Question {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Buffer
  /** `null` sends no token. */
  token?: string | null
}

/** The host of the region with the upstreams. */
export function hostOf(edge: RunningEdge): string {
  return `eu.api.localhost:${edge.port}`
}

/** Sends a request and waits for the whole answer, or for what there is of it. */
export function ask(edge: RunningEdge, path: string, question: Question = {}): Promise<Reply> {
  const { method = "GET", headers = {}, body, token = edge.token } = question
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const sent = request({
    host: "127.0.0.1",
    port: edge.port,
    method,
    path,
    headers: { host: hostOf(edge), ...(token !== null && { "x-token": token }), ...headers },
    agent: false,
  })
  sent.on("error", reject)
  sent.on("response", (response) => {
    const parts: Buffer[] = []
    const done = () => {
      resolve({
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? "",
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: Buffer.concat(parts),
        complete: response.complete,
      })
    }
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("error", () => {})
    response.on("close", done)
  })
  sent.end(body)
  return promise
}

/** Sends bytes as they are, and nothing more; everything that came back until the edge closed the connection. */
export function askRaw(edge: RunningEdge, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ host: "127.0.0.1", port: edge.port, allowHalfOpen: true })
  const parts: Buffer[] = []
  socket.on("data", (part: Buffer) => parts.push(part))
  socket.on("error", () => {})
  socket.on("end", () => socket.destroy())
  socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")))
  socket.end(bytes, "latin1")
  return promise
}

/** Begins a request whose body the test sends part by part. */
export function begin(
  edge: RunningEdge,
  path: string,
  method: string,
  headers: Readonly<Record<string, string | number>>,
): { sent: ClientRequest; answered: Promise<IncomingMessage> } {
  const { promise: answered, resolve } = Promise.withResolvers<IncomingMessage>()
  const sent = request({
    host: "127.0.0.1",
    port: edge.port,
    method,
    path,
    headers: { host: hostOf(edge), "x-token": edge.token, ...headers },
    agent: false,
  })
  sent.on("error", () => {})
  sent.on("response", (response) => {
    response.on("error", () => {})
    resolve(response)
  })
  return { sent, answered }
}
