/**
 * Streams pass while they are made: events, uploads, WebSockets. Whoever does not read stops whoever sends, not the memory of the edge; and whoever
 * goes away ends the other end.
 */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import type { ClientRequest, IncomingMessage } from "node:http"
import { setInterval } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { StartedEdge } from "../edge.ts"
import { begin, endProxy, startProxy } from "./edge.ts"
import { arrived, chunk, type Exchange, firstOf, fixed, Origin, valuesOf, write } from "./origins.ts"
import { accept, BINARY, CLOSE, openWebSocket, PING, PONG, TEXT, type WebSocketEnd } from "./websocket.ts"

const MIB = 1_048_576
const LARGE = 256 * MIB
const STREAMS = 1000
/** What workerd's own memory may grow by: far less than what passes, and than what would have to be held. */
const GROWTH = 64 * MIB

const EVENTS = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/event-stream",
  "Cache-Control: no-cache",
  "Transfer-Encoding: chunked",
]

let edge: StartedEdge
let origin: Origin

beforeAll(async () => {
  origin = await Origin.start()
  const at = { origin: origin.url, allow_plain_http: true, role: "none", max_request_bytes: LARGE }
  edge = await startProxy([
    { ...at, prefix: "/p" },
    // Where something is limited the bytes take another way.
    { ...at, prefix: "/limited", max_response_bytes: LARGE, total_seconds: 3600 },
  ])
})

afterAll(async () => {
  await endProxy(edge)
  await origin.stop()
  expect(origin.faults).toEqual([])
})

describe.each(["/p", "/limited"])("below %s", (prefix) => {
  test("each event arrives before the next is sent", async () => {
    const path = `${prefix}/events`
    const { response, reader } = await openEvents(path)
    const { socket } = origin.request(path)
    for (const event of ["one", "two", "three"]) {
      socket.write(chunk(`data: ${event}\n\n`))
      expect(await reader.next()).toEqual({ done: false, value: event })
    }
    socket.write(chunk(""))
    expect(await reader.next()).toMatchObject({ done: true })
    expect(response.complete).toBe(true)
  })

  test.each([
    ["a length", { "content-length": 9 }],
    ["chunks", { "transfer-encoding": "chunked" }],
  ])("each part of an upload by %s arrives before the next is sent", async (name, headers) => {
    const path = `${prefix}/parts/${encodeURIComponent(name)}`
    const { sent } = begin(edge, path, "POST", headers)
    for (const [index, part] of ["one", "two", "3rd"].entries()) {
      sent.write(part)
      await arrived(await seen(path), 3 * (index + 1))
    }
    sent.end()
    expect((await origin.request(path).body).toString()).toBe("onetwo3rd")
  })

  test("an answer passes while the upload that it answers is still sent", async () => {
    const path = `${prefix}/both`
    origin.on(path, (exchange) => write(exchange, EVENTS))
    const { sent, answered } = begin(edge, path, "POST", { "transfer-encoding": "chunked" })
    sent.write("-")
    const reader = eventsOf(await answered)
    for (const event of ["one", "two"]) {
      const before = bytesOf(origin.request(path))
      sent.write(event)
      await arrived(origin.request(path), before + event.length)
      origin.request(path).socket.write(chunk(`data: ${event}\n\n`))
      expect(await reader.next()).toEqual({ done: false, value: event })
    }
    sent.destroy()
  })

  test("a client that goes away ends the request at the origin with its next events", async () => {
    const path = `${prefix}/closed`
    const { sent } = await openEvents(path)
    const { socket, closed } = origin.request(path)
    sent.destroy()
    let isClosed = false
    void closed.then(() => (isClosed = true))
    for await (const _ of setInterval(1)) {
      if (isClosed) break
      socket.write(chunk("data: more\n\n"))
    }
  })

  // On a machine with much other work this takes its time.
  test("256 MiB pass down and up, beside a client and an origin that read nothing, and are not held", async () => {
    const down = `${prefix}/down`
    const up = `${prefix}/up`
    origin.on(down, sendLarge)
    let unreadStart = 0
    origin.on(`${prefix}/unread`, (exchange) => {
      // The connection may have served others before.
      unreadStart = exchange.socket.bytesWritten
      return sendLarge(exchange)
    })
    origin.on(up, async (exchange) => {
      const { isSame, passed } = await compared(exchange)
      write(exchange, [`HTTP/1.1 ${isSame && passed === LARGE ? 200 : 400} Compared`, "Content-Length: 0"])
    })
    const unwanted = `${prefix}/unwanted`
    origin.on(unwanted, ({ socket }) => void socket.pause())

    const pass = async () => {
      const { sent, answered } = begin(edge, down, "GET", {})
      sent.end()
      expect(await downloaded(await answered)).toEqual({ isSame: true, passed: LARGE })
      const upload = begin(edge, up, "POST", { "transfer-encoding": "chunked" })
      await sendAll(upload.sent)
      expect((await upload.answered).statusCode).toBe(200)
    }

    // The first time also grows what the runtime keeps: heaps, buffers, code.
    await pass()
    const before = memoryOfRuntime()

    const unread = begin(edge, `${prefix}/unread`, "GET", {})
    unread.sent.end()
    const answer = await unread.answered
    answer.pause()
    const stuck = begin(edge, unwanted, "POST", { "transfer-encoding": "chunked" })
    const stuckEnd = sendAll(stuck.sent).catch(() => {})
    await seen(unwanted)
    await pass()
    const after = memoryOfRuntime()
    expect(after - before).toBeLessThan(GROWTH)

    // Neither has got far in the time in which the others were done.
    expect(origin.request(`${prefix}/unread`).socket.bytesWritten - unreadStart).toBeLessThan(LARGE / 4)
    expect(stuck.sent.socket?.bytesWritten).toBeLessThan(LARGE / 4)
    // And what was not read is there when it is.
    expect(await downloaded(answer)).toEqual({ isSame: true, passed: LARGE })
    stuck.sent.destroy()
    await stuckEnd
    origin.request(unwanted).socket.destroy()
  })
})

test("a client that resets its connection ends a silent request at the origin at once", async () => {
  const { sent } = await openEvents("/p/gone")
  sent.socket?.resetAndDestroy()
  await origin.request("/p/gone").closed
})

test(`${STREAMS} streams of events at a time: each client gets its own`, async () => {
  const paths = Array.from({ length: STREAMS }, (_, index) => `/p/stream/${index}`)
  const streams = await Promise.all(paths.map(openEvents))
  for (const round of ["first", "second"]) {
    for (const path of paths) origin.request(path).socket.write(chunk(`data: ${round} of ${path}\n\n`))
    const events = await Promise.all(streams.map(({ reader }) => reader.next()))
    expect(events.map(({ value }) => value)).toEqual(paths.map((path) => `${round} of ${path}`))
  }
  for (const path of paths) origin.request(path).socket.write(chunk(""))
  const ends = await Promise.all(streams.map(({ reader }) => reader.next()))
  expect(ends.every(({ done }) => done)).toBe(true)
  expect(streams.every(({ response }) => response.complete)).toBe(true)
})

/** Both ends of one that the origin accepts. */
const both = async (path: string, lines: readonly string[] = []) => {
  const accepted = Promise.withResolvers<WebSocketEnd>()
  origin.on(path, (exchange) => accepted.resolve(accept(exchange, lines)))
  const { head, status, end } = await openWebSocket(edge, path)
  expect(status).toBe(101)
  return { head, client: end, server: await accepted.promise }
}

describe("WebSockets", () => {
  test("messages pass both ways, in order and whole", async () => {
    const { client, server } = await both("/p/ws/messages")
    const messages = [
      { opcode: TEXT, data: Buffer.from("text with é and 🦊") },
      { opcode: TEXT, data: Buffer.of() },
      { opcode: BINARY, data: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
      { opcode: BINARY, data: randomBytes(70_000) },
      { opcode: BINARY, data: randomBytes(1_000_000) },
    ]
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      for (const { opcode, data } of messages) one.send(opcode, data)
      for (const message of messages) expect(await other.next()).toEqual(message)
    }
    client.socket.destroy()
  })

  test("each answer can wait for its question", async () => {
    const { client, server } = await both("/p/ws/dialog")
    for (let round = 0; round < 20; round++) {
      client.send(TEXT, `question ${round}`)
      expect((await server.next())?.data.toString()).toBe(`question ${round}`)
      server.send(TEXT, `answer ${round}`)
      expect((await client.next())?.data.toString()).toBe(`answer ${round}`)
    }
    client.socket.destroy()
  })

  test("pings and their answers pass from end to end", async () => {
    const { client, server } = await both("/p/ws/ping")
    const data = Buffer.from("are you there")
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.send(PING, data)
      expect(await other.next()).toEqual({ opcode: PING, data })
      other.send(PONG, data)
      expect(await one.next()).toEqual({ opcode: PONG, data })
    }
    client.socket.destroy()
  })

  test.each(["client", "server"] as const)("a close by the %s arrives with its code and reason", async (closing) => {
    const { client, server } = await both(`/p/ws/close/${closing}`)
    const [one, other] = closing === "client" ? [client, server] : [server, client]
    one.close(4321, "enough")
    const expected = { opcode: CLOSE, data: Buffer.concat([Buffer.of(4321 >> 8, 4321 & 0xff), Buffer.from("enough")]) }
    expect(await other.next()).toEqual(expected)
    other.close(4321, "enough")
    expect(await one.next()).toEqual(expected)
  })

  test("the end of one connection is that of the other", async () => {
    const first = await both("/p/ws/end/client")
    first.client.socket.destroy()
    await once(first.server.socket, "close")
    const second = await both("/p/ws/end/server")
    second.server.socket.destroy()
    // Whatever workerd says of it, the connection is over.
    await once(second.client.socket.resume(), "end")
  })

  test("the protocol that the origin picks is the client's; extensions are those of each connection", async () => {
    const path = "/p/ws/protocol"
    origin.on(path, (exchange) => void accept(exchange, ["Sec-WebSocket-Protocol: second", "Set-Cookie: a=b"]))
    const lines = [`X-Token: ${edge.token}`, "Sec-WebSocket-Protocol: first, second", "Cookie: a=b"]
    const { head, status, end } = await openWebSocket(edge, path, lines)
    expect(status).toBe(101)
    expect(head).toMatch(/^sec-websocket-protocol: second\r$/im)
    expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im)
    expect(head).not.toMatch(/set-cookie/i)
    const exchange = origin.request(path)
    expect(valuesOf(exchange, "sec-websocket-protocol")).toEqual(["first, second"])
    expect(valuesOf(exchange, "x-principal-id")).toHaveLength(1)
    for (const name of ["x-token", "cookie"]) expect(valuesOf(exchange, name)).toEqual([])
    end.socket.destroy()
  })

  test("a token may come with the handshake as Bearer; without one it is 401, and nothing arrives", async () => {
    const path = "/p/ws/token"
    const { status, end } = await openWebSocket(edge, path, [])
    expect([status, origin.requests(path)]).toEqual([401, []])
    end.socket.destroy()
    origin.on(path, (exchange) => void accept(exchange))
    const second = await openWebSocket(edge, path, [`Authorization: Bearer ${edge.token}`])
    expect(second.status).toBe(101)
    second.end.socket.destroy()
  })

  test("a refusal of the origin passes as it is", async () => {
    origin.on("/p/ws/refused", fixed(["HTTP/1.1 403 Not You", "X-Why: because", "Content-Length: 2"], "no"))
    const { status, head, end } = await openWebSocket(edge, "/p/ws/refused")
    expect(status).toBe(403)
    expect(head).toMatch(/^HTTP\/1\.1 403 Not You\r\n[^]*x-why: because\r\n/i)
    end.socket.destroy()
  })
})

/** What is sent again and again; twice, so that every part of what arrives stands in it in one piece. */
const PORTION = randomBytes(MIB)
const TWICE = Buffer.concat([PORTION, PORTION])

/** Compares what arrives with what was sent, without keeping it. */
class Comparison {
  passed = 0
  isSame = true

  take(part: Buffer): void {
    for (let start = 0; start < part.length; start += MIB) {
      const piece = part.subarray(start, start + MIB)
      const at = this.passed % MIB
      this.isSame &&= piece.equals(TWICE.subarray(at, at + piece.length))
      this.passed += piece.length
    }
  }
}

/** Answers with many bytes, as fast as they are taken. */
async function sendLarge({ socket }: Exchange): Promise<void> {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`)
  for (let sent = 0; sent < LARGE && !socket.destroyed; sent += MIB) {
    if (!socket.write(PORTION)) await firstOf(socket, "drain", "close")
  }
}

/** Sends as many in a request. */
async function sendAll(sent: ClientRequest): Promise<void> {
  for (let total = 0; total < LARGE && !sent.destroyed; total += MIB) {
    if (!sent.write(PORTION)) await firstOf(sent, "drain", "close")
  }
  sent.end()
}

/** Compares a body, of which nothing is kept. */
async function compared({ received, socket, body }: Exchange): Promise<Comparison> {
  const comparison = new Comparison()
  const take = () => {
    for (const part of received.splice(0)) comparison.take(part)
  }
  socket.on("data", take)
  await body
  socket.off("data", take)
  take()
  return comparison
}

/** The memory of the edge's runtime, in bytes. */
function memoryOfRuntime(): number {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,rss=,comm="], { encoding: "utf8" })
  const rows = table.split("\n").map((line) => /^\s*\d+\s+(\d+)\s+(\d+)\s+(\S+)/.exec(line))
  const runtime = rows.find((row) => row?.[1] === String(edge.process.pid) && row[3]?.includes("workerd"))
  if (!runtime) throw new Error("the runtime was not found")
  return Number(runtime[2]) * 1024
}

async function downloaded(response: IncomingMessage): Promise<{ isSame: boolean; passed: number }> {
  const comparison = new Comparison()
  for await (const part of response) comparison.take(Buffer.from(part))
  return { isSame: comparison.isSame, passed: comparison.passed }
}

/** Asks for events; the origin has answered, and has sent none yet. */
async function openEvents(path: string) {
  origin.on(path, (exchange) => write(exchange, EVENTS))
  const { sent, answered } = begin(edge, path, "GET", { accept: "text/event-stream" })
  sent.end()
  const response = await answered
  return { sent, response, reader: eventsOf(response) }
}

/** The data of the events in an answer, each as soon as it is there. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<string, void> {
  let text = ""
  for await (const part of response) {
    text += String(part)
    const events = text.split("\n\n")
    text = events.pop() ?? ""
    for (const event of events) yield event.replace(/^data: /, "")
  }
}

/** The request for `path`, once its head has arrived. */
async function seen(path: string): Promise<Exchange> {
  while (origin.requests(path).length === 0) await origin.next()
  return origin.request(path)
}

function bytesOf({ received }: Exchange): number {
  return received.reduce((sum, part) => sum + part.length, 0)
}
