/** Projects as the control plane answers them. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"

export const projectsPath = "/api/controlPlane/v1/project"

const nanoseconds = z.string().regex(/^\d{19}$/)

const eventReference = z.strictObject({ eventId: z.uuid(), keptnContext: z.guid(), time: nanoseconds })

const serviceSchema = z.strictObject({
  serviceName: z.string(),
  creationDate: nanoseconds,
  openRemediations: z.literal(null),
  deployedImage: z.string().optional(),
  lastEventTypes: z.record(z.string(), eventReference).optional(),
})

const stageSchema = z.strictObject({
  stageName: z.string(),
  services: z.array(serviceSchema),
  parentStages: z.array(z.string()).optional(),
  lastEventContext: eventReference.optional(),
})

const projectSchema = z.strictObject({
  projectName: z.string(),
  creationDate: nanoseconds,
  shipyard: z.string(),
  shipyardVersion: z.string(),
  stages: z.array(stageSchema),
  isUpstreamAutoProvisioned: z.boolean(),
  gitCredentials: z.unknown().optional(),
  lastEventContext: eventReference.optional(),
})

const paging = { nextPageKey: z.string(), totalCount: z.number().optional() }

export type ShownProject = z.infer<typeof projectSchema>

/** Sends the body of a project's creation to `eu`. */
export function postProject(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", projectsPath, { json, ...request })
}

/** Sends the body of a project's change. */
export function putProject(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", projectsPath, { method: "PUT", json, ...request })
}

/** Gets a project. */
export async function getProject(name: string, region = "eu"): Promise<ShownProject> {
  return answer(await send(region, `${projectsPath}/${name}`), projectSchema)
}

/** Lists projects; `query` without its question mark. */
export async function listProjects(query: string, request: TestRequest = {}, region = "eu") {
  const response = await send(region, `${projectsPath}?${query}`, request)
  const page = await answer(response, z.strictObject({ projects: z.array(projectSchema), ...paging }))
  return { ...page, names: page.projects.map((project) => project.projectName) }
}

/** Lists the stages of a project; `query` without its question mark. */
export async function listStages(name: string, query = "") {
  const response = await send("eu", `${projectsPath}/${name}/stage?${query}`)
  const page = await answer(response, z.strictObject({ stages: z.array(stageSchema), ...paging }))
  return { ...page, names: page.stages.map((stage) => stage.stageName) }
}

/** Deletes a project; answers what the caller is told. */
export async function deleteProject(name: string, region = "eu"): Promise<string> {
  const response = await send(region, `${projectsPath}/${name}`, { method: "DELETE" })
  return (await answer(response, z.strictObject({ message: z.string() }))).message
}

/** Sends the body of a service's creation. */
export function postService(project: string, json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${projectsPath}/${project}/service`, { json, ...request })
}

/** Asks for the deletion of a service. `escaped` stands in the path as it is given. */
export function removeService(project: string, escaped: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${projectsPath}/${project}/service/${escaped}`, { method: "DELETE", ...request })
}

/** Asks for a stage. Names stand in the path as they are given. */
export function askStage(project: string, stage: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${projectsPath}/${project}/stage/${stage}`, request)
}

/** Gets a stage. */
export async function getStage(project: string, stage: string) {
  return answer(await askStage(project, stage), stageSchema)
}

/** Lists the services of a stage; `query` without its question mark. */
export async function listServices(project: string, stage: string, query = "") {
  const response = await askStage(project, `${stage}/service?${query}`)
  const page = await answer(response, z.strictObject({ services: z.array(serviceSchema), ...paging }))
  return { ...page, names: page.services.map((service) => service.serviceName) }
}

/** Gets a service of a stage. */
export async function getService(project: string, stage: string, escaped: string) {
  return answer(await askStage(project, `${stage}/service/${escaped}`), serviceSchema)
}
