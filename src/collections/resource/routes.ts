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

/** A part of a project that has files of its own: how it is called, and where it is. */
interface RouteScope<Params> {
  name: "Project" | "Stage" | "Service"
  path: string
  params: Params
}

const project = { name: "Project", path: "/project/{projectName}", params: z.object({ projectName }) } as const
const stage = {
  name: "Stage",
  path: `${project.path}/stage/{stageName}`,
  params: z.object({ projectName, stageName }),
} as const
const service = {
  name: "Service",
  path: `${stage.path}/service/{serviceName}`,
  params: z.object({ projectName, stageName, serviceName }),
} as const

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})

/** The parts that all routes of a scope have in common. */
function ofScope({ name }: RouteScope<unknown>) {
  return { tags: [`${name.toLowerCase()} resources`] }
}

function listRoute<Params extends z.ZodObject>(scope: RouteScope<Params>) {
  return createRoute({
    ...ofScope(scope),
    ...read,
    method: "get",
    path: `${BASE}${scope.path}/resource`,
    operationId: `list${scope.name}Resources`,
    summary: `List the files of a ${scope.name.toLowerCase()}`,
    description: "Files in the order of a directory walk. A stage has those of its services, too.",
    request: { params: scope.params, query: offsetPageQuery },
    responses: {
      200: json(resourceListSchema, "A page of the files"),
      ...keptnErrors("invalid_request", "permission_denied", "not_found"),
    },
  })
}

function writeRoute<Params extends z.ZodObject>(scope: RouteScope<Params>) {
  return createRoute({
    ...ofScope(scope),
    ...contribute,
    method: "post",
    path: `${BASE}${scope.path}/resource`,
    operationId: `write${scope.name}Resources`,
    summary: `Write files of a ${scope.name.toLowerCase()}`,
    description:
      "Writes all files as one git commit, or none of them. A file that is there already is overwritten; when all stand " +
      "there already, no commit is made and the current one is answered.",
    request: {
      params: scope.params,
      body: { required: true, content: { "application/json": { schema: writeListSchema } } },
    },
    responses: {
      201: json(writeResultSchema, "The commit that holds the files"),
      ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
    },
  })
}

function readRoute<Params extends z.ZodRawShape>(scope: RouteScope<z.ZodObject<Params>>) {
  return createRoute({
    ...ofScope(scope),
    ...read,
    method: "get",
    path: `${BASE}${scope.path}/resource/:resourceURI{.+}`,
    operationId: `read${scope.name}Resource`,
    summary: `Read a file of a ${scope.name.toLowerCase()}`,
    description:
      "Reads one file from the head of its branch, or as of `gitCommitID`. Scopes do not fall back on each other. The " +
      "answer's `ETag` is the git blob id.",
    request: { params: scope.params.extend({ resourceURI }), query: readQuery },
    responses: {
      200: json(resourceSchema, "The file"),
      304: { description: "The file is the one with the given `If-None-Match`" },
      ...keptnErrors("invalid_request", "permission_denied", "not_found"),
    },
  })
}

export const listRoutes = [listRoute(project), listRoute(stage), listRoute(service)] as const
export const writeRoutes = [writeRoute(project), writeRoute(stage), writeRoute(service)] as const
export const readRoutes = [readRoute(project), readRoute(stage), readRoute(service)] as const
