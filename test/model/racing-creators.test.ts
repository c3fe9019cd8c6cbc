/** Many who create the same in a region at once, under any order of their calls to storage: as many succeed as should, and one is stored whole. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { noise } from "../support/bytes.ts"
import { base64, createProject, shipyard } from "../support/client.ts"
import { findEvents } from "../support/events.ts"
import { auditProject } from "../support/integrity.ts"
import { failure, fetchFile, readRaw, resourcePath } from "../support/keptn.ts"
import { getProject, projectsPath } from "../support/projects.ts"
import { listSecrets, secretPath } from "../support/secrets.ts"
import { query } from "../support/storage.ts"
import {
  idOf,
  listIntegrations,
  register,
  registrationPath,
  sampleRegistration,
  subscriptionPath,
} from "../support/uniform.ts"
import { atOnce, CALLERS, tally, underAnyOrder } from "./racing.ts"
import { rolesOn } from "./directory-rows.ts"

/** The caller whose request was answered so, who must be the only one. */
function winner(responses: readonly Response[], status: number): number {
  const won = responses.flatMap((response, caller) => (response.status === status ? [caller] : []))
  expect(won).toHaveLength(1)
  return won[0] ?? -1
}

async function expectMessages(responses: readonly Response[], status: number, text: string): Promise<void> {
  for (const response of responses.filter((one) => one.status === status)) {
    expect((await failure(response)).message).toBe(text)
  }
}

describe("eight who at once create", () => {
  it("a project: one is answered 201 and its project stands, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      const shipyards = CALLERS.map((caller) => shipyard(`stage-${caller}`, "prod"))
      const responses = await atOnce(
        order,
        shipyards.map((file) => ["eu", projectsPath, { json: { name, shipyard: base64(file) } }]),
      )
      expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
      await expectMessages(responses, 409, `could not create project '${name}': project already exists`)
      const kept = shipyards[winner(responses, 201)]
      expect((await getProject(name)).shipyard).toBe(kept)
      expect((await fetchFile({ project: name }, "shipyard.yaml")).text).toBe(kept)
      expect(Object.keys(await auditProject(name))).toHaveLength(3)
      expect((await findEvents(`project=${name}`)).totalCount).toBe(2)
      expect(await rolesOn(name)).toEqual(["Admin"])
    }))

  it("a service: one is answered 200 and it stands in every stage once, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      await createProject("eu", name, "dev", "prod")
      const path = `${projectsPath}/${name}/service`
      const responses = await atOnce(
        order,
        CALLERS.map(() => ["eu", path, { json: { serviceName: "carts" } }]),
      )
      expect(tally(responses)).toEqual({ 200: 1, 409: 7 })
      await expectMessages(responses, 409, "service already exists")
      const { dev, prod } = await auditProject(name)
      expect([dev, prod]).toEqual([
        ["Initialize project", "Create service carts"],
        ["Initialize project", "Create service carts"],
      ])
      expect((await findEvents(`project=${name}&service=carts`)).totalCount).toBe(2)
    }))

  it("a file with If-None-Match: *: one is answered 200 and its file stands, the others 412", () =>
    underAnyOrder(3, async (project, order) => {
      await createProject("eu", project, "dev")
      const headers = { "if-none-match": "*" }
      const responses = await atOnce(
        order,
        CALLERS.map((caller) => {
          const json = { resourceContent: base64(`of ${caller}`) }
          return ["eu", `${resourcePath({ project })}/lock`, { method: "PUT", headers, json }]
        }),
      )
      expect(tally(responses)).toEqual({ 200: 1, 412: 7 })
      expect((await fetchFile({ project }, "lock")).text).toBe(`of ${winner(responses, 200)}`)
      expect((await auditProject(project))["main"]?.slice(2)).toEqual(["Write lock"])
    }))

  it("a large file with If-None-Match: *: one is answered 200 and its file stands, the others 412; no upload is left", () =>
    underAnyOrder(2, async (project, order) => {
      await createProject("eu", project, "dev")
      const files = CALLERS.map((caller) => noise(1024 * 1024 + 1 + caller))
      const responses = await atOnce(
        order,
        files.map((body) => {
          const type = { "content-type": "application/octet-stream", "content-length": `${body.length}` }
          const headers = { ...type, "if-none-match": "*" }
          return ["eu", `${resourcePath({ project })}/lock`, { method: "PUT", headers, body }]
        }),
      )
      expect(tally(responses)).toEqual({ 200: 1, 412: 7 })
      const stored = await (await readRaw({ project }, "lock")).bytes()
      expect(stored.length).toBe(files[winner(responses, 200)]?.length)
      expect((await auditProject(project))["main"]?.slice(2)).toEqual(["Write lock"])
      expect((await env.BLOBS_EU.list({ prefix: `projects/${project}/uploads/` })).objects).toEqual([])
    }))

  it("a secret: one is answered 201 and its keys are stored, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      const responses = await atOnce(
        order,
        CALLERS.map((caller) => ["eu", secretPath, { json: { name, data: { [`key-${caller}`]: "value" } } }]),
      )
      expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
      await expectMessages(responses, 409, "Unable to create secret: secret already exists")
      expect(await listSecrets(`name=${name}`)).toEqual([
        { name, scope: "keptn-default", keys: [`key-${winner(responses, 201)}`] },
      ])
    }))

  it("an integration: one is answered 201 and the others 200, all with one id, and one's subscriptions stand", () =>
    underAnyOrder(3, async (name, order) => {
      const responses = await atOnce(
        order,
        CALLERS.map((caller) => {
          const events = [`sh.keptn.event.a${caller}.triggered`, `sh.keptn.event.b${caller}.triggered`]
          return ["eu", registrationPath, { json: sampleRegistration({ name, events }) }]
        }),
      )
      expect(tally(responses)).toEqual({ 201: 1, 200: 7 })
      const first = winner(responses, 201)
      const ids = await Promise.all(responses.map((response) => idOf(response, response.status)))
      const [integration, ...others] = await listIntegrations(`name=${name}`)
      expect(others).toEqual([])
      expect(new Set(ids)).toEqual(new Set([integration?.id]))
      expect(integration?.subscriptions.map(({ event }) => event)).toEqual([
        `sh.keptn.event.a${first}.triggered`,
        `sh.keptn.event.b${first}.triggered`,
      ])
    }))

  it("a subscription: each is answered 201 and has its own", () =>
    underAnyOrder(3, async (name, order) => {
      const id = await register({ name, events: [] })
      const responses = await atOnce(
        order,
        CALLERS.map((caller) => ["eu", subscriptionPath(id), { json: subscription(caller) }]),
      )
      expect(tally(responses)).toEqual({ 201: 8 })
      const ids = await Promise.all(responses.map((response) => idOf(response)))
      const [integration] = await listIntegrations(`id=${id}`)
      expect(integration?.subscriptions.map((one) => one.id).toSorted()).toEqual(ids.toSorted())
      expect(await positions(id)).toEqual(CALLERS)
    }))

  it("a subscription of one id: each is answered 201, and that of one stands", () =>
    underAnyOrder(3, async (name, order) => {
      const id = await register({ name, events: [] })
      const responses = await atOnce(
        order,
        CALLERS.map((caller) => ["eu", subscriptionPath(id, "one"), { method: "PUT", json: subscription(caller) }]),
      )
      expect(tally(responses)).toEqual({ 201: 8 })
      const [integration] = await listIntegrations(`id=${id}`)
      const [stored, ...others] = integration?.subscriptions ?? []
      expect(others).toEqual([])
      expect(CALLERS.map((caller) => ({ id: "one", ...subscription(caller) }))).toContainEqual(stored)
      expect(await positions(id)).toEqual([0])
    }))
})

function subscription(caller: number) {
  const filter = { projects: [`project-${caller}`], stages: [], services: [] }
  return { event: `sh.keptn.event.task-${caller}.triggered`, filter }
}

async function positions(integration: string): Promise<number[]> {
  const schema = z.object({ position: z.number() })
  const rows = await query(
    schema,
    "select position from subscriptions where integration_id = ? order by position",
    integration,
  )
  return rows.map(({ position }) => position)
}
