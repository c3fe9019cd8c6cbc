/** A region of Quarterdeck, written. */
import { z } from "zod"
import { type Api, ApiFailure } from "./http.ts"
import { type Level, missingAsNull, resourcesPath } from "./source.ts"

/** A project of the target. */
export interface TargetProject {
  /** Another one when the project was deleted and created again. */
  creationDate: string
  shipyard: string
  stages: { name: string; services: string[] }[]
}

/** A file with its content. */
export interface FileContent {
  path: string
  content: Buffer
}

const projectSchema = z.looseObject({
  creationDate: z.string(),
  shipyard: z.string(),
  stages: z.array(
    z.looseObject({ stageName: z.string(), services: z.array(z.looseObject({ serviceName: z.string() })) }),
  ),
})

const imported = z.looseObject({ stored: z.number(), known: z.number() })

export class Target {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** Where git finds a project. */
  repository(project: string): string {
    const { origin, pathname } = this.#api.url
    return `${origin}${pathname.replace(/\/api$/, "")}/git/${encodeURIComponent(project)}.git`
  }

  /** The token, for git. */
  get token(): string {
    return this.#api.token
  }

  /** A project; null when there is none. */
  async project(name: string): Promise<TargetProject | null> {
    const path = `controlPlane/v1/project/${encodeURIComponent(name)}`
    const found = await missingAsNull(this.#api.json(path, projectSchema))
    return (
      found && {
        creationDate: found.creationDate,
        shipyard: found.shipyard,
        stages: found.stages.map(({ stageName, services }) => ({
          name: stageName,
          services: services.map(({ serviceName }) => serviceName),
        })),
      }
    )
  }

  /** Creates a project, or changes its shipyard. */
  async putProject(name: string, shipyard: string, method: "POST" | "PUT"): Promise<void> {
    const json = { name, shipyard: Buffer.from(shipyard).toString("base64") }
    // A request that is repeated because its answer was lost finds what it made.
    await this.#api.ask("controlPlane/v1/project", { method, json }).catch((error: unknown) => {
      if (!isTaken(error)) throw error
    })
  }

  /** Creates a service in every stage. */
  async createService(project: string, serviceName: string): Promise<void> {
    const path = `controlPlane/v1/project/${encodeURIComponent(project)}/service`
    await this.#api.ask(path, { method: "POST", json: { serviceName } }).catch((error: unknown) => {
      if (!isTaken(error)) throw error
    })
  }

  /** Whether a file has this git blob id already; null asks whether it is there at all. */
  async hasFile(project: string, level: Level, path: string, id: string | null): Promise<boolean> {
    const headers = { accept: "application/octet-stream", ...(id !== null && { "if-none-match": `"${id}"` }) }
    const request = { method: "HEAD", headers, accepted: [304, 404] }
    const { status } = await this.#api.ask(filePath(project, level, path), request)
    return status === 304 || (id === null && status === 200)
  }

  /** Writes files of a level as one commit. */
  async writeFiles(project: string, level: Level, files: readonly FileContent[]): Promise<void> {
    const resources = files.map(({ path, content }) => ({
      resourceURI: path,
      resourceContent: content.toString("base64"),
    }))
    await this.#api.ask(resourcesPath(project, level), { method: "POST", json: { resources } })
  }

  /** Writes one file, as it is. */
  async writeFile(project: string, level: Level, { path, content }: FileContent): Promise<void> {
    const headers = { "content-type": "application/octet-stream" }
    await this.#api.ask(filePath(project, level, path), { method: "PUT", body: content, headers })
  }

  /** Imports events, each a line of JSON. Answers how many were not there yet. */
  async importEvents(project: string, lines: readonly string[]): Promise<number> {
    const path = `mongodb-datastore/event/import?project=${encodeURIComponent(project)}`
    const headers = { "content-type": "application/jsonl" }
    const body = Buffer.from(lines.map((line) => `${line}\n`).join(""))
    return (await this.#api.json(path, imported, { method: "POST", body, headers })).stored
  }
}

function filePath(project: string, level: Level, path: string): string {
  return `${resourcesPath(project, level)}/${encodeURIComponent(path)}`
}

function isTaken(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 409 && error.reason.endsWith(" already exists")
}
