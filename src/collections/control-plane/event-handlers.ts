/** How evaluations are triggered, and what is open. */
import type { Context } from "hono"
import { reachOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { appendEvents } from "../../partition/events.ts"
import { findProject } from "../../partition/projects.ts"
import type { KeptnEvent } from "../../partition/schema.ts"
import type { RegionalEnv, RegionalHandler } from "../regional.ts"
import { readWindow } from "./evaluation-window.ts"
import * as routes from "./routes.ts"

const SOURCE = "https://github.com/keptn/keptn/api"

export const triggerEvaluation: RegionalHandler<typeof routes.triggerEvaluation> = async (c) => {
  const { projectName: project, stageName: stage, serviceName: service } = c.req.valid("param")
  const { labels, gitcommitid, ...parameters } = c.req.valid("json")
  const now = new Date()
  const window = readWindow(parameters, now.getTime())
  if ("problem" in window && window.of === "form") {
    throw new ApiError("invalid_request", `Invalid request format: ${window.problem}`)
  }
  await requireService(c, { project, stage, service })
  if ("problem" in window) throw new ApiError("invalid_request", window.problem, { keptnCode: 0 })
  const evaluation = { start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() }
  const event: KeptnEvent = {
    contenttype: "application/json",
    data: { project, stage, service, ...(labels && { labels }), evaluation, test: {}, deployment: {} },
    id: crypto.randomUUID(),
    shkeptncontext: crypto.randomUUID(),
    source: SOURCE,
    specversion: "1.0",
    time: now.toISOString(),
    type: `sh.keptn.event.${stage}.evaluation.triggered`,
    ...(gitcommitid && { gitcommitid }),
  }
  await appendEvents(c.get("partition").db, [event])
  return c.json({ keptnContext: event.shkeptncontext }, 200)
}

export const listTriggeredEvents: RegionalHandler<typeof routes.listTriggeredEvents> = async (c) => {
  const { project } = c.req.valid("query")
  if (project !== undefined && project !== "") {
    const reach = reachOf(c, "read")
    const visible = reach.all || reach.names.includes(project)
    if (!visible || (await findProject(c.get("partition"), project)) === null) throw routes.projectNotFound()
  }
  return c.json({ events: [], nextPageKey: "0" }, 200)
}

async function requireService(
  c: Context<RegionalEnv>,
  names: { project: string; stage: string; service: string },
): Promise<void> {
  const project = await findProject(c.get("partition"), names.project)
  if (project === null) throw routes.evaluationTargetNotFound("project")
  const stage = project.stages.find(({ name }) => name === names.stage)
  if (!stage) throw routes.evaluationTargetNotFound("stage")
  if (!stage.services.some(({ name }) => name === names.service)) throw routes.evaluationTargetNotFound("service")
}
