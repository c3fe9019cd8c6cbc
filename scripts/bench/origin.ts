/**
 * The origin behind the proxy that is measured. A process of its own, so that it shares no thread with those who ask. Prints its
 * port, and ends when its standard input does: when the benchmark is gone, however it went.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { METADATA } from "./metadata.ts"
import { parts } from "./transfer.ts"

const SMALL = Buffer.alloc(1024, "x")
const EVENT_INTERVAL_MS = 100
const [TOKEN] = process.argv.slice(2)

/** Streams that wait until there are as many as shall be open at once. */
const waiting: ServerResponse[] = []

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address) process.stdout.write(`${address.port}\n`)
})
process.stdin.on("end", () => process.exit()).resume()

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://origin.invalid")
  const number = (name: string) => Number(searchParams.get(name))
  if (pathname === "/small") response.end(SMALL)
  else if (pathname === "/auth") response.writeHead(request.headers["x-token"] === TOKEN ? 200 : 401).end()
  else if (pathname === "/metadata") sendJson(response, METADATA)
  else if (pathname === "/up") await receive(request, response)
  else if (pathname === "/down") await sendBytes(response, number("bytes"), searchParams.has("chunked"))
  else if (pathname === "/events") await openStream(response, number("streams"), number("events"))
  else response.writeHead(404).end()
}

function sendJson(response: ServerResponse, value: object): void {
  const body = JSON.stringify(value)
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body)
}

/** Answers how many bytes arrived. */
async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0
  request.on("data", (part: Buffer) => (bytes += part.length))
  request.on("end", () => response.end(String(bytes)))
}

async function sendBytes(response: ServerResponse, bytes: number, isChunked: boolean): Promise<void> {
  response.writeHead(200, isChunked ? {} : { "content-length": bytes })
  for (const part of parts(bytes)) {
    if (!response.write(part)) await new Promise((resolve) => response.once("drain", resolve))
  }
  response.end()
}

async function openStream(response: ServerResponse, streams: number, events: number): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
  waiting.push(response)
  if (waiting.length < streams) return
  const open = waiting.splice(0)
  for (let event = 0; event < events; event++) {
    for (const stream of open) stream.write(`data: ${event}\n\n`)
    await sleep(EVENT_INTERVAL_MS)
  }
  for (const stream of open) stream.end()
}
