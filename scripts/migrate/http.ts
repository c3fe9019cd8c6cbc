/** Requests to an API with a token. What fails for a while is tried again. */
import http from "node:http"
import https from "node:https"
import { buffer } from "node:stream/consumers"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"

/** A request. `body` is sent as it is, `json` as JSON. */
export interface ApiRequest {
  method?: string
  json?: unknown
  body?: Uint8Array
  headers?: Record<string, string>
  /** Statuses beside 2xx that are answers, not failures. */
  accepted?: readonly number[]
}

/** What was answered. */
export interface ApiAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

/** An answer that is a failure. Its message is one line that can be shown. */
export class ApiFailure extends Error {
  override name = "ApiFailure"
  readonly status: number
  /** What the server says. */
  readonly reason: string

  constructor(what: string, status: number, reason: string) {
    super(`${what} answered ${status}: ${reason}`)
    this.status = status
    this.reason = reason
  }
}

const ATTEMPTS = 6
/** In milliseconds. */
const LONGEST_PAUSE = 60_000
/** A server that says nothing for so long is taken for one that cannot be reached. */
const SILENCE = 120_000
const TRANSIENT = new Set([429, 502, 503, 504])
const problem = z.looseObject({ message: z.string() })

export class Api {
  readonly url: URL
  readonly token: string
  readonly #agent: http.Agent
  readonly #onPause: (text: string) => void

  constructor(url: URL, token: string, onPause: (text: string) => void) {
    this.url = url
    this.token = token
    this.#onPause = onPause
    this.#agent = new (url.protocol === "https:" ? https.Agent : http.Agent)({ keepAlive: true })
  }

  /** Asks for JSON. Throws an `ApiFailure`. */
  async json<T>(path: string, schema: z.ZodType<T>, request: ApiRequest = {}): Promise<T> {
    const { body } = await this.ask(path, request)
    const read = schema.safeParse(parsed(body.toString("utf8")))
    if (read.success) return read.data
    throw new Error(`${this.#what(request, path)} answered something else than Keptn's API would`)
  }

  /** Asks; tries again what may be better in a while. Throws an `ApiFailure`. */
  async ask(path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#exchange(path, request).catch((error: unknown) => {
        if (attempt < ATTEMPTS) return null
        throw new Error(`${this.url.host} cannot be reached (${causeOf(error)})`, { cause: error })
      })
      if (answer !== null && isAnswer(answer.status, request)) return answer
      const mayPass = answer === null || TRANSIENT.has(answer.status) || answer.headers["retry-after"] !== undefined
      if (answer !== null && (!mayPass || attempt >= ATTEMPTS)) {
        throw new ApiFailure(this.#what(request, path), answer.status, reasonOf(answer.body))
      }
      const wait = pauseBefore(attempt, answer?.headers["retry-after"])
      const what = answer === null ? "cannot be reached" : `answered ${answer.status}`
      this.#onPause(`${this.url.host} ${what}, trying again in ${Math.ceil(wait / 1000)} s`)
      await pause(wait)
    }
  }

  #what({ method = "GET" }: ApiRequest, path: string): string {
    return `${method} ${this.url.host}${this.url.pathname}/${path.replace(/\?.*$/s, "")}`
  }

  /** One request. Names below localhost go to 127.0.0.1: not every system resolves them. */
  async #exchange(path: string, { method = "GET", json, body, headers }: ApiRequest): Promise<ApiAnswer> {
    const { url } = this
    const content = json === undefined ? body : Buffer.from(JSON.stringify(json))
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
    const sent = (url.protocol === "https:" ? https.request : http.request)({
      agent: this.#agent,
      host: isBelowLocalhost(url.hostname) ? "127.0.0.1" : url.hostname,
      port: url.port,
      path: `${url.pathname}/${path}`,
      method,
      timeout: SILENCE,
      headers: {
        host: url.host,
        "x-token": this.token,
        accept: "application/json",
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(content && { "content-length": content.length }),
        ...headers,
      },
    })
    sent.on("timeout", () => sent.destroy(new Error("it does not answer")))
    sent.on("response", resolve)
    sent.on("error", reject)
    sent.end(content)
    const response = await promise
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
  }
}

/** Whether a host is one of this machine by its name, whatever the system's resolver says. */
export function isBelowLocalhost(hostname: string): boolean {
  return /(^|\.)localhost$/.test(hostname)
}

function isAnswer(status: number, { accepted = [] }: ApiRequest): boolean {
  return (status >= 200 && status < 300) || accepted.includes(status)
}

/** In milliseconds: what the server asks for, or longer each time. */
function pauseBefore(attempt: number, retryAfter: string | undefined): number {
  const asked = /^\d{1,6}$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : 500 * 2 ** (attempt - 1)
  return Math.min(Math.max(asked, 100), LONGEST_PAUSE)
}

function reasonOf(body: Buffer): string {
  const text = body.toString("utf8")
  const message = problem.safeParse(parsed(text)).data?.message ?? text.replaceAll(/<[^>]*>/g, " ")
  return message.replaceAll(/\s+/g, " ").trim().slice(0, 500) || "nothing"
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ("code" in error ? String(error.code) : error.name)
}
