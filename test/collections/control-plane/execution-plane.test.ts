/** What a remote execution plane does from its start to its end, in the order of Keptn's distributor, with the least role it needs. */
import { beforeAll, expect, it } from "vitest"
import { z } from "zod"
import { createProject, send, type TestRequest } from "../../support/client.ts"
import { answer } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import {
  idOf,
  listIntegrations,
  postRegistration,
  registrationPath,
  sampleRegistration,
  sendPing,
  subscriptionPath,
  subscriptionSchema,
} from "../../support/uniform.ts"

const integrationSchema = z.looseObject({ id: z.string(), subscriptions: z.array(subscriptionSchema) })

beforeAll(() => createProject("eu", "remote", "dev"))

it("registers, keeps itself alive, learns of new subscriptions, polls, logs an error, registers again, and unregisters", async () => {
  const plane: TestRequest = { token: await tokenWith({ roleName: "Integration", entityId: "remote" }) }
  const registration = sampleRegistration({ name: "remote-service", events: ["sh.keptn.event.deployment.triggered"] })
  const id = await idOf(await postRegistration(registration, plane))
  const work = async () => {
    const { subscriptions, ...integration } = await answer(await sendPing(id, plane), integrationSchema)
    expect(integration.id).toBe(id)
    return subscriptions
  }

  for (let beat = 0; beat < 3; beat++) {
    expect((await work()).map(({ event }) => event)).toEqual(["sh.keptn.event.deployment.triggered"])
  }
  // Somebody subscribes it to more, in the Bridge.
  const filter = { projects: ["remote"], stages: [], services: [] }
  const json = { event: "sh.keptn.>", filter }
  const added = await idOf(await send("eu", subscriptionPath(id), { json }))
  const subscriptions = await work()
  expect(subscriptions.at(-1)).toEqual({ id: added, event: "sh.keptn.>", filter })

  for (const { event } of subscriptions) {
    const path = `/api/controlPlane/v1/event/triggered/${encodeURIComponent(event)}`
    const polled = await answer(await send("eu", path, plane), z.looseObject({ events: z.array(z.unknown()) }))
    expect(polled.events).toEqual([])
  }

  const logs = [{ integrationid: id, message: "could not work", task: "deployment", time: "0001-01-01T00:00:00Z" }]
  await answer(await send("eu", "/api/controlPlane/v1/log", { json: { logs }, ...plane }), z.strictObject({}))

  // It restarts, with a newer version.
  registration.metadata.integrationversion = "2.0"
  expect(await idOf(await postRegistration(registration, plane), 200)).toBe(id)
  expect(await work()).toEqual(subscriptions)
  const [shown] = await listIntegrations("name=remote-service&project=remote")
  expect(shown?.metadata.integrationversion).toBe("2.0")

  const end = await send("eu", `${registrationPath}/${id}`, { method: "DELETE", ...plane })
  await answer(end, z.strictObject({}))
  // Keptn's clients only try again: they end, and register anew, after some of these.
  expect((await sendPing(id, plane)).status).toBe(404)
  // It is about no project.
  const path = `/api/controlPlane/v1/log?integrationId=${id}`
  expect(await answer(await send("eu", path), z.looseObject({}))).toMatchObject({ totalCount: 1 })
  expect(await answer(await send("eu", path, plane), z.looseObject({}))).toEqual({ logs: [] })
})

it("may not change anything with a role that only reads", async () => {
  const viewer: TestRequest = { token: await tokenWith({ roleName: "Viewer", entityId: "remote" }) }
  const id = await idOf(await postRegistration(sampleRegistration()))
  const json = { event: "a" }
  const changes = [
    await postRegistration(sampleRegistration(), viewer),
    await sendPing(id, viewer),
    await send("eu", `${registrationPath}/${id}`, { method: "DELETE", ...viewer }),
    await send("eu", subscriptionPath(id), { json, ...viewer }),
    await send("eu", subscriptionPath(id, "x"), { method: "PUT", json, ...viewer }),
    await send("eu", subscriptionPath(id, "x"), { method: "DELETE", ...viewer }),
    await send("eu", "/api/controlPlane/v1/log", { json: { logs: [{}] }, ...viewer }),
  ]
  for (const response of changes) expect(response.status).toBe(403)
  const reads = [registrationPath, subscriptionPath(id), "/api/controlPlane/v1/log"]
  for (const path of reads) expect((await send("eu", path, viewer)).status).toBe(200)
})
