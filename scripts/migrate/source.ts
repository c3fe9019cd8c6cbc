/** Keptn's API, read. */
import { z } from "zod"
import { type Api, ApiFailure } from "./http.ts"
import { readShipyard } from "./shipyard.ts"

/** A part of a project that has files: all of it, a stage, or a service of a stage. */
export interface Level {
  stage?: string
  service?: string
}

/** A project of the source. Stages in the order of its shipyard. */
export interface SourceProject {
  name: string
  /** The text of its shipyard. */
  shipyard: string
  stages: { name: string; services: string[] }[]
  /** The git remote that it tells; null for none. */
  remote: string | null
}

const PAGE_SIZE = 100

const projectSchema = z.looseObject({
  projectName: z.string(),
  shipyard: z.string().optional(),
  stages: z
    .array(
      z.looseObject({
        stageName: z.string(),
        services: z.array(z.looseObject({ serviceName: z.string() })).nullish(),
      }),
    )
    .nullish(),
  gitCredentials: z.looseObject({ remoteURL: z.string().nullish() }).nullish(),
  // Keptn up to 0.18.
  gitRemoteURI: z.string().nullish(),
})

const projectPage = z.looseObject({
  projects: z.array(z.looseObject({ projectName: z.string() })).nullish(),
  nextPageKey: z.union([z.string(), z.number()]).nullish(),
})

const resourcePage = z.looseObject({
  resources: z.array(z.looseObject({ resourceURI: z.string() })).nullish(),
  nextPageKey: z.union([z.string(), z.number()]).nullish(),
})

const resourceSchema = z.looseObject({ resourceContent: z.string() })

/** An event as the datastore answers it: what it must have to be told from others and put in order. */
const eventSchema = z.looseObject({ id: z.string(), time: z.string() })

const eventPage = z.looseObject({
  events: z.array(eventSchema).nullish(),
  nextPageKey: z.union([z.string(), z.number()]).nullish(),
})

export type SourceEvent = z.infer<typeof eventSchema>

export class Source {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** The names of all projects. */
  async projectNames(): Promise<string[]> {
    const names: string[] = []
    for (let key: string | null = ""; key !== null;) {
      const page: z.infer<typeof projectPage> = await this.#api.json(
        `controlPlane/v1/project?pageSize=${PAGE_SIZE}${key && `&nextPageKey=${encodeURIComponent(key)}`}`,
        projectPage,
      )
      names.push(...(page.projects ?? []).map(({ projectName }) => projectName))
      key = nextKey(page.nextPageKey)
    }
    return [...new Set(names)]
  }

  /** A project; null when there is none. */
  async project(name: string): Promise<SourceProject | null> {
    const found = await missingAsNull(
      this.#api.json(`controlPlane/v1/project/${encodeURIComponent(name)}`, projectSchema),
    )
    if (found === null) return null
    const stored = await this.file(name, {}, "shipyard.yaml")
    const shipyard = readShipyard(stored?.toString("utf8") ?? found.shipyard ?? "")
    if (shipyard === null) throw new Error("the source has no shipyard.yaml that can be read")
    const stages = (found.stages ?? []).map(({ stageName, services }) => ({
      name: stageName,
      services: (services ?? []).map(({ serviceName }) => serviceName),
    }))
    return { name, shipyard, stages, remote: found.gitCredentials?.remoteURL || found.gitRemoteURI || null }
  }

  /** The paths of the files of a level, without leading slashes. */
  async files(project: string, level: Level): Promise<string[]> {
    const paths: string[] = []
    for (let key: string | null = ""; key !== null;) {
      const query = `pageSize=${PAGE_SIZE}${key && `&nextPageKey=${encodeURIComponent(key)}`}`
      const page: z.infer<typeof resourcePage> = await this.#api.json(
        `${resourcesPath(project, level)}?${query}`,
        resourcePage,
      )
      paths.push(...(page.resources ?? []).map(({ resourceURI }) => resourceURI.replace(/^\/+/, "")))
      key = nextKey(page.nextPageKey)
    }
    return [...new Set(paths)]
  }

  /** The content of a file; null when there is none. */
  async file(project: string, level: Level, path: string): Promise<Buffer | null> {
    // Keptn's gateway decodes a path once, and its service what is left.
    const name = encodeURIComponent(encodeURIComponent(path))
    const found = await missingAsNull(this.#api.json(`${resourcesPath(project, level)}/${name}`, resourceSchema))
    return found === null ? null : Buffer.from(found.resourceContent, "base64")
  }

  /** A page of a project's events, the newest first, and the key of the next one; null on the last. */
  async events(project: string, key: string | null): Promise<{ events: SourceEvent[]; next: string | null }> {
    const query = `project=${encodeURIComponent(project)}&pageSize=${PAGE_SIZE}`
    const page = await this.#api.json(
      `mongodb-datastore/event?${query}${key === null ? "" : `&nextPageKey=${encodeURIComponent(key)}`}`,
      eventPage,
    )
    const events = page.events ?? []
    return { events, next: events.length === 0 ? null : nextKey(page.nextPageKey) }
  }
}

/** The path of the files of a level, below an API. */
export function resourcesPath(project: string, { stage, service }: Level): string {
  const ofStage = stage === undefined ? "" : `/stage/${encodeURIComponent(stage)}`
  const ofService = service === undefined ? "" : `/service/${encodeURIComponent(service)}`
  return `resource-service/v1/project/${encodeURIComponent(project)}${ofStage}${ofService}/resource`
}

/** What Keptn's services answer on the last page is nothing, an empty key, or 0. */
function nextKey(key: string | number | null | undefined): string | null {
  const text = String(key ?? "")
  return text === "" || text === "0" ? null : text
}

/** The answer, or null for one that says that there is no such thing. */
export async function missingAsNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return null
    throw error
  }
}
