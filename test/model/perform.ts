/** Operations as requests, and what is answered as the model tells it. */
import { z } from "zod"
import { base64, shipyard, type TestRequest } from "../support/client.ts"
import { resourcePath } from "../support/keptn.ts"
import { projectsPath } from "../support/projects.ts"
import type { ScheduledClient } from "../support/scheduled.ts"
import { secretPath } from "../support/secrets.ts"
import { type OnFile, type Operation, STAGES, type Where } from "./operations.ts"
import type { Names } from "./names.ts"
import { tagOf } from "./tags.ts"

/** What came of an operation: the status, and the members that it has. */
export interface Answer {
  status: number
  message?: string
  /** The commit that was made, or that was read. */
  commit?: string
  etag?: string
  text?: string
  uris?: string[]
  services?: string[][]
  /** The context of a service's last event. */
  context?: string | null
  /** What tells events apart. */
  markers?: string[]
  keys?: string[] | null
}

/** A type that is noted at services, and that nothing but these tests sends. */
const EVENT_TYPE = "sh.keptn.event.dev.modelled.triggered"

const SCOPE = "keptn-default"

const members = z.object({ message: z.string().optional(), commitID: z.string().optional() })
const file = z.object({ resourceContent: z.base64(), metadata: z.object({ version: z.string() }) })
const list = z.object({ resources: z.array(z.object({ resourceURI: z.string() })), totalCount: z.number().optional() })
const stages = z.object({
  stages: z.array(z.object({ stageName: z.string(), services: z.array(z.object({ serviceName: z.string() })) })),
})
const last = z.object({ lastEventTypes: z.record(z.string(), z.object({ keptnContext: z.string() })).optional() })
const events = z.object({
  events: z.array(z.object({ data: z.object({ marker: z.string() }) })),
  totalCount: z.number().optional(),
})
const secrets = z.object({ Secrets: z.array(z.object({ keys: z.array(z.string()) })) })

type Ask = (path: string, request?: TestRequest) => Promise<Response>
type OnFiles = Extract<Operation<string>, { where: Where }>
type OnProjects = Exclude<Extract<Operation<string>, { project: string }>, { kind: "send-event" }>
type OnOthers = Exclude<Operation<string>, OnFiles | OnProjects>

/** Sends the request of an operation and reads its answer. */
export async function perform({ send }: ScheduledClient, names: Names, operation: Operation<string>): Promise<Answer> {
  const ask: Ask = (path, request) => send("eu", path, request)
  const answer = await performAs(ask, names, operation)
  return { ...answer, ...(answer.message !== undefined && { message: names.short(answer.message) }) }
}

function performAs(ask: Ask, names: Names, operation: Operation<string>): Promise<Answer> {
  switch (operation.kind) {
    case "write":
    case "put":
    case "delete":
    case "read":
    case "list":
      return onFiles(ask, names, operation)
    case "create-project":
    case "delete-project":
    case "read-project":
    case "create-service":
    case "delete-service":
    case "read-service":
      return onProjects(ask, names, operation)
    default:
      return onOthers(ask, names, operation)
  }
}

async function onProjects(ask: Ask, names: Names, operation: OnProjects): Promise<Answer> {
  const name = names.full(operation.project)
  const path = `${projectsPath}/${name}`
  switch (operation.kind) {
    case "create-project":
      return read(await ask(projectsPath, { json: { name, shipyard: base64(shipyard(...STAGES)) } }), members)
    case "delete-project":
      return read(await ask(path, { method: "DELETE" }), members, ({ message = "" }) => ({ message }))
    case "read-project":
      return read(await ask(path), stages, (body) => ({
        services: body.stages.map((stage) => stage.services.map(({ serviceName }) => serviceName)),
      }))
    case "create-service":
      return read(await ask(`${path}/service`, { json: { serviceName: operation.service } }), members)
    case "delete-service":
      return read(await ask(`${path}/service/${operation.service}`, { method: "DELETE" }), members)
    case "read-service":
      return read(await ask(`${path}/stage/dev/service/${operation.service}`), last, ({ lastEventTypes = {} }) => {
        const context = lastEventTypes[EVENT_TYPE]?.keptnContext
        return { context: context === undefined ? null : names.contextOf(context) }
      })
  }
}

async function onFiles(ask: Ask, names: Names, operation: OnFiles): Promise<Answer> {
  const { project, stage, service } = operation.where
  const place = resourcePath({
    project: names.full(project),
    ...(stage !== null && { stage }),
    ...(service !== null && { service }),
  })
  switch (operation.kind) {
    case "write": {
      const files = Object.entries(operation.files)
      const resources = files.map(([path, content]) => ({ resourceURI: path, resourceContent: base64(content) }))
      const headers = operation.commit === null ? {} : { "if-match": `"${operation.commit}"` }
      return read(await ask(place, { json: { resources }, headers }), members, commitIn)
    }
    case "put": {
      const json = { resourceContent: base64(operation.content) }
      const headers = conditionHeaders(operation.condition)
      const response = await ask(`${place}/${operation.path}`, { method: "PUT", json, headers })
      return read(response, members, (body) => ({ ...commitIn(body), etag: etagOf(response) }))
    }
    case "delete": {
      const headers = conditionHeaders(operation.condition)
      return read(await ask(`${place}/${operation.path}`, { method: "DELETE", headers }), members, commitIn)
    }
    case "read": {
      const query = operation.commit === null ? "" : `?gitCommitID=${operation.commit}`
      const response = await ask(`${place}/${operation.path}${query}`)
      return read(response, file, ({ resourceContent, metadata }) => ({
        text: atob(resourceContent),
        commit: metadata.version,
        etag: etagOf(response),
      }))
    }
    case "list": {
      const response = await ask(place)
      return read(response, list, ({ resources, totalCount = 0 }) => {
        if (totalCount !== resources.length) throw new Error(`${totalCount} files are ${resources.length}`)
        return { uris: resources.map(({ resourceURI }) => resourceURI.slice(1)), commit: etagOf(response) }
      })
    }
  }
}

async function onOthers(ask: Ask, names: Names, operation: OnOthers): Promise<Answer> {
  switch (operation.kind) {
    case "send-event": {
      const marker = crypto.randomUUID()
      const data = { project: names.full(operation.project), stage: "dev", service: operation.service, marker }
      const shkeptncontext = names.context(operation.context)
      const json = { type: EVENT_TYPE, source: "test", shkeptncontext, data }
      return read(await ask("/api/v1/event", { json }), members, () => ({ markers: [marker] }))
    }
    case "read-events": {
      const query = `keptnContext=${names.context(operation.context)}`
      return read(await ask(`/api/mongodb-datastore/event?${query}`), events, ({ events: found, totalCount = 0 }) => {
        if (totalCount !== found.length) throw new Error(`${totalCount} events are ${found.length}`)
        return { markers: found.map(({ data }) => data.marker).toSorted() }
      })
    }
    case "create-secret":
    case "update-secret": {
      const method = operation.kind === "create-secret" ? "POST" : "PUT"
      const json = { name: names.full(operation.name), scope: SCOPE, data: { [operation.key]: "value" } }
      return read(await ask(secretPath, { method, json }), members)
    }
    case "delete-secret": {
      const query = `name=${names.full(operation.name)}&scope=${SCOPE}`
      return read(await ask(`${secretPath}?${query}`, { method: "DELETE" }), members)
    }
    case "read-secret": {
      const response = await ask(`${secretPath}?name=${names.full(operation.name)}`)
      return read(response, secrets, ({ Secrets }) => ({ keys: Secrets[0]?.keys ?? null }))
    }
  }
}

/** An answer: what `tell` makes of a success, and the message of a refusal. */
async function read<T>(
  response: Response,
  schema: z.ZodType<T>,
  tell: (body: T) => Partial<Answer> = () => ({}),
): Promise<Answer> {
  const { status, ok } = response
  const text = await response.text()
  if (!ok) return { status, message: members.parse(JSON.parse(text)).message ?? "" }
  return { status, ...tell(schema.parse(text === "" ? {} : JSON.parse(text))) }
}

function etagOf(response: Response): string {
  return (response.headers.get("etag") ?? "").replaceAll('"', "")
}

function commitIn({ commitID = "" }: { commitID?: string | undefined }): Partial<Answer> {
  return { commit: commitID }
}

function conditionHeaders(condition: OnFile): Record<string, string> {
  if (condition === null) return {}
  return condition === "absent" ? { "if-none-match": "*" } : { "if-match": `"${tagOf(condition.is)}"` }
}
