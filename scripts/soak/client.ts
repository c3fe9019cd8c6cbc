/** A client that looks at every answer, and knows which of them a kill may swallow. */
import { isDeepStrictEqual } from "node:util"
import { Agent, type IncomingHttpHeaders, request } from "node:http"
import type { z } from "zod"
import type { Edge } from "./edge.ts"
import type { Measures } from "./measures.ts"

/** Longer than any answer of a healthy edge takes. */
const PATIENCE_MS = 60_000
const SHOWN_CHARACTERS = 300

export type Region = "eu" | "us"

/** A request. */
export interface Ask {
  /** Under which name it is measured. */
  kind: string
  host: Region | "global"
  path: string
  /** GET when absent. */
  method?: string
  headers?: Readonly<Record<string, string>>
  json?: unknown
  bytes?: Buffer
  /** The administrator's when absent. */
  token?: string
}

/** An answer, with a text that says to what. */
export interface Answer {
  what: string
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
}

/** The edge did what it must not do. */
export class Fault extends Error {
  override name = "Fault"
}

export class Client {
  readonly edge: Edge
  readonly #measures: Measures
  #agent = new Agent({ keepAlive: true })
  #agentOf = 0

  constructor(edge: Edge, measures: Measures) {
    this.edge = edge
    this.#measures = measures
  }

  /** Asks for what changes nothing, again after each kill that comes in between, and checks the status of the answer. */
  async read(ask: Ask, ...statuses: number[]): Promise<Answer> {
    for (;;) {
      const answer = await this.change(ask, ...statuses)
      if (answer !== null) return answer
    }
  }

  /** Asks for a change and checks the status of the answer; null when it was lost in a kill, once the edge runs again. */
  async change(ask: Ask, ...statuses: number[]): Promise<Answer | null> {
    await this.edge.up()
    const { kills } = this.edge
    try {
      const answer = await this.#send(ask)
      check(statuses.includes(answer.status), `${answer.what}: expected ${statuses.join(" or ")}`)
      this.#measures.checked++
      return answer
    } catch (error) {
      if (error instanceof Fault) throw error
      check(this.edge.kills !== kills, `${describe(ask)}: no answer though nobody killed the edge: ${error}`)
      await this.edge.up()
      this.#measures.lost++
      return null
    }
  }

  /** Has a process talk to the edge; null when the edge was killed meanwhile, once it runs again. */
  async beside<T>(kind: string, work: () => Promise<T>): Promise<T | null> {
    await this.edge.up()
    const { kills } = this.edge
    const started = performance.now()
    const result = await work()
    if (this.edge.kills !== kills) {
      await this.edge.up()
      this.#measures.lost++
      return null
    }
    this.#measures.add(kind, performance.now() - started)
    this.#measures.checked++
    return result
  }

  async #send(ask: Ask): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const body = ask.bytes ?? (ask.json === undefined ? null : Buffer.from(JSON.stringify(ask.json)))
    const headers: Record<string, string> = {
      host: `${ask.host}.api.localhost:${this.edge.port}`,
      "x-token": ask.token ?? this.edge.token,
      ...(ask.json !== undefined && { "content-type": "application/json" }),
      ...(body !== null && { "content-length": String(body.length) }),
      ...ask.headers,
    }
    const started = performance.now()
    const where = { agent: this.#freshAgent(), host: "127.0.0.1", port: this.edge.port }
    const sent = request({ ...where, method: ask.method ?? "GET", path: ask.path, headers }, (response) => {
      const parts: Buffer[] = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("error", reject)
      response.on("end", () => {
        this.#measures.add(ask.kind, performance.now() - started)
        const [status, bytes] = [response.statusCode ?? 0, Buffer.concat(parts)]
        resolve({ what: `${describe(ask)} → ${status} ${shown(bytes)}`, status, headers: response.headers, bytes })
      })
    })
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error("it took too long")))
    sent.on("error", reject)
    sent.end(body ?? undefined)
    return promise
  }

  /** Connections to an edge that was killed are of no use. */
  #freshAgent(): Agent {
    if (this.#agentOf !== this.edge.kills) {
      this.#agent.destroy()
      this.#agent = new Agent({ keepAlive: true })
      this.#agentOf = this.edge.kills
    }
    return this.#agent
  }
}

/** Fails unless something is so. */
export function check(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Fault(what)
}

/** Fails unless an answer, or a part of it, is what it must be. */
export function checkSame(found: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(found, expected)) return
  throw new Fault(`${what}: expected ${shown(JSON.stringify(expected))}, found ${shown(JSON.stringify(found))}`)
}

/** Reads an answer of JSON, which must have a shape. */
export function jsonOf<T>(answer: Answer, schema: z.ZodType<T>): T {
  const read = schema.safeParse(parsed(answer))
  check(read.success, `${answer.what}: another shape`)
  return read.data
}

function parsed({ bytes, what }: Answer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw new Fault(`${what}: not JSON`)
  }
}

function describe({ method = "GET", host, path }: Ask): string {
  return `${method} ${host} ${path}`
}

function shown(text: Buffer | string | undefined): string {
  const whole = String(text)
  return whole.length > SHOWN_CHARACTERS ? `${whole.slice(0, SHOWN_CHARACTERS)}…` : whole
}
