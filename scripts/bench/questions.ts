/** What is asked of the edge, and of the floor beside it. */
import { createToken } from "../../src/lib/token-format.ts"
import type { Ask, Question } from "./load.ts"

/** The file that is read and written. */
export const FILE = "slo.yaml"
/** How many files are written where many are. */
const HUNDRED = 100
/** How many answers come on a page. */
const PAGE = 20

const CONTENT = "objectives: []\n".repeat(64)
const RESOURCES = "/api/resource-service/v1/project"
/** All projects. */
export const PROJECTS = "/api/controlPlane/v1/project"
const EVENTS = "/api/mongodb-datastore/event"

export const METADATA_PATH = "/api/v1/metadata"

/** A page of all projects. */
export const PROJECT_LIST = `${PROJECTS}?pageSize=${PAGE}`

/** One project. */
export function projectPath(project: string): string {
  return `${PROJECTS}/${project}`
}

/** The files of a project. */
export function filesPath(project: string): string {
  return `${RESOURCES}/${project}/resource`
}

/** One file of a project. */
export function filePath(project: string, name = FILE): string {
  return `${filesPath(project)}/${name}`
}

/** A page of the history of a project. */
export function historyPath(project: string, page = `pageSize=${PAGE}`): string {
  return `${RESOURCES}/${project}/commit?${page}`
}

/** A page of events. */
export function eventsPath(query: string): string {
  return `${EVENTS}?pageSize=${PAGE}&${query}`
}

/** The same answer each time. */
export function get(path: string, token: string): Question {
  return { path, token }
}

/**
 * A request that is refused for its token. From another address each time: of those that come from one address only the first few
 * are refused for that.
 */
export function refused(path: string, token: () => string): Ask {
  return () => {
    const address = `10.${crypto.getRandomValues(new Uint8Array(3)).join(".")}`
    return { path, token: token(), headers: { "cf-connecting-ip": address }, status: 401 }
  }
}

/** A token that is none, though it looks like one. */
export function unknownToken(): string {
  return createToken("kpat")
}

/** A project with two stages. */
export function newProject(token: string, name: string): Question {
  const stages = "  stages:\n    - name: dev\n    - name: production\n"
  const shipyard = base64(`apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nspec:\n${stages}`)
  return { path: PROJECTS, token, method: "POST", body: JSON.stringify({ name, shipyard }), status: 201 }
}

/** Writes a file, and makes it where there is none. `project` may end with a stage: `p/stage/dev`. */
export function newFile(token: string, project: string, path = FILE): Question {
  const resources = [{ resourceURI: path, resourceContent: content() }]
  return { path: filesPath(project), token, method: "POST", body: JSON.stringify({ resources }), status: 201 }
}

/** Replaces a file, each time by another. */
export function file(token: string, path: string): Question {
  return { path, token, method: "PUT", body: JSON.stringify({ resourceContent: content() }) }
}

/** Writes a hundred files, each time others. */
export function hundredFiles(token: string, path: string): Question {
  const resources = Array.from({ length: HUNDRED }, (_, number) => ({
    resourceURI: `folder-${number % 10}/${number}.yaml`,
    resourceContent: content(),
  }))
  return { path, token, method: "POST", body: JSON.stringify({ resources }), status: 201 }
}

/** An event of a context of its own. */
export function event(token: string, path: string, project: string): Question {
  const body = {
    type: "sh.keptn.event.dev.delivery.triggered",
    source: "bench",
    specversion: "1.0",
    contenttype: "application/json",
    data: { project, stage: "dev", service: "carts", text: "x".repeat(500) },
  }
  return { path, token, method: "POST", body: JSON.stringify(body) }
}

function content(): string {
  return base64(`${crypto.randomUUID()}\n${CONTENT}`)
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64")
}
