/**
 * What the edge should do, as simply as it can be said: one operation after the other, on maps. What the edge makes up (ids of commits,
 * the content of `metadata.yaml`) is taken from its answers, and must fit what was seen of it before.
 */
import {
  areSame,
  type Branch,
  type Files,
  noteHead,
  type Refused,
  refuseFile,
  refuseHead,
  shown,
  UNKNOWN,
  writtenTo,
} from "./branch-model.ts"
import { type Operation, STAGES, type Where } from "./operations.ts"
import type { Answer } from "./perform.ts"
import { tagOf } from "./tags.ts"

const MAIN = "main"

interface Project {
  branches: Map<string, Branch>
  /** Each with the context of its last event. */
  services: Map<string, string | null>
  /** The files of each commit that was seen. */
  commits: Map<string, Files>
}

/** Everything there is. */
export interface World {
  projects: Map<string, Project>
  events: { project: string; context: string; marker: string }[]
  secrets: Map<string, string>
}

/** The world before anything was done. */
export const EMPTY: World = { projects: new Map(), events: [], secrets: new Map() }

/** The world after an operation that was answered so; null when it should have been answered otherwise. */
export function step(before: World, operation: Operation<string>, answer: Answer): World | null {
  const world = structuredClone(before)
  return isSame(expected(world, operation, answer), answer) ? world : null
}

/** Does an operation; tells how it should be answered. `told` is looked at for what only the edge can know. */
function expected(world: World, operation: Operation<string>, told: Answer): Answer {
  const { projects, secrets } = world
  switch (operation.kind) {
    case "create-project": {
      const message = `could not create project '${operation.project}': project already exists`
      if (projects.has(operation.project)) return { status: 409, message }
      projects.set(operation.project, newProject())
      // What was sent for the name alone is not of this project.
      world.events = world.events.filter(({ project }) => project !== operation.project)
      return { status: 201 }
    }
    case "delete-project": {
      const name = operation.project
      world.events = world.events.filter((event) => event.project !== name)
      const message = projects.delete(name)
        ? `Project ${name} was deleted with its resources, its history and its events.`
        : `Project ${name} cannot be retrieved anymore. It may have been deleted before.`
      return { status: 200, message }
    }
    case "read-project": {
      const project = projects.get(operation.project)
      if (!project) return { status: 404, message: `Project not found: ${operation.project}` }
      return { status: 200, services: STAGES.map(() => [...project.services.keys()]) }
    }
    case "create-service":
      return createService(projects.get(operation.project), operation)
    case "delete-service":
      return deleteService(projects.get(operation.project), operation)
    case "read-service": {
      const project = projects.get(operation.project)
      if (!project) return { status: 404, message: "project not found" }
      const context = project.services.get(operation.service)
      return context === undefined ? { status: 404, message: "service not found" } : { status: 200, context }
    }
    case "send-event": {
      const { project, context, service } = operation
      const services = projects.get(project)?.services
      if (services?.has(service)) services.set(service, context)
      for (const marker of told.markers ?? []) world.events.push({ project, context, marker })
      return { status: 200, ...(told.markers && { markers: told.markers }) }
    }
    case "read-events": {
      const found = world.events.filter(({ context }) => context === operation.context)
      return { status: 200, markers: found.map(({ marker }) => marker).toSorted() }
    }
    case "create-secret":
      if (secrets.has(operation.name)) {
        return { status: 409, message: "Unable to create secret: secret already exists" }
      }
      secrets.set(operation.name, operation.key)
      return { status: 201 }
    case "update-secret":
      if (!secrets.has(operation.name)) return { status: 404, message: "Unable to update secret: secret not found" }
      secrets.set(operation.name, operation.key)
      return { status: 200 }
    case "delete-secret":
      if (!secrets.delete(operation.name)) return { status: 404, message: "Unable to delete secret: secret not found" }
      return { status: 200 }
    case "read-secret": {
      const key = secrets.get(operation.name)
      return { status: 200, keys: key === undefined ? null : [key] }
    }
    default:
      return onFiles(projects.get(operation.where.project), operation, told)
  }
}

function newBranch(...paths: string[]): Branch {
  return { head: null, line: [], files: new Map(paths.map((path) => [path, UNKNOWN])) }
}

function newProject(): Project {
  const stages = STAGES.map((stage): [string, Branch] => [stage, newBranch("metadata.yaml")])
  const branches = new Map([[MAIN, newBranch("metadata.yaml", "shipyard.yaml")], ...stages])
  return { branches, services: new Map(), commits: new Map() }
}

function stagesOf(project: Project): Branch[] {
  return STAGES.flatMap((stage) => project.branches.get(stage) ?? [])
}

function stagesNotFound(project: string): Refused {
  return { status: 500, message: `could not get stages of project ${project}: project not found` }
}

function createService(project: Project | undefined, names: { project: string; service: string }): Answer {
  if (!project) return stagesNotFound(names.project)
  const path = `${names.service}/metadata.yaml`
  const blocked = STAGES.find((stage) => project.branches.get(stage)?.files.has(names.service))
  // A service whose folder is empty can have a file in the place of the folder.
  if (blocked !== undefined) {
    const message = `a stage has a file called '${names.service}' where the service needs a folder`
    return { status: 409, message }
  }
  if (project.services.has(names.service)) return { status: 409, message: "service already exists" }
  for (const branch of stagesOf(project)) {
    branch.files.set(path, UNKNOWN)
    branch.head = null
  }
  project.services.set(names.service, null)
  return { status: 200 }
}

function deleteService(project: Project | undefined, names: { project: string; service: string }): Answer {
  if (!project) return stagesNotFound(names.project)
  if (!project.services.delete(names.service)) return { status: 200 }
  for (const branch of stagesOf(project)) {
    const kept = new Map([...branch.files].filter(([path]) => !path.startsWith(`${names.service}/`)))
    if (kept.size < branch.files.size) branch.head = null
    branch.files = kept
  }
  return { status: 200 }
}

type OnFiles = Extract<Operation<string>, { where: Where }>

function onFiles(project: Project | undefined, operation: OnFiles, told: Answer): Answer {
  const { where } = operation
  if (!project) return { status: 404, message: "Could not find credentials for upstream repository" }
  const branch = project.branches.get(where.stage ?? MAIN)
  if (!branch) return { status: 404, message: "Stage not found" }
  if (where.service !== null && !project.services.has(where.service)) {
    return { status: 404, message: "Service not found" }
  }
  const prefix = where.service === null ? "" : `${where.service}/`
  const seen = told.commit
  const head = (): string => (seen !== undefined && noteHead(branch, project.commits, seen) ? seen : "another commit")
  const change = (after: Files): string => {
    if (!areSame(after, branch.files)) {
      branch.files = after
      branch.head = null
    }
    return head()
  }
  switch (operation.kind) {
    case "write": {
      // A head that nobody has seen yet can be the one that is named: then the answer tells.
      if (operation.commit !== null && branch.head === null && told.status !== 412) {
        noteHead(branch, project.commits, operation.commit)
      }
      const refused = refuseHead(operation.commit, branch.head)
      if (refused) return refused
      const writes = Object.entries(operation.files).map(([path, content]) => [prefix + path, content] as const)
      const after = writtenTo(branch.files, writes, prefix)
      return after instanceof Map ? { status: 201, commit: change(after) } : after
    }
    case "put": {
      const path = prefix + operation.path
      const refused = refuseFile(operation.condition, branch.files.get(path))
      if (refused) return refused
      const after = writtenTo(branch.files, [[path, operation.content]], prefix)
      if (!(after instanceof Map)) return after
      return { status: 200, commit: change(after), etag: tagOf(operation.content) }
    }
    case "delete": {
      const path = prefix + operation.path
      const standing = branch.files.get(path)
      if (standing === undefined) return { status: 404, message: "Resource not found" }
      const refused = refuseFile(operation.condition, standing)
      if (refused) return refused
      const after = new Map(branch.files)
      after.delete(path)
      return { status: 200, commit: change(after) }
    }
    case "read": {
      const files = operation.commit === null ? branch.files : project.commits.get(operation.commit)
      if (files === undefined) return { status: 500, message: "Internal server error" }
      const content = files.get(prefix + operation.path)
      if (content === undefined) return { status: 404, message: "Resource not found" }
      return { status: 200, ...shown(content, told), commit: operation.commit ?? head() }
    }
    case "list": {
      const below = [...branch.files.keys()].filter((path) => path.startsWith(prefix))
      return { status: 200, uris: below.map((path) => path.slice(prefix.length)), commit: head() }
    }
  }
}

/** Whether two answers have the same members, whatever their order; so it is with the order of files. */
function isSame(some: Answer, others: Answer): boolean {
  return canonical(some) === canonical(others)
}

function canonical({ uris, ...answer }: Answer): string {
  const members = Object.entries({ ...answer, ...(uris && { uris: uris.toSorted() }) })
  return JSON.stringify(members.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
