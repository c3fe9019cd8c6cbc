/** The contract of the control plane's API. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageQuery } from "../../gateway/paging.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import {
  createProjectSchema,
  createServiceSchema,
  keptnContextSchema,
  messageSchema,
  projectListSchema,
  projectSchema,
  serviceListSchema,
  serviceSchema,
  stageListSchema,
  stageSchema,
  triggerEvaluationSchema,
  triggeredEventsSchema,
  updateProjectSchema,
} from "./schemas.ts"

const BASE = "/api/controlPlane/v1"

const projectName = z.string().openapi({ param: { name: "projectName", in: "path" }, example: "sockshop" })

const stageName = z.string().openapi({ param: { name: "stageName", in: "path" }, example: "dev" })
const serviceName = z.string().openapi({ param: { name: "serviceName", in: "path" }, example: "carts" })

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

export const updateProject = createRoute({
  ...requires({ on: "body", action: "administer" }),
  method: "put",
  path: `${BASE}/project`,
  operationId: "updateProject",
  tags: ["projects"],
  summary: "Change a project",
  description:
    "Changes the shipyard, which must keep the stages, and the git credentials of a project; what is absent stays as it is. The shipyard " +
    "becomes a commit of the project's branch. The git remote is not contacted yet.",
  request: { body: { required: true, content: { "application/json": { schema: updateProjectSchema } } } },
  responses: {
    201: { description: "The project was changed; the body is empty" },
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "unavailable"),
  },
})

export const getStage = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: projectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}/stage/{stageName}`,
  operationId: "getStage",
  tags: ["stages and services"],
  summary: "Get a stage",
  request: { params: z.object({ projectName, stageName }) },
  responses: { 200: json(stageSchema, "The stage"), ...keptnErrors("not_found") },
})

export const listServices = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: projectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}/stage/{stageName}/service`,
  operationId: "listServices",
  tags: ["stages and services"],
  summary: "List the services of a stage",
  description: "Services by name.",
  request: { params: z.object({ projectName, stageName }), query: offsetPageQuery },
  responses: { 200: json(serviceListSchema, "A page of the services"), ...keptnErrors("invalid_request", "not_found") },
})

export const getService = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: projectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}/stage/{stageName}/service/{serviceName}`,
  operationId: "getService",
  tags: ["stages and services"],
  summary: "Get a service of a stage",
  request: { params: z.object({ projectName, stageName, serviceName }) },
  responses: { 200: json(serviceSchema, "The service"), ...keptnErrors("not_found") },
})

export const deleteService = createRoute({
  ...requires({ on: "project", action: "contribute", param: "projectName", notFound: stagesNotFound }),
  method: "delete",
  path: `${BASE}/project/{projectName}/service/{serviceName}`,
  operationId: "deleteService",
  tags: ["stages and services"],
  summary: "Delete a service in every stage of a project",
  description:
    "Removes the service with its files, as one commit on the branch of each stage. Earlier commits still hold them.",
  request: { params: z.object({ projectName, serviceName }) },
  responses: {
    200: json(messageSchema, "The service is gone, whether it existed or not; the message is empty"),
    ...keptnErrors("permission_denied", "conflict"),
  },
})

/** Evaluations name what is missing with a code of their own, which Keptn's CLI shows. */
export function evaluationTargetNotFound(what: "project" | "stage" | "service"): ApiError {
  return new ApiError("invalid_request", `${what} not found`, { keptnCode: 2 })
}

export const triggerEvaluation = createRoute({
  ...requires({
    on: "project",
    action: "contribute",
    param: "projectName",
    notFound: () => evaluationTargetNotFound("project"),
  }),
  method: "post",
  path: `${BASE}/project/{projectName}/stage/{stageName}/service/{serviceName}/evaluation`,
  operationId: "triggerEvaluation",
  tags: ["evaluation"],
  summary: "Trigger an evaluation",
  description:
    "Publishes the event that triggers the sequence `evaluation`. The window is `start` with `end` or `timeframe`, or `timeframe` up to now, or the " +
    "last five minutes. Nothing runs sequences here yet: whoever listens to events can.",
  request: {
    params: z.object({ projectName, stageName, serviceName }),
    body: { required: true, content: { "application/json": { schema: triggerEvaluationSchema } } },
  },
  responses: {
    200: json(keptnContextSchema, "The context of the evaluation"),
    ...keptnErrors("invalid_request", "permission_denied"),
  },
})

export const listTriggeredEvents = createRoute({
  ...requires({ on: "token" }),
  method: "get",
  path: `${BASE}/event/triggered/{eventType}`,
  operationId: "listTriggeredEvents",
  tags: ["events"],
  summary: "List open triggered events",
  description: "What remote execution planes poll. Nothing runs sequences here yet, so the list is empty.",
  request: {
    params: z.object({
      eventType: z
        .string()
        .openapi({ param: { name: "eventType", in: "path" }, example: "sh.keptn.event.deployment.triggered" }),
    }),
    query: offsetPageQuery.extend({
      project: z.string().optional(),
      stage: z.string().optional(),
      service: z.string().optional(),
      eventID: z.string().optional(),
    }),
  },
  responses: {
    200: json(triggeredEventsSchema, "A page of the events"),
    ...keptnErrors("invalid_request", "not_found"),
  },
})
