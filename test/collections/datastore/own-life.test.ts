/** A project shows the events of its own life: neither those of a project before it nor those that were sent for its name alone. */
import { env } from "cloudflare:workers"
import { expect, it } from "vitest"
import { z } from "zod"
import { createProject, send } from "../../support/client.ts"
import { askEvents, findEvents, sendEvent } from "../../support/events.ts"
import { projectsPath } from "../../support/projects.ts"

const TYPE = "sh.keptn.event.dev.delivery.triggered"

function newName(): string {
  return `life-${crypto.randomUUID()}`
}

async function exported(project: string): Promise<string> {
  return (await send("eu", `/api/mongodb-datastore/event/export?project=${project}`)).text()
}

async function counted(project: string): Promise<number> {
  const row = await env.DB_EU.prepare("select count(*) as n from event_counts where project = ?").bind(project).first()
  return z.object({ n: z.number() }).parse(row).n
}

it("events that were sent before there was a project are not shown by it", async () => {
  const project = newName()
  const context = await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  expect((await findEvents(`project=${project}`)).events).toHaveLength(1)
  await createProject("eu", project, "dev")
  const { events } = await findEvents(`project=${project}&pageSize=100`)
  expect(events.map(({ type }) => type)).not.toContain(TYPE)
  expect((await findEvents(`keptnContext=${context}`)).events).toEqual([])
  expect(await exported(project)).not.toContain(TYPE)
  const triggered = await send("eu", `/api/controlPlane/v1/event/triggered/${TYPE}?project=${project}`)
  expect(await triggered.json()).toMatchObject({ events: [] })
})

it("they are not counted by its statistics either", async () => {
  const project = newName()
  await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  const before = await counted(project)
  await createProject("eu", project, "dev")
  const fresh = newName()
  await createProject("eu", fresh, "dev")
  expect(before).toBe(1)
  expect(await counted(project)).toBe(await counted(fresh))
})

it("events that come between a deletion and a new creation belong to neither", async () => {
  const project = newName()
  await createProject("eu", project, "dev")
  await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  await send("eu", `${projectsPath}/${project}`, { method: "DELETE" })
  await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  await createProject("eu", project, "dev")
  const { events } = await findEvents(`project=${project}&pageSize=100`)
  expect(events.map(({ type }) => type)).not.toContain(TYPE)
})

it("a creation that is refused takes no events away", async () => {
  const project = newName()
  await createProject("eu", project, "dev")
  await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  const before = await (await askEvents(`project=${project}`)).text()
  await expect(createProject("eu", project, "dev")).rejects.toThrow("409")
  expect(await (await askEvents(`project=${project}`)).text()).toBe(before)
})
