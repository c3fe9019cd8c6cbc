/** The contract of the resource-service API: the same three operations on a project, a stage and a service. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageQuery } from "../../gateway/paging.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import { readQuery, resourceListSchema, resourceSchema, writeListSchema, writeResultSchema } from "./schemas.ts"

const BASE = "/api/resource-service/v1"

const projectName = z.string().openapi({ param: { name: "projectName", in: "path" }, example: "sockshop" })
const stageName = z.string().openapi({ param: { name: "stageName", in: "path" }, example: "dev" })
const serviceName = z.string().openapi({ param: { name: "serviceName", in: "path" }, example: "carts" })
const resourceURI = z.string().openapi({
  param: { name: "resourceURI", in: "path" },
  example: "slo.yaml",
  description: "The path of the file in its scope. Slashes may be sent as they are, as `%2F` or as `%252F`",
})

/** Keptn's text for a project that does not exist: its clients and tests look for it. */
export function projectNotFound(): ApiError {
  return new ApiError("not_found", "Could not find credentials for upstream repository")
}

const ofProject = { notFound: projectNotFound, param: "projectName", on: "project" } as const
const read = requires({ ...ofProject, action: "read" })
const contribute = requires({ ...ofProject, action: "contribute" })
const scopes = {
  project: { path: "/project/{projectName}", params: z.object({ projectName }) },
  stage: { path: "/project/{projectName}/stage/{stageName}", params: z.object({ projectName, stageName }) },
  service: {
    path: "/project/{projectName}/stage/{stageName}/service/{serviceName}",
    params: z.object({ projectName, stageName, serviceName }),
  },
} as const

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})

const listResponses = {
  200: json(resourceListSchema, "A page of the files, in the order of a directory walk"),
  ...keptnErrors("invalid_request", "permission_denied", "not_found"),
}
const readResponses = {
  200: json(resourceSchema, "The file"),
  304: { description: "The file is the one with the given `If-None-Match`" },
  ...keptnErrors("invalid_request", "permission_denied", "not_found"),
}
const writeResponses = {
  201: json(writeResultSchema, "The commit that holds the files"),
  ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
}
const writeBody = { required: true, content: { "application/json": { schema: writeListSchema } } } as const
const writeText =
  "Writes all files as one git commit, or none of them. A file that is there already is overwritten; when all stand there " +
  "already, no commit is made and the current one is answered."
const readText =
  "Reads one file from the head of its branch, or as of `gitCommitID`. Scopes do not fall back on each other. The answer's " +
  "`ETag` is the git blob id."

function tagged(scope: keyof typeof scopes) {
  return { tags: [`${scope} resources`] }
}

export const listProjectResources = createRoute({
  ...tagged("project"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.project.path}/resource`,
  operationId: "listProjectResources",
  summary: "List the files of a project",
  request: { params: scopes.project.params, query: offsetPageQuery },
  responses: listResponses,
})
export const listStageResources = createRoute({
  ...tagged("stage"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.stage.path}/resource`,
  operationId: "listStageResources",
  summary: "List the files of a stage, those of its services included",
  request: { params: scopes.stage.params, query: offsetPageQuery },
  responses: listResponses,
})
export const listServiceResources = createRoute({
  ...tagged("service"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.service.path}/resource`,
  operationId: "listServiceResources",
  summary: "List the files of a service in a stage",
  request: { params: scopes.service.params, query: offsetPageQuery },
  responses: listResponses,
})

export const writeProjectResources = createRoute({
  ...tagged("project"),
  ...contribute,
  method: "post",
  path: `${BASE}${scopes.project.path}/resource`,
  operationId: "writeProjectResources",
  summary: "Write files of a project",
  description: writeText,
  request: { params: scopes.project.params, body: writeBody },
  responses: writeResponses,
})
export const writeStageResources = createRoute({
  ...tagged("stage"),
  ...contribute,
  method: "post",
  path: `${BASE}${scopes.stage.path}/resource`,
  operationId: "writeStageResources",
  summary: "Write files of a stage",
  description: writeText,
  request: { params: scopes.stage.params, body: writeBody },
  responses: writeResponses,
})
export const writeServiceResources = createRoute({
  ...tagged("service"),
  ...contribute,
  method: "post",
  path: `${BASE}${scopes.service.path}/resource`,
  operationId: "writeServiceResources",
  summary: "Write files of a service in a stage",
  description: writeText,
  request: { params: scopes.service.params, body: writeBody },
  responses: writeResponses,
})

export const readProjectResource = createRoute({
  ...tagged("project"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.project.path}/resource/:resourceURI{.+}`,
  operationId: "readProjectResource",
  summary: "Read a file of a project",
  description: readText,
  request: { params: scopes.project.params.extend({ resourceURI }), query: readQuery },
  responses: readResponses,
})
export const readStageResource = createRoute({
  ...tagged("stage"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.stage.path}/resource/:resourceURI{.+}`,
  operationId: "readStageResource",
  summary: "Read a file of a stage",
  description: readText,
  request: { params: scopes.stage.params.extend({ resourceURI }), query: readQuery },
  responses: readResponses,
})
export const readServiceResource = createRoute({
  ...tagged("service"),
  ...read,
  method: "get",
  path: `${BASE}${scopes.service.path}/resource/:resourceURI{.+}`,
  operationId: "readServiceResource",
  summary: "Read a file of a service in a stage",
  description: readText,
  request: { params: scopes.service.params.extend({ resourceURI }), query: readQuery },
  responses: readResponses,
})
