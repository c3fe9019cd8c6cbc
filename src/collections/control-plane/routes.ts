/** The contract of the control plane's API. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageQuery } from "../../gateway/paging.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import {
  createProjectExamples,
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

const nameOf = (kind: string, example: string) =>
  z.string().openapi({ param: { name: `${kind}Name`, in: "path" }, description: `The name of the ${kind}`, example })
const projectName = nameOf("project", "sockshop")
const stageName = nameOf("stage", "dev")
const serviceName = nameOf("service", "carts")

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
  description: "A page of the projects, by name, each with its stages and services.",
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
    "Creates a project with the stages of its shipyard, whole or not at all; the caller becomes Admin of it. The project is a git " +
    "history of its own: the default branch holds its files, each stage is a branch. A name has up to 200 lower-case letters, digits and " +
    "hyphens. That of a deleted project is refused with 409 and `Retry-After` until its files are removed.",
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: createProjectSchema, examples: createProjectExamples } },
    },
  },
  responses: {
    201: { description: "The project was created; the body is empty" },
    ...keptnErrors("invalid_request", "permission_denied", "conflict", "payload_too_large", "unavailable"),
  },
})

export const getProject = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: namedProjectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}`,
  operationId: "getProject",
  tags: ["projects"],
  summary: "Get a project",
  description: "The project with its shipyard, its stages in the order of the shipyard, and their services.",
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
  description:
    "Deletes the project with its resources, its whole history and its events, at once and for good, and the roles on it. Files " +
    "that are still stored are removed after the answer. A project that is not there is answered alike to whoever may delete it.",
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
  description: "A page of the stages, by name; the project itself has them in the order of its shipyard.",
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
  description:
    "Makes a folder with the service's metadata on the branch of every stage, in all of them or in none. The name has up to 43 characters, " +
    "none of them a slash. An unknown project is answered with 500, as in Keptn.",
  request: {
    params: z.object({ projectName }),
    body: { required: true, content: { "application/json": { schema: createServiceSchema } } },
  },
  responses: {
    200: json(messageSchema, "The service was created; the message is empty"),
    ...keptnErrors("invalid_request", "permission_denied", "conflict", "payload_too_large", "keptn_failure"),
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
    "Changes the shipyard, which must keep the stages, and the git credentials of a project, both or none; what is absent stays as it is. " +
    "The shipyard becomes a commit of the project's branch. The git remote is not contacted yet.",
  request: { body: { required: true, content: { "application/json": { schema: updateProjectSchema } } } },
  responses: {
    201: { description: "The project was changed; the body is empty" },
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large", "unavailable"),
  },
})

export const getStage = createRoute({
  ...requires({ on: "project", action: "read", param: "projectName", notFound: projectNotFound }),
  method: "get",
  path: `${BASE}/project/{projectName}/stage/{stageName}`,
  operationId: "getStage",
  tags: ["stages and services"],
  summary: "Get a stage",
  description: "The stage with its services and the last event about them.",
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
  description: "A page of the services, by name, each with its last event of every type.",
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
  description: "The service with the last event of every type about it, and the image that was deployed last.",
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
    "Removes the service with its files, as one commit on the branch of each stage, in all of them or in none. Earlier commits still hold " +
    "the files. An unknown project is answered with 500, as in Keptn.",
  request: { params: z.object({ projectName, serviceName }) },
  responses: {
    200: json(messageSchema, "The service is gone, whether it existed or not; the message is empty"),
    ...keptnErrors("permission_denied", "conflict", "keptn_failure"),
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
    "Stores the event that triggers the sequence `evaluation`, a new one with each request. The window is `start` with `end` or `timeframe`, or " +
    "`timeframe` up to now, or the last five minutes. Nothing runs sequences here yet: whoever listens to events can. A project, stage or " +
    "service that is not there is answered with 400, as in Keptn.",
  request: {
    params: z.object({ projectName, stageName, serviceName }),
    body: { required: true, content: { "application/json": { schema: triggerEvaluationSchema } } },
  },
  responses: {
    200: json(keptnContextSchema, "The context of the evaluation"),
    ...keptnErrors("invalid_request", "permission_denied", "payload_too_large"),
  },
})

const only = (which: string, example: string) =>
  z
    .string()
    .optional()
    .openapi({ description: `Only events ${which}`, example })

export const listTriggeredEvents = createRoute({
  ...requires({ on: "token" }),
  method: "get",
  path: `${BASE}/event/triggered/{eventType}`,
  operationId: "listTriggeredEvents",
  tags: ["events"],
  summary: "List open triggered events",
  description:
    "What remote execution planes poll. Nothing runs sequences here yet, so the list is empty. An unknown `project` is answered with 404.",
  request: {
    params: z.object({
      eventType: z.string().openapi({
        param: { name: "eventType", in: "path" },
        description: "The type of the events",
        example: "sh.keptn.event.deployment.triggered",
      }),
    }),
    query: offsetPageQuery.extend({
      project: only("of this project", "sockshop"),
      stage: only("of this stage", "dev"),
      service: only("of this service", "carts"),
      eventID: only("with this id", "7f3a8c1e-1c5b-4a53-9a1e-0f2b3c4d5e6f"),
    }),
  },
  responses: {
    200: json(triggeredEventsSchema, "A page of the events"),
    ...keptnErrors("invalid_request", "not_found"),
  },
})
