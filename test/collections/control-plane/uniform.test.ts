import { createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import worker from "../../../src/index.ts"
import { sha1Hex } from "../../../src/lib/digest.ts"
import { utf8 } from "../../../src/lib/bytes.ts"
import { send, storageCounts } from "../../support/client.ts"
import { answer, failure } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { edgeWith } from "../../support/edge.ts"
import { tokenWith } from "../../support/people.ts"
import { query } from "../../support/storage.ts"
import {
  idOf,
  listIntegrations,
  ping,
  postRegistration,
  register,
  registrationPath,
  sampleRegistration,
  sendPing,
  silence,
  subscriptionPath,
  unregister,
} from "../../support/uniform.ts"

const INCOMPLETE = "incomplete integration ID. At least 'name','namespace' and 'nodename' must be set"
const rowSchema = z.object({ n: z.number() })

async function countRows(table: string, column: string, value: string): Promise<number> {
  const [row] = await query(rowSchema, `select count(*) as n from ${table} where ${column} = ?`, value)
  return row?.n ?? 0
}

/** The names of the integrations that a search finds; it is without its question mark. */
async function found(search: string): Promise<string[]> {
  return (await listIntegrations(search)).map(({ name }) => name)
}

/** How many rows there are of an integration and of its subscriptions. */
async function rowsOf(id: string): Promise<number[]> {
  return [await countRows("integrations", "id", id), await countRows("subscriptions", "integration_id", id)]
}

describe("a registration", () => {
  it("is answered with 201, and an id that is the SHA-1 of name, namespace and host", async () => {
    const id = await register({ name: "helm-service", namespace: "remote", hostname: "node-7" })
    expect(id).toBe(await sha1Hex(utf8("helm-service-remote-node-7")))
  })

  it("comes back from a ping as it was sent, with ids for its subscriptions", async () => {
    const sent = sampleRegistration({ events: ["a", "b", "a"] })
    const id = await idOf(await postRegistration(sent))
    const { subscriptions, metadata, ...rest } = await ping(id)
    const { lastseen, ...others } = metadata
    expect(rest).toEqual({ id, name: sent.name })
    expect(others).toEqual(sent.metadata)
    expect(Math.abs(Date.parse(lastseen) - Date.now())).toBeLessThan(10_000)
    expect(subscriptions.map(({ event, filter }) => ({ event, filter }))).toEqual(sent.subscriptions)
    expect(new Set(subscriptions.map((one) => z.uuid().parse(one.id))).size).toBe(3)
  })

  it("gets ids from the server even where it brings its own", async () => {
    const sent = { ...sampleRegistration(), id: "mine", subscriptions: [{ id: "mine", event: "a", filter: {} }] }
    const id = await idOf(await postRegistration(sent))
    expect(id).not.toBe("mine")
    expect((await ping(id)).subscriptions[0]?.id).not.toBe("mine")
  })

  it.each([
    ["name", { name: "" }],
    ["namespace", { namespace: "" }],
    ["host", { hostname: "" }],
  ])("without its %s is refused with 400", async (_, parts) => {
    const response = await postRegistration(sampleRegistration(parts))
    expect(await failure(response)).toEqual({ status: 400, code: 400, message: INCOMPLETE })
  })

  it.each([{}, { name: null, metadata: null, subscriptions: null }, { name: "a", metadata: { hostname: "b" } }])(
    "of %j is refused in the same words",
    async (json) => {
      expect((await failure(await postRegistration(json))).message).toBe(INCOMPLETE)
    },
  )

  it.each([
    { name: 7 },
    { name: "n".repeat(1025) },
    { metadata: "node" },
    { subscriptions: {} },
    { subscriptions: [{ event: 1 }] },
    { subscriptions: [{ event: "a", filter: { projects: "sockshop" } }] },
    { subscriptions: [{ event: "a", filter: { projects: Array.from({ length: 1000 }, () => "project-name") } }] },
    { subscriptions: Array.from({ length: 1001 }, () => ({ event: "a" })) },
    { subscriptions: Array.from({ length: 1000 }, () => ({ event: "e".repeat(1000) })) },
  ])("that is too large, or of another shape, is refused with 400 (%#)", async (members) => {
    const { status, message } = await failure(await postRegistration({ ...sampleRegistration(), ...members }))
    expect(status).toBe(400)
    expect(message).toMatch(/^Invalid request format: /)
  })

  it("may have 1,000 subscriptions", async () => {
    const events = Array.from({ length: 1000 }, (_, n) => `event-${n}`)
    const id = await register({ events })
    expect((await ping(id)).subscriptions.map(({ event }) => event)).toEqual(events)
  })

  it("needs no Content-Type, and may say what nobody knows", async () => {
    const body = JSON.stringify({ ...sampleRegistration(), subscription: { topics: [] }, more: 1 })
    const response = await send("eu", registrationPath, { body, headers: { "content-type": "text/plain" } })
    expect(response.status).toBe(201)
  })

  it.each([
    [
      { projects: [], stages: [], services: [] },
      { projects: [], stages: [], services: [] },
    ],
    [
      { projects: null, stages: ["dev"] },
      { projects: null, stages: ["dev"], services: null },
    ],
    [null, { projects: null, stages: null, services: null }],
    [undefined, { projects: null, stages: null, services: null }],
    [{ services: ["carts"] }, { projects: null, stages: null, services: ["carts"] }],
    [
      { projects: ["b", "a", "b"], stages: [""], services: [] },
      { projects: ["b", "a", "b"], stages: [""], services: [] },
    ],
  ])("keeps the filter %j as it is given", async (filter, stored) => {
    const registration = { ...sampleRegistration(), subscriptions: [{ event: "", filter }] }
    const id = await idOf(await postRegistration(registration))
    expect((await ping(id)).subscriptions.map((one) => one.filter)).toEqual([stored])
  })
})

describe("a registration of what is known", () => {
  it("is answered with 200, keeps its subscriptions, and updates versions and host", async () => {
    const name = `known-${crypto.randomUUID()}`
    const id = await register({ name, events: ["a"] })
    const before = await ping(id)
    const again = sampleRegistration({ name, hostname: "node-2", version: "2.0", events: ["b", "c"] })
    again.metadata.location = "elsewhere"
    expect(await idOf(await postRegistration(again), 200)).toBe(id)
    const after = await ping(id)
    expect(after.subscriptions).toEqual(before.subscriptions)
    const { lastseen, ...metadata } = before.metadata
    const changed = { hostname: "node-2", integrationversion: "2.0", distributorversion: "2.0" }
    expect(after.metadata).toEqual({ ...metadata, ...changed, lastseen: after.metadata.lastseen })
    expect(Date.parse(after.metadata.lastseen)).toBeGreaterThanOrEqual(Date.parse(lastseen))
  })

  it("takes the subscriptions of the request where none are stored", async () => {
    const name = `bare-${crypto.randomUUID()}`
    const id = await register({ name, events: [] })
    expect((await ping(id)).subscriptions).toEqual([])
    expect(await idOf(await postRegistration(sampleRegistration({ name, events: ["b", "c"] })), 200)).toBe(id)
    expect((await ping(id)).subscriptions.map(({ event }) => event)).toEqual(["b", "c"])
  })

  it("is another one in another namespace, and in another region", async () => {
    const name = `spread-${crypto.randomUUID()}`
    await register({ name, namespace: "a" })
    await register({ name, namespace: "b" })
    const json = sampleRegistration({ name, namespace: "a" })
    expect((await send("us", registrationPath, { json })).status).toBe(201)
    expect(await listIntegrations(`name=${name}`)).toHaveLength(2)
    expect(await listIntegrations(`name=${name}`, "us")).toHaveLength(1)
  })

  it("may come many times at once: one of them is new, and the subscriptions are those of one", async () => {
    const json = sampleRegistration({ events: ["a", "b"] })
    const responses = await Promise.all(Array.from({ length: 10 }, () => postRegistration(json)))
    const statuses = responses.map(({ status }) => status).toSorted((a, b) => a - b)
    expect(statuses).toEqual([...Array.from({ length: 9 }, () => 200), 201])
    const [integration, ...others] = await listIntegrations(`name=${json.name}`)
    expect(others).toEqual([])
    expect(integration?.subscriptions.map(({ event }) => event)).toEqual(["a", "b"])
  })

  it("shares the id of one whose name joins with its namespace to the same text", async () => {
    const one = await register({ name: "same-x", namespace: "y" })
    const response = await postRegistration(sampleRegistration({ name: "same", namespace: "x-y" }))
    expect(await idOf(response, 200)).toBe(one)
  })
})

describe("the list of integrations", () => {
  it("holds what every condition finds", async () => {
    const mark = crypto.randomUUID()
    const [first, second] = [`${mark}-first`, `${mark}-second`]
    const id = await register({
      name: first,
      namespace: mark,
      hostname: "n1",
      filter: { projects: ["p", "q"], stages: ["s"], services: [] },
    })
    await register({ name: second, namespace: mark, hostname: "n2", filter: { projects: ["p"], stages: null } })
    const both = `namespace=${mark}`
    expect(await found(both)).toEqual([first, second])
    expect(await found(`${both}&id=&name=&hostname=&project=&stage=&service=`)).toEqual([first, second])
    expect(await found(`id=${id}`)).toEqual([first])
    expect(await found(`id=${id}&name=${second}`)).toEqual([])
    expect(await found(`name=${second}`)).toEqual([second])
    expect(await found(`${both}&hostname=n2`)).toEqual([second])
    expect(await found(`${both}&project=p`)).toEqual([first, second])
    expect(await found(`${both}&project=q`)).toEqual([first])
    expect(await found(`${both}&project=p&stage=s`)).toEqual([first])
    expect(await found(`${both}&service=carts`)).toEqual([])
    expect(await found(`${both}&project=P`)).toEqual([])
    expect(await found("name=nobody")).toEqual([])
  })

  it("shows whole integrations, with their own subscriptions", async () => {
    const ids = [await register({ events: ["a", "b"] }), await register({ events: [] }), await register()]
    for (const id of ids) {
      const [shown] = await listIntegrations(`id=${id}`)
      const pinged = await ping(id)
      expect(shown?.subscriptions).toEqual(pinged.subscriptions)
      const all = await listIntegrations()
      expect(all.find((one) => one.id === id)).toEqual(pinged)
    }
  })

  it("is an array, also when it is empty", async () => {
    const response = await send("us", `${registrationPath}?name=nobody`)
    expect([response.status, await response.text()]).toEqual([200, "[]"])
  })
})

describe("a heartbeat", () => {
  it("of an integration that is not there is answered with 404", async () => {
    expect(await failure(await sendPing("nowhere"))).toEqual({
      status: 404,
      code: 404,
      message: "uniform integration not found",
    })
  })

  it("keeps an integration that would have been forgotten", async () => {
    const id = await register()
    await silence(id, 47.9)
    await ping(id)
    expect(Date.now() - Date.parse((await ping(id)).metadata.lastseen)).toBeLessThan(10_000)
  })
})

describe("an integration that unregisters", () => {
  it("is gone with its subscriptions", async () => {
    const id = await register({ events: ["a", "b"] })
    expect(await answer(await unregister(id), z.strictObject({}))).toEqual({})
    expect(await listIntegrations(`id=${id}`)).toEqual([])
    expect((await sendPing(id)).status).toBe(404)
    expect(await countRows("subscriptions", "integration_id", id)).toBe(0)
  })

  it("is answered with 500 where it is not there", async () => {
    const nowhere = { status: 500, code: 500, message: "mongo: no documents in result" }
    expect(await failure(await unregister("nowhere"))).toEqual(nowhere)
    const id = await register()
    await unregister(id)
    expect(await failure(await unregister(id))).toEqual(nowhere)
  })
})

describe("an integration without a heartbeat for 48 hours", () => {
  it("is not there any more, for anybody", async () => {
    const id = await register({ events: ["a"] })
    const [{ id: subscription } = { id: "" }] = (await ping(id)).subscriptions
    await silence(id, 48.1)
    expect(await listIntegrations(`id=${id}`)).toEqual([])
    expect((await sendPing(id)).status).toBe(404)
    expect((await unregister(id)).status).toBe(500)
    expect((await send("eu", subscriptionPath(id))).status).toBe(404)
    expect((await send("eu", subscriptionPath(id, subscription))).status).toBe(404)
    expect((await send("eu", subscriptionPath(id), { json: { event: "b" } })).status).toBe(404)
    const put = await send("eu", subscriptionPath(id, subscription), { method: "PUT", json: { event: "b" } })
    expect(put.status).toBe(404)
  })

  it("is new when it registers again", async () => {
    const json = sampleRegistration({ events: ["a"] })
    const id = await idOf(await postRegistration(json))
    const before = await ping(id)
    await silence(id, 48.1)
    expect(await idOf(await postRegistration({ ...json, subscriptions: [{ event: "b" }] }))).toBe(id)
    const after = await ping(id)
    expect(after.subscriptions.map(({ event }) => event)).toEqual(["b"])
    expect(after.subscriptions[0]?.id).not.toBe(before.subscriptions[0]?.id)
  })

  it("is removed by the scheduled job, with its subscriptions; others stay", async () => {
    const [silent, alive] = [await register({ events: ["a"] }), await register({ events: ["a"] })]
    await silence(silent, 48.1)
    await silence(alive, 47.9)
    await worker.scheduled(createScheduledController(), env)
    expect(await rowsOf(silent)).toEqual([0, 0])
    expect(await rowsOf(alive)).toEqual([1, 1])
  })

  it("may be given another time by the configuration", async () => {
    const sendToEdge = edgeWith({ integrationTtlHours: 1 })
    const [silent, alive] = [await register(), await register()]
    await silence(silent, 1.1)
    await silence(alive, 0.9)
    const token = await tokenWith({ roleName: "Viewer" })
    const url = `http://eu.api.localhost${registrationPath}`
    const response = await sendToEdge(url, { headers: { "x-token": token } })
    const ids = (await answer(response, z.array(z.object({ id: z.string() })))).map(({ id }) => id)
    expect([ids.includes(silent), ids.includes(alive)]).toEqual([false, true])
  })
})

describe("a registration, a heartbeat, a list and the end of an integration", () => {
  it("take one trip each", async () => {
    const json = sampleRegistration({ events: ["a", "b"] })
    const caller = { token: await knownToken() }
    const created = await postRegistration(json, caller)
    const known = await postRegistration(json, caller)
    const id = await idOf(created)
    const responses = [
      created,
      known,
      await sendPing(id, caller),
      await send("eu", registrationPath, caller),
      await send("eu", `${registrationPath}/${id}`, { method: "DELETE", ...caller }),
    ]
    expect(responses.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200])
    for (const response of responses) expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1 })
  })

  it("read what they are about, whatever is beside it", async () => {
    const json = sampleRegistration({ events: ["a", "b"] })
    const id = await idOf(await postRegistration(json))
    const measure = async () => {
      const caller = { token: await knownToken() }
      const responses = [
        await sendPing(id, caller),
        await postRegistration(json, caller),
        await send("eu", `${registrationPath}?id=${id}`, caller),
      ]
      return responses.map((response) => storageCounts(response).rows)
    }
    const few = await measure()
    for (let n = 0; n < 30; n++) await register()
    const many = await measure()
    for (const [index, rows] of many.entries()) expect(rows).toBeLessThanOrEqual((few[index] ?? 0) + 2)
  })
})

describe("the integrations of a region", () => {
  it("are 1,000 at most: a known one may come again, a new one is refused with 409", async () => {
    const json = sampleRegistration()
    await postRegistration(json)
    const taken = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)"
    await env.DB_EU.prepare(
      `insert into integrations select 'crowd-' || i, 'crowd', 'ns-' || i, '{}', ? from (${taken} select i from n)`,
    )
      .bind(Date.now())
      .run()
    try {
      expect((await postRegistration(json)).status).toBe(200)
      const { status, message } = await failure(await postRegistration(sampleRegistration()))
      expect([status, message]).toEqual([409, expect.stringContaining("1000 integrations")])
    } finally {
      await env.DB_EU.prepare("delete from integrations where name = 'crowd'").run()
    }
  })
})
