import { describe, expect, it } from "vitest"
import { storageCounts } from "../../support/client.ts"
import { findEvents, onlyEvent, postEvent, sampleEvent, sendEvent } from "../../support/events.ts"
import { newProject, newService } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { getProject, getService, getStage, postService, removeService } from "../../support/projects.ts"
import { countRows, query } from "../../support/storage.ts"
import { z } from "zod"

interface Told {
  project: string
  stage: string
  service: string
}

const DEPLOYMENT = "sh.keptn.event.deployment"
const withImage = (image: unknown) => ({ configurationChange: { values: { image } } })

/** A new project with two stages and two services, and the place of one of them. */
async function newPlace(): Promise<Told> {
  const project = await newProject("dev", "prod")
  await newService(project, "carts")
  await newService(project, "orders")
  return { project, stage: "dev", service: "carts" }
}

/** Sends an event about a service; answers how it is referred to. */
async function tell(place: Told, type: string, members: { data?: object; shkeptncontext?: string } = {}) {
  const { data, ...others } = members
  const context = await sendEvent({ type, data: { ...place, ...data }, ...others })
  const { events } = await findEvents(`keptnContext=${context}&type=${type}&pageSize=1`)
  const [event] = events
  if (!event) throw new Error("the event was not stored")
  return { eventId: event.id, keptnContext: context, time: `${Date.parse(event.time)}000000` }
}

async function imageOf({ project, stage, service }: Told): Promise<string | undefined> {
  return (await getService(project, stage, service)).deployedImage
}

/** The rows of what is told of services, of all projects. */
async function countNotes(): Promise<number> {
  const [row] = await query(z.object({ n: z.number() }), "select count(*) as n from service_events")
  return row?.n ?? 0
}

describe("the last events of a service", () => {
  it("are told by their types", async () => {
    const place = await newPlace()
    const sequence = await tell(place, "sh.keptn.event.dev.delivery.triggered")
    const triggered = await tell(place, `${DEPLOYMENT}.triggered`)
    const started = await tell(place, `${DEPLOYMENT}.started`)
    const finished = await tell(place, `${DEPLOYMENT}.finished`)
    expect((await getService(place.project, "dev", "carts")).lastEventTypes).toEqual({
      "sh.keptn.event.dev.delivery.triggered": sequence,
      [`${DEPLOYMENT}.triggered`]: triggered,
      [`${DEPLOYMENT}.started`]: started,
      [`${DEPLOYMENT}.finished`]: finished,
    })
  })

  it("are the last of each type", async () => {
    const place = await newPlace()
    await tell(place, `${DEPLOYMENT}.started`)
    const last = await tell(place, `${DEPLOYMENT}.started`)
    expect((await getService(place.project, "dev", "carts")).lastEventTypes).toEqual({
      [`${DEPLOYMENT}.started`]: last,
    })
  })

  it("are those of the service in the stage, and of no other", async () => {
    const place = await newPlace()
    await tell(place, `${DEPLOYMENT}.started`)
    expect(await getService(place.project, "prod", "carts")).not.toHaveProperty("lastEventTypes")
    expect(await getService(place.project, "dev", "orders")).not.toHaveProperty("lastEventTypes")
  })

  it.each([
    `${DEPLOYMENT}.status.changed`,
    "sh.keptn.event.evaluation.invalidated",
    "sh.keptn.events.problem",
    "sh.keptn.log.error",
    "io.other.started",
  ])("do not tell of %s", async (type) => {
    const place = await newPlace()
    await tell(place, type)
    expect(await getService(place.project, "dev", "carts")).not.toHaveProperty("lastEventTypes")
  })

  it("go with the service", async () => {
    const place = await newPlace()
    await tell(place, `${DEPLOYMENT}.started`)
    const before = await countNotes()
    expect((await removeService(place.project, "carts")).status).toBe(200)
    expect(await countNotes()).toBe(before - 1)
    expect((await postService(place.project, { serviceName: "carts" })).status).toBe(200)
    expect(await getService(place.project, "dev", "carts")).not.toHaveProperty("lastEventTypes")
  })
})

describe("the last event of a stage and of a project", () => {
  it("is absent before any", async () => {
    const { project } = await newPlace()
    expect(await getProject(project)).not.toHaveProperty("lastEventContext")
    expect(await getStage(project, "dev")).not.toHaveProperty("lastEventContext")
  })

  it("is the last about any service in it", async () => {
    const place = await newPlace()
    await tell(place, `${DEPLOYMENT}.started`)
    const inDev = await tell({ ...place, service: "orders" }, `${DEPLOYMENT}.triggered`)
    // Times are whole milliseconds, and two events can have the same.
    await new Promise((done) => setTimeout(done, 5))
    const inProd = await tell({ ...place, stage: "prod" }, `${DEPLOYMENT}.started`)
    expect((await getStage(place.project, "dev")).lastEventContext).toEqual(inDev)
    expect((await getStage(place.project, "prod")).lastEventContext).toEqual(inProd)
    expect((await getProject(place.project)).lastEventContext).toEqual(inProd)
  })
})

describe("the deployed image", () => {
  it("is that of the event that triggered the deployment, once it is finished", async () => {
    const place = await newPlace()
    const { keptnContext: shkeptncontext } = await tell(place, `${DEPLOYMENT}.triggered`, {
      data: withImage("carts:1"),
    })
    await tell(place, `${DEPLOYMENT}.started`, { shkeptncontext })
    expect(await imageOf(place)).toBeUndefined()
    await tell(place, `${DEPLOYMENT}.finished`, { shkeptncontext })
    expect(await imageOf(place)).toBe("carts:1")
    expect(await imageOf({ ...place, stage: "prod" })).toBeUndefined()
    expect(await imageOf({ ...place, service: "orders" })).toBeUndefined()
  })

  it("is rather that of the event that finished it", async () => {
    const place = await newPlace()
    const { keptnContext: shkeptncontext } = await tell(place, `${DEPLOYMENT}.triggered`, {
      data: withImage("carts:1"),
    })
    await tell(place, `${DEPLOYMENT}.finished`, { shkeptncontext, data: withImage("carts:2") })
    expect(await imageOf(place)).toBe("carts:2")
  })

  it("stays when a later deployment names none", async () => {
    const place = await newPlace()
    await tell(place, `${DEPLOYMENT}.finished`, { data: withImage("carts:1") })
    await tell(place, `${DEPLOYMENT}.finished`)
    await tell(place, `${DEPLOYMENT}.finished`, { data: { configurationChange: "none" } })
    expect(await imageOf(place)).toBe("carts:1")
  })

  it("is not that of another service or stage in the context", async () => {
    const place = await newPlace()
    const other = { ...place, service: "orders" }
    const { keptnContext: shkeptncontext } = await tell(other, `${DEPLOYMENT}.triggered`, {
      data: withImage("orders:1"),
    })
    await tell({ ...place, stage: "prod" }, `${DEPLOYMENT}.triggered`, { shkeptncontext, data: withImage("carts:9") })
    await tell(place, `${DEPLOYMENT}.finished`, { shkeptncontext })
    expect(await imageOf(place)).toBeUndefined()
  })

  it.each([7, true, { name: "a" }, ["a"], "'); drop table services; --", "ä:1", ""])(
    "is text whatever was sent: %j",
    async (image) => {
      const place = await newPlace()
      await tell(place, `${DEPLOYMENT}.finished`, { data: withImage(image) })
      expect(typeof (await imageOf(place))).toBe("string")
    },
  )
})

describe("an event about what is not there", () => {
  it.each([
    { service: "unknown" },
    { stage: "unknown" },
    { stage: "main" },
    { project: "unknown" },
    { service: "" },
    { stage: "" },
    { service: ["carts"] },
    { project: null },
  ])("is stored with 200 and changes no service: %j", async (members) => {
    const place = await newPlace()
    const [project, rows, notes] = [await getProject(place.project), await countRows(), await countNotes()]
    const context = await sendEvent({
      type: `${DEPLOYMENT}.finished`,
      data: { ...place, ...withImage("x"), ...members },
    })
    expect(await onlyEvent(context)).toMatchObject({ data: members })
    expect(await getProject(place.project)).toEqual(project)
    expect(await countRows()).toEqual({ ...rows, events: (rows["events"] ?? 0) + 1 })
    expect(await countNotes()).toBe(notes)
  })
})

it.each([`${DEPLOYMENT}.triggered`, `${DEPLOYMENT}.finished`, "sh.keptn.event.dev.delivery.triggered"])(
  "sending %s about a service is one trip to storage",
  async (type) => {
    const place = await newPlace()
    const token = await knownToken()
    const response = await postEvent(sampleEvent({ type, data: { ...place, ...withImage("carts:1") } }), { token })
    expect(response.status).toBe(200)
    expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
  },
)
