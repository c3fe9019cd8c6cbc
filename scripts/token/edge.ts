/** The edge, as an administrator asks it. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import http from "node:http"
import https from "node:https"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { z } from "zod"
import { readSettings, StartError } from "../start/settings.ts"

const problem = z.looseObject({ message: z.string() })
const GLOBAL_HOST = /^global\./

/** An answer, of whatever status. The body is null when it is empty or no JSON. */
interface Answer {
  status: number
  body: unknown
}

/** One host of an edge, with an administrator's token. */
export class Edge {
  readonly #url: string
  readonly #token: string

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  /** The global host that the environment names, or that of the local edge. Throws a `StartError` when there is no token for it. */
  static fromEnvironment(): Edge {
    const settings = readSettings(process.env, [])
    const url = process.env["QUARTERDECK_URL"] || `http://global.api.localhost:${settings.port}`
    const given = process.env["QUARTERDECK_TOKEN"]
    if (given) return new Edge(url, given)
    try {
      return new Edge(url, readFileSync(join(settings.state, "token"), "utf8").trim())
    } catch {
      throw new StartError("No token. Set QUARTERDECK_TOKEN to that of an administrator.")
    }
  }

  /** The host of a region of the same edge. Throws a `StartError` when this is not its global host. */
  regional(region: string): Edge {
    const url = new URL(this.#url)
    if (!GLOBAL_HOST.test(url.hostname)) {
      throw new StartError(`QUARTERDECK_URL is ${this.#url}. It must be the global host of the edge, global.….`)
    }
    url.hostname = url.hostname.replace(GLOBAL_HOST, `${region}.`)
    return new Edge(url.origin, this.#token)
  }

  /** Asks for something and parses the answer. Throws a `StartError` with the edge's own message when it is an error. */
  async ask<T>(method: string, path: string, schema: z.ZodType<T>, json?: unknown): Promise<T> {
    return schema.parse(this.accepted(await this.send(method, path, json)))
  }

  /** The body of an answer. Throws a `StartError` with the edge's own message when it is an error. */
  accepted({ status, body }: Answer): unknown {
    if (status >= 200 && status < 300) return body
    throw new StartError(problem.safeParse(body).data?.message ?? `${this.#url} answered ${status}.`)
  }

  /** Sends one request. Throws a `StartError` when the edge cannot be reached. */
  async send(method: string, path: string, json?: unknown): Promise<Answer> {
    try {
      return await exchange(new URL(path, this.#url), method, this.#token, json)
    } catch (error) {
      throw new StartError(`Cannot reach ${this.#url} (${String(error)}). Set QUARTERDECK_URL, or start the edge.`)
    }
  }
}

/** One request. Names below localhost go to 127.0.0.1: not every system resolves them, which `fetch` would rely on. */
async function exchange(url: URL, method: string, administrator: string, json: unknown): Promise<Answer> {
  const send = url.protocol === "https:" ? https.request : http.request
  const headers = { authorization: `Bearer ${administrator}`, "content-type": "application/json", host: url.host }
  const host = /(^|\.)localhost$/.test(url.hostname) ? "127.0.0.1" : url.hostname
  const sent = send({ host, port: url.port, path: `${url.pathname}${url.search}`, method, headers })
  sent.end(json === undefined ? undefined : JSON.stringify(json))
  const [response] = z.tuple([z.instanceof(http.IncomingMessage)]).parse(await once(sent, "response"))
  return { status: response.statusCode ?? 0, body: parsed(await text(response)) }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
