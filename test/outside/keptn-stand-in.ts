/** A stand-in for an installation of Keptn 1.4.5, with what of its API a migration reads, as its services answer it. */
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"

/** A project as the stand-in has it. Files by level (`""`, `dev`) and path in the branch. */
export interface StandInProject {
  shipyard: string
  stages: Record<string, string[]>
  files: Record<string, Record<string, string | Uint8Array>>
  remote?: string
  /** The newest first. */
  events: StandInEvent[]
}

export type StandInEvent = Record<string, unknown> & { id: string; time: string }

/** Looks at each request before it is answered; may answer it itself, which it tells by true. */
type Before = (path: string, response: ServerResponse) => boolean | Promise<boolean>

const TOKEN = "the-token-of-keptn"

export class KeptnStandIn {
  readonly token = TOKEN
  readonly projects: Record<string, StandInProject> = {}
  /** The paths that were asked for. */
  readonly asked: string[] = []
  before: Before = () => false
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(new Error(String(error))))
    })
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1")
    await once(this.#server, "listening")
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /** The address of its API. */
  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === "string") throw new Error("the stand-in does not run")
    return `http://127.0.0.1:${address.port}/api`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://stand-in")
    this.asked.push(`${url.pathname}${url.search}`)
    if (await this.before(`${url.pathname}${url.search}`, response)) return
    if (request.headers["x-token"] !== TOKEN) {
      response.writeHead(401, { "content-type": "text/plain" })
      response.end('{"code":401, "message":"unauthenticated or invalid credentials"}')
      return
    }
    const [status, body] = this.#find(url)
    response.writeHead(status, { "content-type": "application/json" })
    response.end(JSON.stringify(body))
  }

  #find(url: URL): [status: number, body: unknown] {
    // Keptn's gateway decodes a path once.
    const [, , service = "", ...rest] = url.pathname.split("/").map(decodeURIComponent)
    if (service === "mongodb-datastore") return [200, this.#events(url.searchParams)]
    const name = rest[2] ?? ""
    if (service === "controlPlane" && name === "") {
      const names = Object.keys(this.projects).toSorted()
      return [
        200,
        page(
          names.map((one) => ({ projectName: one })),
          url.searchParams,
          "projects",
        ),
      ]
    }
    const project = this.projects[name]
    if (project === undefined) return [404, { code: 404, message: `Project not found: ${name}` }]
    if (service === "controlPlane") return [200, expanded(name, project)]
    return resources(project, rest.slice(3), url.searchParams)
  }

  /** The key of the next page is an offset, and absent on the last one. */
  #events(query: URLSearchParams): unknown {
    const events = this.projects[query.get("project") ?? ""]?.events ?? []
    const size = Number(query.get("pageSize") ?? 20)
    const start = Number(query.get("nextPageKey") ?? 0)
    const end = start + size
    const next = end < events.length ? { nextPageKey: String(end) } : {}
    return { events: events.slice(start, end), pageSize: size, totalCount: events.length, ...next }
  }
}

function expanded(name: string, { shipyard, stages, remote }: StandInProject): unknown {
  return {
    projectName: name,
    creationDate: "1660000000000000000",
    shipyard,
    shipyardVersion: "spec.keptn.sh/0.2.2",
    isUpstreamAutoProvisioned: false,
    ...(remote !== undefined && { gitCredentials: { remoteURL: remote, user: "keptn" } }),
    stages: Object.entries(stages).map(([stageName, services]) => ({
      stageName,
      services: services.map((serviceName) => ({ serviceName, creationDate: "1", openRemediations: null })),
    })),
  }
}

function resources(project: StandInProject, parts: string[], query: URLSearchParams): [number, unknown] {
  const [stage, service] =
    parts[0] === "stage" ? [parts[1] ?? "", parts[2] === "service" ? (parts[3] ?? "") : ""] : ["", ""]
  const folder = service === "" ? "" : `${service}/`
  const place = parts.indexOf("resource")
  const inLevel = Object.entries(project.files[stage] ?? {})
    .filter(([path]) => path.startsWith(folder))
    .map(([path, content]): [string, string | Uint8Array] => [path.slice(folder.length), content])
  const name = parts[place + 1]
  if (name === undefined) {
    // A chart is listed by the files in it.
    const listed = inLevel.filter(([path]) => !path.endsWith(".tgz")).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return [
      200,
      page(
        listed.map(([path]) => ({ resourceURI: `/${path}`, metadata: {} })),
        query,
        "resources",
      ),
    ]
  }
  // Nested names must be escaped twice: with a plain slash the service knows no such route.
  const found = parts.length > place + 2 ? undefined : inLevel.find(([path]) => path === decodeURIComponent(name))
  if (found === undefined) return [404, { code: 404, message: "Resource not found" }]
  return [200, { resourceURI: name, resourceContent: Buffer.from(found[1]).toString("base64"), metadata: {} }]
}

/** The key of the next page is an offset, and 0 on the last one. */
function page(items: unknown[], query: URLSearchParams, member: string): unknown {
  const start = Number(query.get("nextPageKey") ?? 0)
  const end = start + Number(query.get("pageSize") ?? 20)
  const next = end < items.length ? String(end) : "0"
  return { [member]: items.slice(start, end), nextPageKey: next, totalCount: items.length }
}
