/** How projects behave. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { principalOf, reachOf, requireProject } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { offsetPageOf, readOffsetPage } from "../../gateway/paging.ts"
import { authorOf } from "../../lib/author.ts"
import { toBase64, utf8 } from "../../lib/bytes.ts"
import * as projects from "../../partition/projects.ts"
import { gitSecretPurpose } from "../../partition/secrets.ts"
import type { RegionalEnv, RegionalHandler } from "../regional.ts"
import { expandedProject, tooManyWriters } from "./answers.ts"
import { type ReadCredentials, readGitCredentials, type SentCredentials } from "./git-credentials.ts"
import { lifecycleEvents } from "../../partition/lifecycle-events.ts"
import { isEntityName } from "./names.ts"
import * as routes from "./routes.ts"
import type { createProjectSchema } from "./schemas.ts"
import { readShipyard, type Shipyard } from "./shipyard.ts"

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
  const { name, shipyard, credentials } = readNewProject(c.req.valid("json"))
  requireProject(c, "create", name, routes.namedProjectNotFound)
  const remote = await sealedRemote(c, name, credentials)
  const project = { name, ...keptShipyard(shipyard), remote }
  const gitRemoteURL = remote?.gitRemote.remoteURL ?? ""
  const createdProject = { projectName: name, gitRemoteURL, shipyard: toBase64(utf8(shipyard.text)) }
  const now = new Date()
  const events = lifecycleEvents("project.create", { project: name }, { createdProject }, now)
  const principal = principalOf(c)
  const author = authorOf(principal, now.getTime())
  const result = await projects.createProject(c.get("partition"), project, author, events, principal.id)
  if (result.outcome !== "created") throw notCreated(name, result.outcome)
  await c.get("settleRoleChange")(result.roleChange)
  return c.body(null, 201)
}

export const updateProject: RegionalHandler<typeof routes.updateProject> = async (c) => {
  const body = c.req.valid("json")
  const name = readName(body.name)
  requireProject(c, "administer", name, routes.projectNotFound)
  const shipyard = body.shipyard ? keptShipyard(readShipyardOf(body.shipyard)) : null
  const remote = await sealedRemote(c, name, readCredentialsOf(body.gitCredentials))
  const author = authorOf(principalOf(c), Date.now())
  switch (await projects.updateProject(c.get("partition"), name, { shipyard, remote }, author)) {
    case "updated":
      return c.body(null, 201)
    case "no-project":
      throw routes.projectNotFound()
    case "stages-changed":
      throw new ApiError("invalid_request", "stage name cannot be changed or removed")
    case "shipyard-in-the-way":
      throw new ApiError(
        "conflict",
        "shipyard.yaml cannot be written: the project has a folder of that name, delete it",
      )
    case "busy":
      throw tooManyWriters("changed")
  }
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

/** Checks the body of a project's creation in Keptn's order, with its texts. */
function readNewProject(body: z.infer<typeof createProjectSchema>): {
  name: string
  shipyard: Shipyard
  credentials: ReadCredentials | null
} {
  const name = readName(body.name)
  if (!body.shipyard) throw invalidPayload("shipyard must contain a valid shipyard spec encoded in base64")
  return { name, shipyard: readShipyardOf(body.shipyard), credentials: readCredentialsOf(body.gitCredentials) }
}

function readName(name: string | null | undefined): string {
  if (!name) throw invalidPayload("project name missing")
  if (name.length > projects.LONGEST_PROJECT_NAME) {
    throw invalidPayload(`project name exceeds maximum size of ${projects.LONGEST_PROJECT_NAME} characters`)
  }
  if (!isEntityName(name)) throw invalidPayload("provided project name is not a valid Keptn entity name")
  return name
}

function readShipyardOf(encoded: string): Shipyard {
  const result = readShipyard(encoded, projects.DEFAULT_BRANCH)
  if ("problem" in result) throw invalidPayload(result.problem)
  return result.shipyard
}

function readCredentialsOf(sent: SentCredentials | null | undefined): ReadCredentials | null {
  if (!sent) return null
  const result = readGitCredentials(sent)
  if ("problem" in result) throw invalidPayload(result.problem)
  return result
}

/** The remote with its secrets sealed for the project's row. Throws an `ApiError` where there is no key to seal with. */
async function sealedRemote(
  c: Context<RegionalEnv>,
  project: string,
  credentials: ReadCredentials | null,
): Promise<projects.ProjectRemote | null> {
  if (credentials === null) return null
  const purpose = gitSecretPurpose(c.get("partition").region, project)
  return { gitRemote: credentials.remote, gitSecret: await c.get("seal")(purpose, credentials.secret) }
}

function keptShipyard({ text, apiVersion, stages }: Shipyard): projects.ProjectShipyard {
  return { shipyard: text, shipyardVersion: apiVersion, stages }
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
