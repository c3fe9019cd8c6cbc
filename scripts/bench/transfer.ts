/** Large bodies and streams of events, as the proxy's benchmark moves them. */
import { once } from "node:events"
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http"

/** What is sent at once; that of Node's file streams. */
const PART = Buffer.alloc(65_536, "x")

/** Where something is asked for. */
export interface Place {
  port: number
  /** What every path there begins with. */
  prefix: string
  token: string
}

/** Parts of a body of so many bytes. */
export function* parts(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PART.length) yield PART.subarray(0, left)
}

/** Gets so many bytes and drops them. Answers the seconds that it took. */
export async function download(place: Place, bytes: number, isChunked: boolean): Promise<number> {
  const started = performance.now()
  const sent = open(place, "GET", `/down?bytes=${bytes}${isChunked ? "&chunked" : ""}`)
  sent.end()
  const response = await answerTo(sent)
  if (isChunked !== (response.headers["content-length"] === undefined)) throw new Error("the framing did not pass")
  let received = 0
  response.on("data", (part: Buffer) => (received += part.length))
  await once(response, "end")
  if (received !== bytes) throw new Error(`${received} bytes arrived, not ${bytes}`)
  return (performance.now() - started) / 1000
}

/** Sends so many bytes. Answers the seconds that it took. */
export async function upload(place: Place, bytes: number, isChunked: boolean): Promise<number> {
  const started = performance.now()
  const sent = open(place, "POST", "/up", isChunked ? {} : { "content-length": bytes })
  const answered = answerTo(sent)
  for (const part of parts(bytes)) {
    if (!sent.write(part)) await Promise.race([once(sent, "drain"), answered])
  }
  sent.end()
  const received = await text(await answered)
  if (received !== String(bytes)) throw new Error(`${received} bytes arrived, not ${bytes}`)
  return (performance.now() - started) / 1000
}

/** Holds so many streams of events open at once, until each has ended. Answers how many of them got all events in order. */
export async function followStreams(place: Place, streams: number, events: number): Promise<number> {
  const expected = Array.from({ length: events }, (_, event) => `data: ${event}\n\n`).join("")
  const follow = async () => {
    const sent = open(place, "GET", `/events?streams=${streams}&events=${events}`)
    sent.end()
    return text(await answerTo(sent))
  }
  const received = await Promise.all(Array.from({ length: streams }, follow))
  return received.filter((all) => all === expected).length
}

function open({ port, prefix, token }: Place, method: string, path: string, headers: object = {}): ClientRequest {
  const host = `eu.api.localhost:${port}`
  return request({
    // Each on a connection of its own.
    agent: new Agent(),
    host: "127.0.0.1",
    port,
    method,
    path: `${prefix}${path}`,
    headers: { host, "x-token": token, ...headers },
  })
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  sent.on("response", resolve)
  sent.on("error", reject)
  const response = await promise
  if (response.statusCode !== 200) throw new Error(`${sent.path} answered ${response.statusCode}`)
  return response
}

async function text(response: IncomingMessage): Promise<string> {
  const received: Buffer[] = []
  response.on("data", (part: Buffer) => received.push(part))
  await once(response, "end")
  return Buffer.concat(received).toString()
}
