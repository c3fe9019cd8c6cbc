/** Origin servers for the tests of the reverse proxy: real sockets on this machine that note every byte they get. */
import { EventEmitter, once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import type { Certificate } from "./certificate.ts"

/** A request as it came over the wire. */
export interface Exchange {
  /** The first line and the headers, as they were sent; one character for each byte. */
  head: string
  method: string
  target: string
  headers: readonly (readonly [name: string, value: string])[]
  /** How the end of the body is told. */
  framing: "none" | "length" | "chunked"
  /** The body so far, without the lines of its chunks. */
  received: Buffer[]
  /** The whole body; rejected when the connection ends before it does. */
  body: Promise<Buffer>
  /** Settles when the connection is over. */
  closed: Promise<unknown>
  socket: Socket
  /** Leaves all further bytes of the connection to whoever answers: they are no HTTP any more. */
  takeOver: () => void
}

/** Answers a request. Called when its head has arrived; the body may still be on its way. */
export type Answer = (exchange: Exchange) => void | Promise<void>

interface Connection {
  /** Every byte that arrived, in order. */
  chunks: Buffer[]
}

/**
 * An origin that reads HTTP by itself, and strictly: what could be read in two ways is a fault, which tests look for. It answers by the path
 * of the request, and 200 where it was told nothing.
 */
export class Origin {
  readonly exchanges: Exchange[] = []
  readonly connections: Connection[] = []
  /** What arrived and is no well-formed HTTP. */
  readonly faults: string[] = []
  readonly #answers = new Map<string, Answer>()
  readonly #sockets = new Set<Socket>()
  readonly #news = new EventEmitter()
  readonly #server: Server

  private constructor(certificate: Certificate | null) {
    const accept = (socket: Socket) => this.#accept(socket)
    this.#server = certificate ? createTlsServer(certificate, accept) : createServer(accept)
  }

  static async start(certificate: Certificate | null = null): Promise<Origin> {
    const origin = new Origin(certificate)
    origin.#server.listen(0, "127.0.0.1")
    await once(origin.#server, "listening")
    return origin
  }

  get port(): number {
    return portOf(this.#server)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** How many connections are open. */
  get open(): number {
    return this.#sockets.size
  }

  /** Settles when the head of another request arrives. */
  async next(): Promise<void> {
    await once(this.#news, "request")
  }

  /** Answers requests for `path` (without a query) from now on. */
  on(path: string, answer: Answer): void {
    this.#answers.set(path, answer)
  }

  /** The requests for `path`, whatever their query. */
  requests(path: string): Exchange[] {
    return this.exchanges.filter(({ target }) => pathOf(target) === path)
  }

  /** The one request for `path`. */
  request(path: string): Exchange {
    const [exchange, ...others] = this.requests(path)
    if (!exchange || others.length > 0) {
      throw new Error(
        `${others.length + (exchange ? 1 : 0)} requests for ${path}: ${this.exchanges.map(({ target }) => target).join(" ")}`,
      )
    }
    return exchange
  }

  /** Forgets what arrived. */
  forget(): void {
    for (const list of [this.exchanges, this.connections, this.faults]) list.length = 0
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    const connection: Connection = { chunks: [] }
    this.connections.push(connection)
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    // What breaks is looked for at the other end.
    socket.on("error", () => {})
    socket.on("close", () => this.#sockets.delete(socket))
    const reader = new Reader(socket, (exchange) => this.#serve(exchange))
    socket.on("data", (bytes: Buffer) => {
      connection.chunks.push(bytes)
      const fault = reader.read(bytes)
      if (fault === null) return
      this.faults.push(fault)
      socket.destroy()
    })
  }

  #serve(exchange: Exchange): void {
    this.exchanges.push(exchange)
    this.#news.emit("request")
    // Many tests break a request off on purpose.
    exchange.body.catch(() => {})
    const answer = this.#answers.get(pathOf(exchange.target)) ?? answerOk
    Promise.resolve(answer(exchange)).catch((error: unknown) => {
      if (!exchange.socket.destroyed) this.faults.push(String(error))
    })
  }
}

/** What an origin answers unless it was told something else. */
async function answerOk(exchange: Exchange): Promise<void> {
  await exchange.body
  write(
    exchange,
    ["HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 2"],
    exchange.method === "HEAD" ? "" : "ok",
  )
}

/** Writes an answer: its lines and its body, as they are. */
export function write(
  { socket }: Pick<Exchange, "socket">,
  lines: readonly string[],
  body: string | Buffer = "",
): void {
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]))
}

/** An answer that is always the same. */
export function fixed(lines: readonly string[], body: string | Buffer = ""): Answer {
  return async (exchange) => {
    await exchange.body
    write(exchange, lines, body)
  }
}

/** Waits for the first of some events, and leaves no listener behind. */
export async function firstOf(emitter: EventEmitter, ...events: readonly string[]): Promise<void> {
  const others = new AbortController()
  await Promise.race(events.map((event) => once(emitter, event, { signal: others.signal })))
  others.abort()
}

/** Waits until so many bytes of a body have arrived. */
export async function arrived({ received, socket }: Exchange, bytes: number): Promise<void> {
  while (received.reduce((sum, part) => sum + part.length, 0) < bytes) await once(socket, "data")
}

/** A part of a chunked body. */
export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")])
}

/** The values of a header in a request; none when it is not there. */
export function valuesOf({ headers }: Exchange, name: string): string[] {
  return headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the server does not listen")
  return address.port
}

function pathOf(target: string): string {
  return target.split("?")[0] ?? ""
}

const FIRST_LINE = /^([A-Z-]+) (\/[\x21-\x7e]*) HTTP\/1\.1$/
const HEADER = /^([\w!#$%&'*+.^`|~-]+): ?([\x20-\x7e\x80-\xff\t]*)$/
const END_OF_HEAD = "\r\n\r\n"

/** Reads the requests of one connection. */
class Reader {
  readonly #socket: Socket
  readonly #closed: Promise<unknown>
  readonly #found: (exchange: Exchange) => void
  #isOver = false
  #buffer: Buffer = Buffer.alloc(0)
  /** The request whose body is being read. */
  #open: { exchange: Exchange; missing: number; end: () => void } | null = null

  constructor(socket: Socket, found: (exchange: Exchange) => void) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => socket.once("close", resolve))
    this.#found = found
  }

  readonly #end = () => {
    this.#isOver = true
  }

  /** Takes the next bytes; what is wrong with them, or null. */
  read(bytes: Buffer): string | null {
    if (this.#isOver) return null
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    for (;;) {
      const before = this.#buffer.length
      const fault = this.#open === null ? this.#readHead() : this.#readBody(this.#open)
      if (fault !== null) return fault
      if (this.#buffer.length === before || this.#buffer.length === 0) return null
    }
  }

  #readHead(): string | null {
    const end = this.#buffer.indexOf(END_OF_HEAD)
    if (end < 0) return null
    const head = this.#take(end + END_OF_HEAD.length).toString("latin1")
    const [first = "", ...lines] = head.slice(0, -END_OF_HEAD.length).split("\r\n")
    const [, method, target] = FIRST_LINE.exec(first) ?? []
    const headers: [string, string][] = []
    for (const line of lines) {
      const [, name, value] = HEADER.exec(line) ?? []
      if (name === undefined || value === undefined) return `a header ${JSON.stringify(line)}`
      headers.push([name, value])
    }
    const values = (name: string) => headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
    const [length, coding] = [values("content-length"), values("transfer-encoding")]
    if (method === undefined || target === undefined) return `a first line ${JSON.stringify(first)}`
    if (values("host").length !== 1) return `${values("host").length} hosts`
    if (length.length + coding.length > 1) return `lengths ${length.join(" ")} and ${coding.join(" ")}`
    if (!/^(|\d+)$/.test(length.join("")) || !/^(|chunked)$/.test(coding.join(""))) return "an odd length"
    const framing = coding.length > 0 ? "chunked" : length.length > 0 ? "length" : "none"
    this.#begin({ head, method, target, headers, framing }, framing === "chunked" ? 0 : Number(length[0] ?? 0))
    return null
  }

  #begin(facts: Pick<Exchange, "head" | "method" | "target" | "headers" | "framing">, length: number): void {
    const { promise: body, resolve, reject } = Promise.withResolvers<Buffer>()
    const received: Buffer[] = []
    const brokenOff = () => reject(new Error("the connection ended before the body"))
    this.#socket.once("close", brokenOff)
    const end = () => {
      this.#socket.off("close", brokenOff)
      this.#open = null
      resolve(Buffer.concat(received))
    }
    const exchange = { ...facts, received, body, closed: this.#closed, socket: this.#socket, takeOver: this.#end }
    this.#open = { exchange, missing: length, end }
    if (facts.framing !== "chunked" && length === 0) end()
    this.#found(exchange)
  }

  #readBody(open: { exchange: Exchange; missing: number; end: () => void }): string | null {
    if (open.exchange.framing === "length" || open.missing > 0) {
      const part = this.#take(Math.min(open.missing, this.#buffer.length))
      open.missing -= part.length
      if (part.length > 0) open.exchange.received.push(part)
      if (open.missing === 0 && open.exchange.framing === "length") open.end()
      return null
    }
    const end = this.#buffer.indexOf("\r\n")
    if (end < 0) return null
    const line = this.#take(end + 2)
      .toString("latin1")
      .trimEnd()
    // The end of the data of a chunk, or of the whole body.
    if (line === "") {
      if (open.missing < 0) open.end()
      return null
    }
    if (!/^[0-9a-f]+$/i.test(line)) return `a chunk ${JSON.stringify(line)}`
    open.missing = line === "0" ? -1 : Number.parseInt(line, 16)
    return null
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }
}
