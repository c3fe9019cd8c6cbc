/** The contract of the control plane's API. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageQuery } from "../../gateway/paging.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import {
  createProjectSchema,
  createServiceSchema,
  messageSchema,
  projectListSchema,
  projectSchema,
  stageListSchema,
} from "./schemas.ts"

const BASE = "/api/controlPlane/v1"

const projectName = z.string().openapi({ param: { name: "projectName", in: "path" }, example: "sockshop" })

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})

/** Keptn's texts for a project that does not exist differ from route to route. */
export function projectNotFound(): ApiError {
  return new ApiError("not_found", "project not found")
}

/** As `projectNotFound`, on the route of one project. */
export function namedProjectNotFound(project: string): ApiError {
  return new ApiError("not_found", `Project not found: ${project}`)
}

/** As `projectNotFound`, where a service is created: Keptn answers 500 with this text. */
export function stagesNotFound(project: string): ApiError {
  return new ApiError("keptn_failure", `could not get stages of project ${project}: project not found`)
}

export const listProjects = createRoute({
  ...requires({ on: "projects", action: "read" }),
  method: "get",
  path: `${BASE}/project`,
  operationId: "listProjects",
  tags: ["projects"],
  summary: "List projects",
  description: "Projects by name, with their stages and services.",
  request: { query: offsetPageQuery },
  responses: { 200: json(projectListSchema, "A page of the projects"), ...keptnErrors("invalid_request") },
})

export const createProject = createRoute({
  ...requires({ on: "body", action: "create" }),
  method: "post",
  path: `${BASE}/project`,
  operationId: "createProject",
  tags: ["projects"],
  summary: "Create a project",
  description:
    "Creates a project with the stages of its shipyard. The project is a git history of its own: the default branch holds " +
    "its files, each stage is a branch. A name consists of lower-case letters, digits and hyphens.",
  request: { body: { required: true, content: { "application/json": { schema: createProjectSchema } } } },
  responses: {
    201: { description: "The project was created; the body is empty" },
    ...keptnErrors("invalid_request", "permission_denied", "conflict"),
  },
})

export const getProject = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: namedProjectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}`,
  operationId: "getProject",
  tags: ["projects"],
  summary: "Get a project",
  request: { params: z.object({ projectName }) },
  responses: { 200: json(projectSchema, "The project"), ...keptnErrors("not_found") },
})

export const deleteProject = createRoute({
  ...requires({ on: "project", action: "administer", param: "projectName", notFound: namedProjectNotFound }),
  method: "delete",
  path: `${BASE}/project/{projectName}`,
  operationId: "deleteProject",
  tags: ["projects"],
  summary: "Delete a project",
  description: "Deletes the project with its resources, its whole history and its events. There is no way back.",
  request: { params: z.object({ projectName }) },
  responses: {
    200: json(messageSchema, "The project is gone, whether it existed or not"),
    ...keptnErrors("permission_denied", "not_found"),
  },
})

export const listStages = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: projectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}/stage`,
  operationId: "listStages",
  tags: ["stages and services"],
  summary: "List the stages of a project",
  description: "Stages by name; the project itself has them in the order of its shipyard.",
  request: { params: z.object({ projectName }), query: offsetPageQuery },
  responses: { 200: json(stageListSchema, "A page of the stages"), ...keptnErrors("invalid_request", "not_found") },
})

export const createService = createRoute({
  ...requires({ on: "project", action: "contribute", param: "projectName", notFound: stagesNotFound }),
  method: "post",
  path: `${BASE}/project/{projectName}/service`,
  operationId: "createService",
  tags: ["stages and services"],
  summary: "Create a service in every stage of a project",
  request: {
    params: z.object({ projectName }),
    body: { required: true, content: { "application/json": { schema: createServiceSchema } } },
  },
  responses: {
    200: json(messageSchema, "The service was created; the message is empty"),
    ...keptnErrors("invalid_request", "permission_denied", "conflict", "payload_too_large"),
  },
})
