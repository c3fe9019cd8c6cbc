/**
 * Those who delete projects, services and integrations against those who write to them, under any order of their calls to storage: what is
 * deleted is gone wholly, also for who creates it anew, and everybody is told plainly.
 */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { base64, createProject, send, shipyard } from "../support/client.ts"
import { findEvents } from "../support/events.ts"
import { auditProject } from "../support/integrity.ts"
import { commitFiles, fetchFile, listFiles, newService, readFile, removeFile, resourcePath } from "../support/keptn.ts"
import { getProject, projectsPath } from "../support/projects.ts"
import { query } from "../support/storage.ts"
import { interleave, type ScheduledClient } from "../support/scheduled.ts"
import { register, registrationPath, sampleRegistration, subscriptionPath } from "../support/uniform.ts"
import { rolesOn } from "./directory-rows.ts"
import { expectOnly, race, type Raced, type Told, underAnyOrder } from "./racing.ts"

/** The creation of a project makes fewer calls than these. */
const LATE_AFTER = Array.from({ length: 9 }, (_, index) => index)

const number = z.object({ n: z.number() })

async function countOf(sql: string, ...values: string[]): Promise<number> {
  const [row] = await query(number, sql, ...values)
  return row?.n ?? 0
}

/** What writers and readers of a project do, and how they may be answered while it is being deleted. */
function ofProject(project: string): Told[] {
  const stage = resourcePath({ project, stage: "dev" })
  const service = resourcePath({ project, stage: "dev", service: "carts" })
  const content = { resourceContent: base64("written") }
  const resources = [{ resourceURI: "a.txt", ...content }]
  const file = shipyard("dev", "prod")
  return [
    { request: ["eu", stage, { json: { resources } }], answers: [201, 404] },
    { request: ["eu", `${service}/b.txt`, { method: "PUT", json: content }], answers: [200, 404] },
    { request: ["eu", `${stage}/old.txt`, { method: "DELETE" }], answers: [200, 404] },
    { request: ["eu", `${stage}/old.txt`, {}], answers: [200, 404] },
    { request: ["eu", `${stage}/old.txt`, { headers: { accept: "application/octet-stream" } }], answers: [200, 404] },
    { request: ["eu", `${projectsPath}/${project}`, {}], answers: [200, 404] },
    // What Keptn answers with 500 when there is no such project.
    { request: ["eu", `${projectsPath}/${project}/service`, { json: { serviceName: "new" } }], answers: [200, 500] },
    { request: ["eu", `${projectsPath}/${project}/service/carts`, { method: "DELETE" }], answers: [200, 500] },
    {
      request: ["eu", projectsPath, { method: "PUT", json: { name: project, shipyard: base64(`${file}\n`) } }],
      answers: [201, 404],
    },
  ]
}

/** The texts of all answers with 500, which is what Keptn answers of a project that is not there. */
async function expectKnown500(responses: readonly Response[]): Promise<void> {
  for (const response of responses.filter(({ status }) => status === 500)) {
    expect(await response.text()).toContain("could not get stages of project")
  }
}

describe("a project that is deleted while others write to it", () => {
  it("is gone wholly, and when it is created anew nothing of it can be read", () =>
    underAnyOrder(6, async (project, order) => {
      await createProject("eu", project, "dev", "prod")
      await newService(project, "carts")
      const place = { project, stage: "dev" }
      const commit = await commitFiles(place, { "old.txt": "old" })
      const responses = await race(order, [
        ...ofProject(project),
        { request: ["eu", `${projectsPath}/${project}`, { method: "DELETE" }], answers: [200] },
      ])
      await expectKnown500(responses)
      expect((await send("eu", `${projectsPath}/${project}`)).status).toBe(404)
      expect(await countOf("select count(*) as n from events where project = ?", project)).toBe(0)
      expect(await rolesOn(project)).toEqual([])

      await createProject("eu", project, "dev", "prod")
      expect((await getProject(project)).stages.map(({ services }) => services)).toEqual([[], []])
      expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
      expect((await readFile(place, `old.txt?gitCommitID=${commit}`)).status).toBe(500)
      expect((await findEvents(`project=${project}`)).totalCount).toBe(2)
      await auditProject(project)
    }))

  it("and created anew at once holds what was written after, and its creator keeps its role", () =>
    underAnyOrder(8, async (project, order) => {
      await createProject("eu", project, "dev", "prod")
      await commitFiles({ project, stage: "dev" }, { "old.txt": "old" })
      const anew: Raced = ["eu", projectsPath, { json: { name: project, shipyard: base64(shipyard("dev", "prod")) } }]
      const responses = await race(order, [
        { request: ["eu", `${projectsPath}/${project}`, { method: "DELETE" }], answers: [200] },
        { request: anew, answers: [201, 409] },
        { request: anew, answers: [201, 409] },
        ...ofProject(project).slice(0, 5),
      ])
      await expectKnown500(responses)
      const created = responses.slice(1, 3).some(({ status }) => status === 201)
      expect(await rolesOn(project)).toEqual(created ? ["Admin"] : [])
      expect((await send("eu", `${projectsPath}/${project}`)).status).toBe(created ? 200 : 404)
      if (!created) return
      const { uris } = await listFiles({ project, stage: "dev" })
      expect(uris).not.toContain("/old.txt")
      for (const uri of uris) expect((await readFile({ project, stage: "dev" }, uri.slice(1))).status).toBe(200)
      await auditProject(project)
    }))

  it("and created anew while a write of bytes that go with it is late keeps what the write was told is stored", () =>
    underAnyOrder(2, async (name, order) => {
      for (const calls of LATE_AFTER) {
        const project = `${name}-${calls}`
        const place = { project, stage: "dev" }
        const json = { name: project, shipyard: base64(shipyard("dev")) }
        await createProject("eu", project, "dev")
        const write = (client: ScheduledClient) => {
          const resources = [{ resourceURI: "a.txt", resourceContent: base64("written") }]
          return client.send("eu", resourcePath(place), { json: { resources } })
        }
        const createAnew = async (client: ScheduledClient) => {
          await client.send("eu", `${projectsPath}/${project}`, { method: "DELETE" })
          return client.send("eu", projectsPath, { json })
        }
        const late = { schedule: order.schedule, sleeper: { client: 0, calls } }
        const responses = await interleave(late, [write, createAnew])
        expectOnly(responses, [[201, 404], [201]])
        for (const uri of (await listFiles(place)).uris) expect((await readFile(place, uri.slice(1))).status).toBe(200)
        await auditProject(project)
      }
    }))

  it("before its creation was answered, and created anew, gives its creator the role on the new one", () =>
    underAnyOrder(2, async (name, order) => {
      for (const calls of LATE_AFTER) {
        const project = `${name}-${calls}`
        const json = { name: project, shipyard: base64(shipyard("dev")) }
        const create = (client: ScheduledClient) => client.send("eu", projectsPath, { json })
        const createAnew = async (client: ScheduledClient) => {
          const deleted = await client.send("eu", `${projectsPath}/${project}`, { method: "DELETE" })
          expect(deleted.status).toBe(200)
          return create(client)
        }
        const late = { schedule: order.schedule, sleeper: { client: 0, calls } }
        expectOnly(await interleave(late, [create, createAnew]), [
          [201, 409],
          [201, 409],
        ])
        const isThere = (await send("eu", `${projectsPath}/${project}`)).status === 200
        expect(await rolesOn(project)).toEqual(isThere ? ["Admin"] : [])
        expect(await countOf("select count(*) as n from role_changes where project = ?", project)).toBe(0)
      }
    }))
})

describe("a service that is deleted while others write to it", () => {
  it.each([true, false])("is gone with its files, also when it had some: %j", (hasFiles) =>
    underAnyOrder(8, async (project, order) => {
      await createProject("eu", project, "dev", "prod")
      await newService(project, "carts")
      const place = { project, stage: "dev", service: "carts" }
      if (!hasFiles) {
        for (const stage of ["dev", "prod"]) await removeFile({ ...place, stage }, "metadata.yaml")
      }
      const files = resourcePath(place)
      const content = { resourceContent: base64("written") }
      const event = { project, stage: "dev", service: "carts" }
      await race(order, [
        {
          request: ["eu", files, { json: { resources: [{ resourceURI: "a.txt", ...content }] } }],
          answers: [201, 404],
        },
        { request: ["eu", `${files}/b.txt`, { method: "PUT", json: content }], answers: [200, 404] },
        { request: ["eu", `${files}/b.txt`, { method: "DELETE" }], answers: [200, 404] },
        { request: ["eu", files, {}], answers: [200, 404] },
        {
          request: ["eu", "/api/v1/event", { json: { type: "sh.keptn.event.x.triggered", source: "s", data: event } }],
          answers: [200],
        },
        { request: ["eu", `${projectsPath}/${project}/service/carts`, { method: "DELETE" }], answers: [200] },
      ])
      expect((await getProject(project)).stages.map(({ services }) => services)).toEqual([[], []])
      for (const stage of ["dev", "prod"]) {
        expect((await listFiles({ project, stage })).uris).toEqual(["/metadata.yaml"])
      }
      await newService(project, "carts")
      expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
      await auditProject(project)
    }),
  )
})

describe("several who change a project's shipyard at once", () => {
  it("leave one whole: the file is what the project shows", () =>
    underAnyOrder(25, async (project, order) => {
      const first = shipyard("dev", "prod")
      await createProject("eu", project, "dev", "prod")
      const texts = [first, `${first}\n# two`, shipyard("prod", "dev")]
      await race(
        order,
        texts.map((text) => ({
          request: ["eu", projectsPath, { method: "PUT", json: { name: project, shipyard: base64(text) } }],
          answers: [201],
        })),
      )
      const shown = await getProject(project)
      expect((await fetchFile({ project }, "shipyard.yaml")).text).toBe(shown.shipyard)
      const stages = shown.shipyard === texts[2] ? ["prod", "dev"] : ["dev", "prod"]
      expect(shown.stages.map(({ stageName }) => stageName)).toEqual(stages)
      await auditProject(project)
    }))
})

describe("an integration that is unregistered while others use it", () => {
  it("is gone with its subscriptions: they are answered with success or 404", () =>
    underAnyOrder(6, async (name, order) => {
      const id = await register({ name })
      const subscription = { event: "sh.keptn.event.a.triggered", filter: { projects: [], stages: [], services: [] } }
      const [own] = [`${registrationPath}/${id}`]
      await race(order, [
        { request: ["eu", own, { method: "DELETE" }], answers: [200] },
        { request: ["eu", subscriptionPath(id), { json: subscription }], answers: [201, 404] },
        { request: ["eu", subscriptionPath(id, "one"), { method: "PUT", json: subscription }], answers: [201, 404] },
        { request: ["eu", subscriptionPath(id), {}], answers: [200, 404] },
        { request: ["eu", `${own}/ping`, { method: "PUT" }], answers: [200, 404] },
      ])
      expect((await send("eu", subscriptionPath(id))).status).toBe(404)
      expect(await countOf("select count(*) as n from subscriptions where integration_id = ?", id)).toBe(0)
    }))

  it("stands or not when it registers again at once, with the subscriptions of its registration", () =>
    underAnyOrder(6, async (name, order) => {
      const id = await register({ name, events: ["sh.keptn.event.old.triggered"] })
      const again = sampleRegistration({ name, events: ["sh.keptn.event.new.triggered"] })
      const [, registered] = await race(order, [
        { request: ["eu", `${registrationPath}/${id}`, { method: "DELETE" }], answers: [200] },
        { request: ["eu", registrationPath, { json: again }], answers: [200, 201] },
      ])
      const rows = await query(
        z.object({ event: z.string() }),
        "select event from subscriptions where integration_id = ?",
        id,
      )
      const stored = registered?.status === 201 ? [{ event: "sh.keptn.event.new.triggered" }] : []
      expect(rows).toEqual(stored)
    }))
})
