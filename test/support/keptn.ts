/** The regional API as tests use it: the paths of its routes, and answers that are parsed, not trusted. */
import { z } from "zod"
import { base64, createProject, send, type TestRequest } from "./client.ts"

/** A scope of resources. The region is `eu` unless it is named, the API that of the resource service. */
export interface Place {
  region?: string
  api?: "resource-service" | "configuration-service"
  project: string
  stage?: string
  service?: string
}

/** Parses the JSON of a response that must have the given status. */
export async function answer<T>(response: Response, schema: z.ZodType<T>, status = 200): Promise<T> {
  const text = await response.text()
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${text}`)
  return schema.parse(JSON.parse(text))
}

const errorSchema = z.strictObject({ code: z.number(), message: z.string() })

/** The status of an error with its Keptn body. */
export async function failure(response: Response): Promise<{ status: number; code: number; message: string }> {
  return { status: response.status, ...errorSchema.parse(await response.json()) }
}

/** The statuses of responses, sorted. */
export function statuses(responses: readonly Response[]): number[] {
  return responses.map((response) => response.status).toSorted((a, b) => a - b)
}

let projectNumber = 0

/** Creates a project of a name that no other test has, in `eu`, with the given stages; answers the name. */
export async function newProject(...stages: string[]): Promise<string> {
  const name = `project-${++projectNumber}`
  await createProject("eu", name, ...stages)
  return name
}

/** Creates a service in every stage of a project. */
export async function newService(project: string, serviceName: string): Promise<void> {
  const path = `/api/controlPlane/v1/project/${project}/service`
  await answer(await send("eu", path, { json: { serviceName } }), z.strictObject({ message: z.literal("") }))
}

/** A new project with the stage `dev` and the service `carts`: a scope of each level, the widest first. */
export async function newScopes(): Promise<[Place, Place, Place]> {
  const project = await newProject("dev")
  await newService(project, "carts")
  return [{ project }, { project, stage: "dev" }, { project, stage: "dev", service: "carts" }]
}

const commitId = z.string().regex(/^[0-9a-f]{40}$/)
const metadataSchema = z.strictObject({ upstreamURL: z.literal(""), version: commitId })
const writeResultSchema = z.strictObject({ commitID: commitId, metadata: metadataSchema })
const resourceSchema = z.strictObject({
  resourceURI: z.string(),
  resourceContent: z.base64(),
  metadata: metadataSchema,
})
const resourceListSchema = z.strictObject({
  resources: z.array(z.strictObject({ resourceURI: z.string(), metadata: metadataSchema })),
  nextPageKey: z.string(),
  totalCount: z.number().optional(),
})

/** The path of a scope's resources. Names stand in it as they are given: escape them first. */
export function resourcePath({ api = "resource-service", project, stage, service }: Place): string {
  const ofStage = stage === undefined ? "" : `/stage/${stage}`
  const ofService = service === undefined ? "" : `/service/${service}`
  return `/api/${api}/v1/project/${project}${ofStage}${ofService}/resource`
}

/** Sends files, by path, to a scope. */
export function writeFiles(
  place: Place,
  files: Record<string, string | Uint8Array>,
  request: TestRequest = {},
): Promise<Response> {
  const entries = Object.entries(files)
  const resources = entries.map(([path, content]) => ({ resourceURI: path, resourceContent: base64(content) }))
  return send(place.region ?? "eu", resourcePath(place), { json: { resources }, ...request })
}

/** Writes files; answers the commit. */
export async function commitFiles(place: Place, files: Record<string, string | Uint8Array>): Promise<string> {
  return commitOf(await writeFiles(place, files), 201)
}

/** The commit that a write answers, which must stand in both places of the answer. */
export async function commitOf(response: Response, status = 200): Promise<string> {
  const { commitID, metadata } = await answer(response, writeResultSchema, status)
  if (metadata.version !== commitID) throw new Error(`commitID ${commitID}, but version ${metadata.version}`)
  return commitID
}

/** Sends one file as JSON. `escaped` stands in the path as it is given. */
export function putFile(
  place: Place,
  escaped: string,
  content: string | Uint8Array,
  request: TestRequest = {},
): Promise<Response> {
  return readFile(place, escaped, { method: "PUT", json: { resourceContent: base64(content) }, ...request })
}

/** Sends one file as it is. */
export function putRaw(
  place: Place,
  escaped: string,
  bytes: Uint8Array<ArrayBuffer>,
  { headers, ...request }: TestRequest = {},
): Promise<Response> {
  const type = { "content-type": "application/octet-stream" }
  return readFile(place, escaped, { method: "PUT", body: bytes, headers: { ...type, ...headers }, ...request })
}

/** Asks for one file as it is. */
export function readRaw(place: Place, escaped: string, { headers, ...request }: TestRequest = {}): Promise<Response> {
  return readFile(place, escaped, { headers: { accept: "application/octet-stream", ...headers }, ...request })
}

/** Deletes one file. */
export function removeFile(place: Place, escaped: string, request: TestRequest = {}): Promise<Response> {
  return readFile(place, escaped, { method: "DELETE", ...request })
}

/** Asks for one file. `escaped` stands in the path as it is given, a query behind it included. */
export function readFile(place: Place, escaped: string, request: TestRequest = {}): Promise<Response> {
  return send(place.region ?? "eu", `${resourcePath(place)}/${escaped}`, request)
}

/** Reads one file: the name that came back, its bytes and its version. */
export async function fetchFile(
  place: Place,
  escaped: string,
): Promise<{ uri: string; bytes: Uint8Array; text: string; version: string }> {
  const { resourceURI, resourceContent, metadata } = await answer(await readFile(place, escaped), resourceSchema)
  const bytes = Uint8Array.fromBase64(resourceContent)
  return { uri: resourceURI, bytes, text: new TextDecoder().decode(bytes), version: metadata.version }
}

/** Lists files of a scope; `query` without its question mark. */
export async function listFiles(
  place: Place,
  query = "",
): Promise<{ uris: string[]; versions: string[]; nextPageKey: string; totalCount: number | undefined }> {
  const response = await send(place.region ?? "eu", `${resourcePath(place)}?${query}`)
  const { resources, nextPageKey, totalCount } = await answer(response, resourceListSchema)
  const uris = resources.map((resource) => resource.resourceURI)
  const versions = [...new Set(resources.map((resource) => resource.metadata.version))]
  return { uris, versions, nextPageKey, totalCount }
}
