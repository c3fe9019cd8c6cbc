/** How stages and services behave. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { principalOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { type offsetPageQuery, offsetPageOf, readOffsetPage } from "../../gateway/paging.ts"
import { authorOf } from "../../lib/author.ts"
import { findProject, type Project, type Stage } from "../../partition/projects.ts"
import * as services from "../../partition/services.ts"
import type { RegionalEnv, RegionalHandler } from "../regional.ts"
import { expandedService, expandedStage, tooManyWriters } from "./answers.ts"
import { lifecycleEvents } from "../../partition/lifecycle-events.ts"
import { serviceNameProblem } from "../../lib/service-name.ts"
import * as routes from "./routes.ts"

export const listStages: RegionalHandler<typeof routes.listStages> = async (c) => {
  const project = await foundProject(c, c.req.valid("param"))
  const byName = project.stages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const { shown, paging } = pageOf(byName, c.req.valid("query"))
  return c.json({ stages: shown.map(expandedStage), ...paging }, 200)
}

export const getStage: RegionalHandler<typeof routes.getStage> = async (c) => {
  return c.json(expandedStage(await foundStage(c, c.req.valid("param"))), 200)
}

export const listServices: RegionalHandler<typeof routes.listServices> = async (c) => {
  const stage = await foundStage(c, c.req.valid("param"))
  const { shown, paging } = pageOf(stage.services, c.req.valid("query"))
  return c.json({ services: shown.map(expandedService), ...paging }, 200)
}

export const getService: RegionalHandler<typeof routes.getService> = async (c) => {
  const { serviceName } = c.req.valid("param")
  const stage = await foundStage(c, c.req.valid("param"))
  const service = stage.services.find(({ name }) => name === serviceName)
  // Keptn's lighthouse looks for these words.
  if (!service) throw new ApiError("not_found", "service not found")
  return c.json(expandedService(service), 200)
}

export const createService: RegionalHandler<typeof routes.createService> = async (c) => {
  const { projectName } = c.req.valid("param")
  const serviceName = c.req.valid("json").serviceName ?? ""
  const problem = serviceNameProblem(serviceName)
  if (problem !== null) throw new ApiError("invalid_request", `Invalid request format: ${problem}`)
  const now = new Date()
  const events = lifecycleEvents("service.create", { project: projectName, service: serviceName }, {}, now)
  const author = authorOf(principalOf(c), now.getTime())
  const result = await services.createService(c.get("partition"), projectName, serviceName, author, events)
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
      throw tooManyWriters("created")
  }
}

export const deleteService: RegionalHandler<typeof routes.deleteService> = async (c) => {
  const { projectName, serviceName } = c.req.valid("param")
  const now = new Date()
  const events = lifecycleEvents("service.delete", { project: projectName, service: serviceName }, {}, now)
  const author = authorOf(principalOf(c), now.getTime())
  switch (await services.deleteService(c.get("partition"), projectName, serviceName, author, events)) {
    case "deleted":
    case "no-service":
      return c.json({ message: "" }, 200)
    case "no-project":
      throw routes.stagesNotFound(projectName)
    case "busy":
      throw tooManyWriters("deleted")
  }
}

async function foundProject(c: Context<RegionalEnv>, { projectName }: { projectName: string }): Promise<Project> {
  const project = await findProject(c.get("partition"), projectName)
  if (project === null) throw routes.projectNotFound()
  return project
}

async function foundStage(c: Context<RegionalEnv>, names: { projectName: string; stageName: string }): Promise<Stage> {
  const project = await foundProject(c, names)
  const stage = project.stages.find(({ name }) => name === names.stageName)
  if (!stage) throw new ApiError("not_found", "stage not found")
  return stage
}

/** The part of a list that a query asks for. */
function pageOf<T>(all: readonly T[], query: z.infer<typeof offsetPageQuery>) {
  const page = readOffsetPage(query)
  const shown = all.slice(page.offset, page.offset + page.size)
  return { shown, paging: offsetPageOf(page, shown.length, all.length) }
}
