/** One end of a WebSocket, by the letter of RFC 6455: frames are written and read byte by byte. */
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import type { RunningEdge } from "../edge.ts"
import { hostOf } from "./edge.ts"
import { type Exchange, firstOf, valuesOf, write } from "./origins.ts"

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

export interface Message {
  opcode: number
  data: Buffer
}

/** An end of a connection whose handshake is over. Clients mask what they send, servers do not. */
export class WebSocketEnd {
  readonly socket: Socket
  readonly #masks: boolean
  #buffer: Buffer
  #isOver = false

  constructor(socket: Socket, masks: boolean, first: Buffer = Buffer.alloc(0)) {
    this.socket = socket
    this.#masks = masks
    this.#buffer = first
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
    })
    socket.on("end", () => {
      this.#isOver = true
    })
    socket.on("close", () => {
      this.#isOver = true
    })
  }

  send(opcode: number, content: string | Buffer): void {
    const data = Buffer.from(content)
    const mask = this.#masks ? randomBytes(4) : Buffer.alloc(4)
    const head = Buffer.alloc(10)
    head[0] = 0x80 | opcode
    const flag = this.#masks ? 0x80 : 0
    let length = 2
    if (data.length < 126) head[1] = flag | data.length
    else if (data.length < 65_536) {
      head[1] = flag | 126
      length = 2 + head.writeUInt16BE(data.length, 2) - 2
    } else {
      head[1] = flag | 127
      length = head.writeBigUInt64BE(BigInt(data.length), 2)
    }
    const masked = this.#masks ? Buffer.concat([mask, xor(data, mask)]) : data
    this.socket.write(Buffer.concat([head.subarray(0, length), masked]))
  }

  close(code: number, reason: string): void {
    const data = Buffer.alloc(2)
    data.writeUInt16BE(code)
    this.send(CLOSE, Buffer.concat([data, Buffer.from(reason)]))
  }

  /** The next message, put together from its frames; null when the connection ended without one. */
  async next(): Promise<Message | null> {
    let [opcode, data] = [0, Buffer.alloc(0)]
    for (;;) {
      const frame = await this.#frame()
      if (frame === null) return null
      if (frame.opcode !== 0) opcode = frame.opcode
      data = Buffer.concat([data, frame.data])
      if (frame.isLast) return { opcode, data }
    }
  }

  async #frame(): Promise<(Message & { isLast: boolean }) | null> {
    for (;;) {
      const frame = this.#take()
      if (frame !== null) return frame
      if (this.#isOver) return null
      await firstOf(this.socket, "data", "close", "end")
    }
  }

  #take(): (Message & { isLast: boolean }) | null {
    const [first, second] = this.#buffer
    if (first === undefined || second === undefined) return null
    const short = second & 0x7f
    const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    if (this.#buffer.length < start) return null
    const size =
      short === 126 ? this.#buffer.readUInt16BE(2) : short === 127 ? Number(this.#buffer.readBigUInt64BE(2)) : short
    const isMasked = second >= 0x80
    const begin = start + (isMasked ? 4 : 0)
    if (this.#buffer.length < begin + size) return null
    const data = this.#buffer.subarray(begin, begin + size)
    const mask = this.#buffer.subarray(start, begin)
    this.#buffer = this.#buffer.subarray(begin + size)
    return { isLast: first >= 0x80, opcode: first & 0x0f, data: isMasked ? xor(data, mask) : data }
  }
}

function xor(data: Buffer, mask: Buffer): Buffer {
  return Buffer.from(data.map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
}

/** Answers a handshake at the origin. */
export function accept(exchange: Exchange, lines: readonly string[] = []): WebSocketEnd {
  const key = valuesOf(exchange, "sec-websocket-key").join()
  const proof = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
  exchange.takeOver()
  const end = new WebSocketEnd(exchange.socket, false)
  const switching = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
  write(exchange, [...switching, `Sec-WebSocket-Accept: ${proof}`, ...lines])
  return end
}

/** Asks the edge for a WebSocket: the head of its answer, and the end where the answer is 101. */
export async function openWebSocket(
  edge: RunningEdge,
  path: string,
  lines: readonly string[] = [`X-Token: ${edge.token}`],
): Promise<{ head: string; status: number; end: WebSocketEnd }> {
  const socket = connect(edge.port, "127.0.0.1")
  socket.on("error", () => {})
  const key = randomBytes(16).toString("base64")
  const upgrade = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ]
  socket.write([`GET ${path} HTTP/1.1`, `Host: ${hostOf(edge)}`, ...upgrade, ...lines, "", ""].join("\r\n"))
  let bytes = Buffer.alloc(0)
  const read = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
  }
  socket.on("data", read)
  while (!bytes.includes("\r\n\r\n")) await once(socket, "data")
  socket.off("data", read)
  const length = bytes.indexOf("\r\n\r\n") + 4
  const head = bytes.subarray(0, length).toString("latin1")
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
  return { head, status, end: new WebSocketEnd(socket, true, bytes.subarray(length)) }
}
