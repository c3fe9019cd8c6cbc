/** A project shows the events of its own life: neither those of a project before it nor those that were sent for its name alone. */
import { env } from "cloudflare:workers"
import { expect, it } from "vitest"
import { z } from "zod"
import { archiveEvents } from "../../../src/partition/event-export.ts"
import { base64, createProject, send, shipyard, storageCounts, type TestRequest } from "../../support/client.ts"
import { askEvents, findEvents, sendEvent } from "../../support/events.ts"
import { knownToken } from "../../support/known.ts"
import { openRegion } from "../../support/partition.ts"
import { tokenWith } from "../../support/people.ts"
import { projectsPath } from "../../support/projects.ts"
import { storeEvents } from "../../support/store-events.ts"

const LOG = "/api/controlPlane/v1/log"
const TYPE = "sh.keptn.event.dev.delivery.triggered"

function newName(): string {
  return `life-${crypto.randomUUID()}`
}

async function exported(project: string): Promise<string> {
  return (await send("eu", `/api/mongodb-datastore/event/export?project=${project}`)).text()
}

async function counted(project: string): Promise<number> {
  const row = await env.DB_EU.prepare("select count(*) as n from event_counts where project = ? and type = ?")
    .bind(project, TYPE)
    .first()
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

it("are not counted by its statistics either", async () => {
  const project = newName()
  await sendEvent({ type: TYPE, data: { project, stage: "dev", service: "carts" } })
  expect(await counted(project)).toBe(1)
  await createProject("eu", project, "dev")
  expect(await counted(project)).toBe(0)
  await sendEvent({ type: TYPE, data: { project, stage: "dev", service: "carts" } })
  expect(await counted(project)).toBe(1)
})

it("what was logged about them is not shown to the project's people", async () => {
  const project = newName()
  const message = crypto.randomUUID()
  const shkeptncontext = await sendEvent({ type: TYPE, data: { project, stage: "dev" } })
  await send("eu", LOG, { json: { logs: [{ integrationid: "i", message, shkeptncontext }] } })
  const token = await tokenWith({ roleName: "Viewer", entityId: project })
  const shown = async (request: TestRequest) => (await send("eu", LOG, request)).text()
  expect(await shown({ token })).toContain(message)
  await createProject("eu", project, "dev")
  expect(await shown({ token })).not.toContain(message)
  expect(await shown({})).toContain(message)
  await send("eu", LOG, { json: { logs: [{ integrationid: "i", message: "later", shkeptncontext }] } })
  expect(await shown({ token })).not.toContain("later")
})

it("a creation reads no more rows when other projects have more events, counters and logs", async () => {
  const token = await knownToken({ roleName: "Creator" })
  const rowsOfCreation = async () => {
    const json = { name: newName(), shipyard: base64(shipyard("dev")) }
    return storageCounts(await send("eu", projectsPath, { json, token })).rows
  }
  const before = await rowsOfCreation()
  const context = crypto.randomUUID()
  await storeEvents(300, (n) => ({ type: `x${n}`, shkeptncontext: context, data: { project: "busy", service: "s" } }))
  const logs = Array.from({ length: 300 }, () => ({ integrationid: "i", message: "m", shkeptncontext: context }))
  await send("eu", LOG, { json: { logs } })
  expect(await rowsOfCreation()).toBeLessThan(before + 10)
})

it("are not archived under its name, however many there are", async () => {
  const project = newName()
  // The retention moves 500 at a time: there are more behind those that it removes.
  await storeEvents(700, () => ({ type: TYPE, time: "2023-01-01T00:00:00.000Z", data: { project } }))
  await archiveEvents(openRegion(), Date.parse("2023-01-02T00:00:00.000Z"))
  await createProject("eu", project, "dev")
  expect(await exported(project)).not.toContain(TYPE)
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
