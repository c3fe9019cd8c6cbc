import { describe, expect, it } from "vitest"
import { z } from "zod"
import { env } from "cloudflare:workers"
import { send, storageCounts } from "../../support/client.ts"
import { answer, failure } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { idOf, listIntegrations, ping, register, subscriptionPath, subscriptionSchema } from "../../support/uniform.ts"

const NOTHING = { status: 404, code: 404, message: "mongo: no documents in result" }
const filter = { projects: ["sockshop"], stages: [], services: null }

function put(id: string, subscriptionId: string, json: unknown): Promise<Response> {
  return send("eu", subscriptionPath(id, subscriptionId), { method: "PUT", json })
}

async function list(id: string) {
  return answer(await send("eu", subscriptionPath(id)), z.array(subscriptionSchema))
}

async function eventsOf(id: string): Promise<string[]> {
  return (await ping(id)).subscriptions.map(({ event }) => event)
}

/** A subscription to events of so many projects, each of which takes five bytes of JSON. */
function subscriptionTo(projects: number) {
  return { event: "a", filter: { projects: Array.from({ length: projects }, () => "é") } }
}

describe("a subscription", () => {
  it("is added behind the others, with an id of the server", async () => {
    const id = await register({ events: ["a", "b"] })
    const json = { id: "mine", event: "c", filter }
    const added = await idOf(await send("eu", subscriptionPath(id), { json }))
    z.uuid().parse(added)
    const subscriptions = await list(id)
    expect(subscriptions.map(({ event }) => event)).toEqual(["a", "b", "c"])
    expect(subscriptions.at(-1)).toEqual({ id: added, event: "c", filter })
    expect((await ping(id)).subscriptions).toEqual(subscriptions)
    expect((await listIntegrations(`id=${id}`))[0]?.subscriptions).toEqual(subscriptions)
    expect(await answer(await send("eu", subscriptionPath(id, added)), subscriptionSchema)).toEqual(
      subscriptions.at(-1),
    )
  })

  it("is the first of an integration that has none", async () => {
    const id = await register({ events: [] })
    await send("eu", subscriptionPath(id), { json: { event: "a" } })
    expect(await list(id)).toMatchObject([{ event: "a", filter: { projects: null, stages: null, services: null } }])
  })

  it("is replaced in its place, and answered with 201", async () => {
    const id = await register({ events: ["a", "b", "c"] })
    const [, second = { id: "" }] = await list(id)
    expect(await idOf(await put(id, second.id, { id: "other", event: "B", filter }))).toBe(second.id)
    const subscriptions = await list(id)
    expect(subscriptions.map(({ event }) => event)).toEqual(["a", "B", "c"])
    expect(subscriptions[1]).toEqual({ id: second.id, event: "B", filter })
  })

  it("is added by its id, behind the others, where there is none of it", async () => {
    const id = await register({ events: ["a"] })
    expect(await idOf(await put(id, "chosen", { event: "b" }))).toBe("chosen")
    expect(await eventsOf(id)).toEqual(["a", "b"])
  })

  it("is deleted, and may be deleted again", async () => {
    const id = await register({ events: ["a", "b", "c"] })
    const [, second = { id: "" }] = await list(id)
    for (const target of [second.id, second.id, "never"]) {
      const response = await send("eu", subscriptionPath(id, target), { method: "DELETE" })
      expect(await answer(response, z.strictObject({}))).toEqual({})
    }
    expect(await eventsOf(id)).toEqual(["a", "c"])
    await send("eu", subscriptionPath(id), { json: { event: "d" } })
    expect(await eventsOf(id)).toEqual(["a", "c", "d"])
    expect(await failure(await send("eu", subscriptionPath(id, second.id)))).toEqual(NOTHING)
  })

  it("of one integration is none of another", async () => {
    const [one, other] = [await register({ events: ["a"] }), await register({ events: [] })]
    const [{ id } = { id: "" }] = await list(one)
    expect((await send("eu", subscriptionPath(other, id))).status).toBe(404)
    await send("eu", subscriptionPath(other, id), { method: "DELETE" })
    expect(await eventsOf(one)).toEqual(["a"])
    expect((await put(other, id, { event: "b" })).status).toBe(201)
    expect([await eventsOf(one), await eventsOf(other)]).toEqual([["a"], ["b"]])
  })

  it.each([
    {},
    { event: "", filter: { projects: [], stages: [], services: ["carts"] } },
    { event: "sh.keptn.>", filter: { projects: ["a", "b"] } },
    { event: "a", filter: null, more: 1 },
  ])("is not checked: %j is taken", async (json) => {
    const id = await register({ events: [] })
    expect((await send("eu", subscriptionPath(id), { json })).status).toBe(201)
    expect((await put(id, "x", json)).status).toBe(201)
  })

  it.each([{ event: 1 }, { event: "e".repeat(1025) }, { event: "a", filter: { stages: [1] } }, { filter: "all" }, []])(
    "of another shape is refused with 400: %#",
    async (json) => {
      const id = await register({ events: [] })
      expect((await failure(await send("eu", subscriptionPath(id), { json }))).status).toBe(400)
      expect((await failure(await put(id, "x", json))).status).toBe(400)
      expect(await list(id)).toEqual([])
    },
  )

  it("takes 8 KB at most, and its id 256 characters", async () => {
    const id = await register({ events: [] })
    expect((await put(id, "x", subscriptionTo(1500))).status).toBe(201)
    expect((await put(id, "x", subscriptionTo(1700))).status).toBe(400)
    expect((await put(id, "x".repeat(256), { event: "a" })).status).toBe(201)
    expect((await put(id, "x".repeat(257), { event: "a" })).status).toBe(400)
  })
})

describe("the subscriptions of an integration that is not there", () => {
  it.each([
    ["GET", "", undefined],
    ["POST", "", { event: "a" }],
    ["GET", "/x", undefined],
    ["PUT", "/x", { event: "a" }],
  ])("are not found by %s %s: 404", async (method, tail, json) => {
    const request = { method, ...(json && { json }) }
    expect(await failure(await send("eu", `${subscriptionPath("nowhere")}${tail}`, request))).toEqual(NOTHING)
  })
})

describe("an integration", () => {
  it("has 1,000 subscriptions at most: they can be replaced, another one is refused with 409", async () => {
    const id = await register({ events: Array.from({ length: 1000 }, (_, n) => `${n}`) })
    const [first = { id: "" }] = await list(id)
    expect((await put(id, first.id, { event: "replaced" })).status).toBe(201)
    for (const response of [
      await put(id, "another", { event: "a" }),
      await send("eu", subscriptionPath(id), { json: { event: "a" } }),
    ]) {
      expect(await failure(response)).toMatchObject({ status: 409, message: expect.stringContaining("1000") })
    }
    expect(await list(id)).toHaveLength(1000)
  })

  it("keeps apart what is added at once", async () => {
    const id = await register({ events: [] })
    const events = Array.from({ length: 10 }, (_, n) => `e${n}`)
    await Promise.all(events.map((event) => send("eu", subscriptionPath(id), { json: { event } })))
    expect((await eventsOf(id)).toSorted()).toEqual(events)
    const { results } = await env.DB_EU.prepare("select position from subscriptions where integration_id = ?")
      .bind(id)
      .all()
    expect(new Set(results.map(({ position }) => position)).size).toBe(10)
  })
})

it("every request about subscriptions takes one trip", async () => {
  const id = await register()
  const caller = { token: await knownToken() }
  const json = { event: "a" }
  const one = subscriptionPath(id, "x")
  const responses = [
    await send("eu", subscriptionPath(id), { json, ...caller }),
    await send("eu", one, { method: "PUT", json, ...caller }),
    await send("eu", one, caller),
    await send("eu", subscriptionPath(id), caller),
    await send("eu", one, { method: "DELETE", ...caller }),
  ]
  expect(responses.map(({ status }) => status)).toEqual([201, 201, 200, 200, 200])
  for (const response of responses) expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1 })
})
