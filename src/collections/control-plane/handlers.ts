/** How the control plane's API behaves. */
import type { z } from "@hono/zod-openapi"
import { principalOf, reachOf, requireProject } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageOf, readOffsetPage } from "../../gateway/paging.ts"
import { authorOf } from "../../lib/author.ts"
import { toBase64, utf8 } from "../../lib/bytes.ts"
import * as projects from "../../partition/projects.ts"
import type { RegionalHandler } from "../regional.ts"
import { lifecycleEvents } from "./lifecycle-events.ts"
import { isEntityName, serviceNameProblem } from "./names.ts"
import * as routes from "./routes.ts"
import type { createProjectSchema, projectSchema } from "./schemas.ts"
import { readShipyard, type Shipyard } from "./shipyard.ts"

const LONGEST_PROJECT_NAME = 200

export const listProjects: RegionalHandler<typeof routes.listProjects> = async (c) => {
  const page = readOffsetPage(c.req.valid("query"))
  const found = await projects.findProjects(c.get("partition"), reachOf(c, "read"), page)
  const shown = found.projects.map(expandedProject)
  return c.json({ projects: shown, ...offsetPageOf(page, shown.length, found.total) }, 200)
}

export const getProject: RegionalHandler<typeof routes.getProject> = async (c) => {
  const { projectName } = c.req.valid("param")
  const project = await projects.findProject(c.get("partition"), projectName)
  if (project === null) throw routes.namedProjectNotFound(projectName)
  return c.json(expandedProject(project), 200)
}

export const createProject: RegionalHandler<typeof routes.createProject> = async (c) => {
  const { name, shipyard } = readNewProject(c.req.valid("json"))
  requireProject(c, "create", name, routes.namedProjectNotFound)
  const project = { name, shipyard: shipyard.text, shipyardVersion: shipyard.apiVersion, stages: shipyard.stages }
  const createdProject = { projectName: name, gitRemoteURL: "", shipyard: toBase64(utf8(shipyard.text)) }
  const now = new Date()
  const events = lifecycleEvents("project.create", { project: name }, { createdProject }, now)
  const principal = principalOf(c)
  const author = authorOf(principal, now.getTime())
  const result = await projects.createProject(c.get("partition"), project, author, events, principal.id)
  if (result.outcome !== "created") throw notCreated(name, result.outcome)
  await c.get("settleRoleChange")(result.roleChange)
  return c.body(null, 201)
}

export const deleteProject: RegionalHandler<typeof routes.deleteProject> = async (c) => {
  const { projectName } = c.req.valid("param")
  const roleChange = await projects.deleteProject(c.get("partition"), projectName)
  if (roleChange !== null) await c.get("settleRoleChange")(roleChange)
  const message = roleChange
    ? `Project ${projectName} was deleted with its resources, its history and its events.`
    : `Project ${projectName} cannot be retrieved anymore. It may have been deleted before.`
  return c.json({ message }, 200)
}

export const listStages: RegionalHandler<typeof routes.listStages> = async (c) => {
  const { projectName } = c.req.valid("param")
  const project = await projects.findProject(c.get("partition"), projectName)
  if (project === null) throw routes.projectNotFound()
  const page = readOffsetPage(c.req.valid("query"))
  const byName = project.stages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const shown = byName.slice(page.offset, page.offset + page.size).map(expandedStage)
  return c.json({ stages: shown, ...offsetPageOf(page, shown.length, byName.length) }, 200)
}

export const createService: RegionalHandler<typeof routes.createService> = async (c) => {
  const { projectName } = c.req.valid("param")
  const serviceName = c.req.valid("json").serviceName ?? ""
  const problem = serviceNameProblem(serviceName)
  if (problem !== null) throw new ApiError("invalid_request", `Invalid request format: ${problem}`)
  const now = new Date()
  const events = lifecycleEvents("service.create", { project: projectName, service: serviceName }, {}, now)
  const author = authorOf(principalOf(c), now.getTime())
  const result = await projects.createService(c.get("partition"), projectName, serviceName, author, events)
  switch (result.outcome) {
    case "created":
      return c.json({ message: "" }, 200)
    case "exists":
      throw new ApiError("conflict", "service already exists")
    case "no-project":
      throw routes.stagesNotFound(projectName)
    case "file-in-the-way":
      throw new ApiError(
        "conflict",
        `stage '${result.stage}' has a file called '${serviceName}' where the service needs a folder`,
      )
    case "folder-too-large":
      throw new ApiError("payload_too_large", `stage '${result.stage}' has too many files and services in its folder`)
    case "busy":
      throw new ApiError("conflict", "too many writers at once in this project: nothing was created, try again", {
        headers: { "Retry-After": "1" },
      })
  }
}

/** Checks the body of a project's creation in Keptn's order, with its texts. */
function readNewProject(body: z.infer<typeof createProjectSchema>): { name: string; shipyard: Shipyard } {
  const { name, shipyard } = body
  if (!name) throw invalidPayload("project name missing")
  if (name.length > LONGEST_PROJECT_NAME) {
    throw invalidPayload(`project name exceeds maximum size of ${LONGEST_PROJECT_NAME} characters`)
  }
  if (!isEntityName(name)) throw invalidPayload("provided project name is not a valid Keptn entity name")
  if (!shipyard) throw invalidPayload("shipyard must contain a valid shipyard spec encoded in base64")
  const result = readShipyard(shipyard, projects.DEFAULT_BRANCH)
  if ("problem" in result) throw invalidPayload(result.problem)
  if (body.gitCredentials !== undefined && body.gitCredentials !== null) {
    throw invalidPayload(
      "gitCredentials are not supported: the project's history is kept here and needs no remote, leave them out",
    )
  }
  return { name, shipyard: result.shipyard }
}

function notCreated(name: string, outcome: "exists" | "being-deleted"): ApiError {
  if (outcome === "exists") {
    return new ApiError("conflict", `could not create project '${name}': project already exists`)
  }
  const text = `could not create project '${name}': a project of that name is still being deleted, try again in a minute`
  return new ApiError("conflict", text, { headers: { "Retry-After": "60" } })
}

function invalidPayload(text: string): ApiError {
  return new ApiError("invalid_request", `Could not validate payload: ${text}`)
}

function expandedProject(project: projects.Project): z.infer<typeof projectSchema> {
  return {
    projectName: project.name,
    creationDate: nanoseconds(project.createdAt),
    shipyard: project.shipyard,
    shipyardVersion: project.shipyardVersion,
    stages: project.stages.map(expandedStage),
    isUpstreamAutoProvisioned: true,
  }
}

function expandedStage(stage: projects.Stage): z.infer<typeof projectSchema>["stages"][number] {
  return {
    stageName: stage.name,
    services: stage.services.map((service) => ({
      serviceName: service.name,
      creationDate: nanoseconds(service.createdAt),
      openRemediations: null,
    })),
    ...(stage.parentStages.length > 0 && { parentStages: stage.parentStages }),
  }
}

function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`
}
