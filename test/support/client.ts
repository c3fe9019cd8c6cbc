/** A client of the Worker under test, as curl would be one. */
import { exports } from "cloudflare:workers"
import { createToken } from "../../src/lib/token-format.ts"
import { clientAt } from "./address.ts"
import { expectDocumented } from "./contract.ts"

/** The token of the organization's administrator, another one in each test file. */
export let adminToken = createToken("kpat")

/** Where requests come from, unless a test names an address: another one in each test file. */
let address = clientAt()

/**
 * Renews the administrator's token and the client's address. Test files share an isolate, which remembers tokens that it has
 * seen, and counts the failed attempts of an address.
 */
export function renewClient(): void {
  adminToken = createToken("kpat")
  address = clientAt()
}

/** What a request is made of. `token` null sends none; `json` is sent as JSON. */
export interface TestRequest {
  method?: string
  token?: string | null
  json?: unknown
  headers?: Record<string, string>
  body?: BodyInit
  /** `manual` answers a redirect itself. */
  redirect?: "follow" | "manual"
}

/**
 * Sends a request to a host label (`eu`, `us`, `global`) with the administrator's token unless told otherwise. Throws when what is answered is
 * not what the documents say.
 */
export async function send(label: string, path: string, request: TestRequest = {}): Promise<Response> {
  const { token = adminToken, json, method } = request
  const headers = new Headers({ ...address, ...request.headers })
  if (token !== null && !headers.has("x-token")) headers.set("x-token", token)
  if (json !== undefined) headers.set("content-type", "application/json")
  const body = json === undefined ? request.body : JSON.stringify(json)
  const url = `http://${label}.api.localhost${path}`
  const sent = { method: method ?? (body === undefined ? "GET" : "POST") }
  const response = await exports.default.fetch(url, {
    ...sent,
    headers,
    ...(body !== undefined && { body }),
    ...(request.redirect && { redirect: request.redirect }),
  })
  await expectDocumented(new Request(url, sent), response)
  return response
}

/** Storage counts of a response, from its Server-Timing header. */
export function storageCounts(response: Response): Record<"trips" | "d1" | "r2" | "kv" | "rows", number> {
  const header = response.headers.get("server-timing") ?? ""
  const count = (name: string) => Number(new RegExp(`${name};desc="(\\d+)"`).exec(header)?.[1])
  return { trips: count("trips"), d1: count("d1"), r2: count("r2"), kv: count("kv"), rows: count("rows") }
}

/** Standard base64 of a text or of bytes. */
export function base64(content: string | Uint8Array): string {
  return (typeof content === "string" ? new TextEncoder().encode(content) : content).toBase64()
}

/** A shipyard with the given stages. */
export function shipyard(...stages: string[]): string {
  return ["apiVersion: spec.keptn.sh/0.2.2", "kind: Shipyard", "metadata:", "  name: test", "spec:", "  stages:"]
    .concat(stages.map((stage) => `    - name: ${stage}`))
    .join("\n")
}

/** Creates a project with the given stages. */
export async function createProject(label: string, name: string, ...stages: string[]): Promise<void> {
  const json = { name, shipyard: base64(shipyard(...stages)) }
  const response = await send(label, "/api/controlPlane/v1/project", { json })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
}
