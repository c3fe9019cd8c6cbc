/** What a request with an `Idempotency-Key` does when it is sent again: nothing, and it is answered as it was. */
import { env } from "cloudflare:workers"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { z } from "zod"
import { forgetKeys } from "../../src/lib/idempotency-keys.ts"
import {
  adminToken,
  base64,
  createProject,
  send,
  shipyard,
  storageCounts,
  type TestRequest,
} from "../support/client.ts"
import { edgeAround, edgeWith } from "../support/edge.ts"
import { Fault, type StorageCall } from "../support/intercept.ts"
import { captureLog } from "../support/log.ts"
import { openRegion } from "../support/partition.ts"
import { assignRole, createUser, issueToken, revokeToken } from "../support/people.ts"

const EVENT = "/api/v1/event"
const PROJECT = "/api/controlPlane/v1/project"

const contextSchema = z.object({ keptnContext: z.string() })
const eventsSchema = z.object({ events: z.array(z.unknown()) })

/** A request with a key, which is new unless given. */
function keyed(json: unknown, key: string = crypto.randomUUID()): TestRequest {
  return { json, headers: { "idempotency-key": key } }
}

function event(project: string): Record<string, unknown> {
  return { type: "sh.keptn.event.dev.delivery.triggered", source: "test", data: { project } }
}

function newProjectBody(name: string) {
  return { name, shipyard: base64(shipyard("dev")) }
}

async function namedProject(): Promise<string> {
  const name = `p-${crypto.randomUUID()}`
  await createProject("eu", name, "dev")
  return name
}

function file(content: string) {
  return { resources: [{ resourceURI: "a.txt", resourceContent: base64(content) }] }
}

/** How many events of the type above a project has. */
async function eventsOf(project: string): Promise<number> {
  const type = "sh.keptn.event.dev.delivery.triggered"
  const response = await send("eu", `/api/mongodb-datastore/event?project=${project}&type=${type}`)
  return eventsSchema.parse(await response.json()).events.length
}

function post(sendTo: ReturnType<typeof edgeWith>, path: string, json: unknown, key: string): Promise<Response> {
  const headers = { "x-token": adminToken, "content-type": "application/json", "idempotency-key": key }
  return sendTo(`http://eu.api.localhost${path}`, { method: "POST", headers, body: JSON.stringify(json) })
}

/** Whether a batch holds the claim of a key, and so the change. */
function isChange(call: StorageCall, args: readonly unknown[]): boolean {
  return call === "batch" && JSON.stringify(args).includes("insert into idempotency_keys")
}

describe("a request that is sent again with its key", () => {
  it("stores its event once, and is answered with the same context", async () => {
    const project = await namedProject()
    const request = keyed(event(project))
    const first = await send("eu", EVENT, request)
    const second = await send("eu", EVENT, request)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(contextSchema.parse(await second.json())).toEqual(contextSchema.parse(await first.json()))
    expect(first.headers.has("idempotent-replayed")).toBe(false)
    expect(second.headers.get("idempotent-replayed")).toBe("true")
    expect(await eventsOf(project)).toBe(1)
  })

  it("is answered 201 for a project that it created, where without a key it is 409", async () => {
    const body = newProjectBody(`p-${crypto.randomUUID()}`)
    const request = keyed(body)
    expect((await send("eu", PROJECT, request)).status).toBe(201)
    const again = await send("eu", PROJECT, request)
    expect([again.status, again.headers.get("idempotent-replayed"), await again.text()]).toEqual([201, "true", ""])
    expect((await send("eu", PROJECT, { json: body })).status).toBe(409)
  })

  it("is answered with the same token, which is stored nowhere in the clear", async () => {
    const user = await createUser()
    const path = `/v3/users/${user}/access-tokens`
    const request = keyed({ name: "ci", expires_at: new Date(Date.now() + 3_600_000).toISOString() })
    const answers = [await send("global", path, request), await send("global", path, request)]
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    const [first, second] = await Promise.all(answers.map((answer) => answer.text()))
    expect(second).toBe(first)
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(first ?? ""))
    expect((await send("global", "/v3/users/me", { token })).status).toBe(200)
    const { results } = await env.DB_GLOBAL.prepare("select * from idempotency_keys").all()
    expect(results.length).toBeGreaterThan(0)
    expect(JSON.stringify(results)).not.toContain(token)
  })

  it("is answered by any isolate, and has its PATCH done once", async () => {
    const created = await send("global", "/v3/teams", { json: { name: `t-${crypto.randomUUID()}` } })
    const { id } = z.object({ id: z.string() }).parse(await created.json())
    const request = { ...keyed({ description: "one" }), method: "PATCH" }
    expect((await send("global", `/v3/teams/${id}`, request)).status).toBe(200)
    await send("global", `/v3/teams/${id}`, { method: "PATCH", json: { description: "two" } })
    const headers = { "x-token": adminToken, "content-type": "application/json", ...request.headers }
    const body = JSON.stringify(request.json)
    const again = await edgeWith({})(`http://global.api.localhost/v3/teams/${id}`, { method: "PATCH", headers, body })
    expect(await again.json()).toMatchObject({ description: "one" })
    expect(await (await send("global", `/v3/teams/${id}`)).json()).toMatchObject({ description: "two" })
  })

  it("takes one trip more when its answer is known before, and two otherwise", async () => {
    const project = await namedProject()
    await send("eu", EVENT, { json: event(project) })
    const plain = storageCounts(await send("eu", EVENT, { json: event(project) }))
    expect(storageCounts(await send("eu", EVENT, keyed(event(project)))).trips).toBe(plain.trips + 1)
    const path = `/api/resource-service/v1/project/${project}/resource`
    const write = storageCounts(await send("eu", path, { json: file("one") }))
    expect(storageCounts(await send("eu", path, keyed(file("two")))).trips).toBe(write.trips + 2)
  })

  it("is carried out when it was refused before: nothing of that is remembered", async () => {
    const name = `p-${crypto.randomUUID()}`
    const request = keyed(event(name))
    const strict = { json: { serviceName: "carts" }, headers: request.headers ?? {} }
    const path = `/api/controlPlane/v1/project/${name}/service`
    expect((await send("eu", path, strict)).status).toBe(500)
    await createProject("eu", name, "dev")
    expect((await send("eu", path, strict)).status).toBe(200)
  })
})

describe("a key", () => {
  it("is refused with 422 for another body, path or method", async () => {
    const project = await namedProject()
    const key = crypto.randomUUID()
    expect((await send("eu", EVENT, keyed(event(project), key))).status).toBe(200)
    const other = await send("eu", EVENT, keyed({ ...event(project), source: "other" }, key))
    expect([other.status, await other.json()]).toEqual([
      422,
      { code: 422, message: "this Idempotency-Key was used for another request: take a new one" },
    ])
    expect((await send("eu", `${EVENT}?a`, keyed(event(project), key))).status).toBe(422)
    expect((await send("eu", PROJECT, keyed(newProjectBody(`${project}2`), key))).status).toBe(422)
    expect(await eventsOf(project)).toBe(1)
  })

  it("is the caller's own, and the region's", async () => {
    const [one, two] = [await createUser(), await createUser()]
    const key = crypto.randomUUID()
    for (const user of [one, two]) {
      await assignRole(user, { roleName: "Creator" })
      await assignRole(user, { roleName: "Creator", entityRegion: "us" })
    }
    const status = async (label: string, user: string) => {
      const token = await issueToken(user)
      return (await send(label, PROJECT, { ...keyed(newProjectBody(`p-${user}`), key), token })).status
    }
    expect([await status("eu", one), await status("us", one), await status("eu", two)]).toEqual([201, 201, 201])
  })

  it("is refused with 400 when it is empty, too long or no text that a header should hold", async () => {
    const project = await namedProject()
    for (const key of ["", "x".repeat(256), "a b", "é"]) {
      expect((await send("eu", EVENT, keyed(event(project), key))).status).toBe(400)
    }
    expect((await send("eu", EVENT, keyed(event(project), "x".repeat(255)))).status).toBe(200)
    expect(await eventsOf(project)).toBe(1)
  })

  it("opens nothing to who may not do it any more: 403", async () => {
    const user = await createUser()
    const project = await namedProject()
    await assignRole(user, { roleName: "Viewer", entityId: project })
    await assignRole(user, { roleName: "Contributor", entityId: project })
    const token = await issueToken(user)
    const path = `/api/controlPlane/v1/project/${project}/service`
    const request = { ...keyed({ serviceName: "carts" }), token }
    expect((await send("eu", path, request)).status).toBe(200)
    await env.DB_GLOBAL.prepare("delete from role_assignments where subject_id = ? and role_name = 'Contributor'")
      .bind(user)
      .run()
    const headers = { ...request.headers, "x-token": token, "content-type": "application/json" }
    const sent = { method: "POST", headers, body: JSON.stringify(request.json) }
    expect((await edgeWith({})(`http://eu.api.localhost${path}`, sent)).status).toBe(403)
    await revokeToken(token)
    expect((await edgeWith({})(`http://eu.api.localhost${path}`, sent)).status).toBe(401)
  })

  it("is not minded where a request can be repeated as it is", async () => {
    const project = await namedProject()
    const path = `/api/resource-service/v1/project/${project}/resource/a.txt`
    const key = crypto.randomUUID()
    const put = (content: string) =>
      send("eu", path, { ...keyed({ resourceContent: base64(content) }, key), method: "PUT" })
    expect([(await put("one")).status, (await put("two")).status]).toEqual([200, 200])
  })

  it("cannot be minded by a deployment that has nothing to encrypt answers with: 503, and nothing is done", async () => {
    const project = await namedProject()
    const response = await post(edgeWith({ secretKeys: null }), EVENT, event(project), "key")
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("SECRET_KEYS")])
    expect(await eventsOf(project)).toBe(0)
  })

  it("is forgotten after a day, by a job", async () => {
    const project = await namedProject()
    const request = keyed(event(project))
    await send("eu", EVENT, request)
    const day = 24 * 60 * 60 * 1000
    await forgetKeys(openRegion().db, Date.now() + day - 60_000)
    await send("eu", EVENT, request)
    expect(await eventsOf(project)).toBe(1)
    await forgetKeys(openRegion().db, Date.now() + day + 60_000)
    await send("eu", EVENT, request)
    expect(await eventsOf(project)).toBe(2)
  })
})

describe("eight requests with one key at once", () => {
  it.each([
    { what: "an event", path: EVENT, body: event },
    { what: "a service", path: null, body: () => ({ serviceName: "carts" }) },
  ])("make $what once; each is answered with success, or 409 and Retry-After", async ({ path, body }) => {
    const project = await namedProject()
    const lines = captureLog()
    const request = keyed(body(project))
    const address = path ?? `/api/controlPlane/v1/project/${project}/service`
    const answers = await Promise.all(Array.from({ length: 8 }, () => send("eu", address, request)))
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.map(({ status, headers }) => [status, headers.get("retry-after")])).toEqual(
      refused.map(() => [409, "1"]),
    )
    expect(answers.filter(({ status, headers }) => status === 200 && !headers.has("idempotent-replayed"))).toHaveLength(
      1,
    )
    expect(lines.filter(({ level }) => level === "error")).toEqual([])
    if (path !== null) expect(await eventsOf(project)).toBe(1)
    expect((await send("eu", address, request)).headers.get("idempotent-replayed")).toBe("true")
  })
})

describe("a request whose change is made while storage does not say so", () => {
  it("is answered with success where the answer was stored with the change", async () => {
    captureLog()
    const project = await namedProject()
    const sendTo = edgeAround(async (call, run, args) => {
      const result = await run()
      if (isChange(call, args)) throw new Fault("no answer")
      return result
    })
    const response = await post(sendTo, EVENT, event(project), "key")
    expect([response.status, response.headers.get("idempotent-replayed")]).toEqual([200, "true"])
    expect(await eventsOf(project)).toBe(1)
  })

  it("is 409 elsewhere, now and when it is sent again, and says what to do", async () => {
    captureLog()
    const body = newProjectBody(`p-${crypto.randomUUID()}`)
    const key = crypto.randomUUID()
    const sendTo = edgeAround(async (call, run, args) => {
      const result = await run()
      if (isChange(call, args)) throw new Fault("no answer")
      return result
    })
    expect((await post(sendTo, PROJECT, body, key)).status).toBe(409)
    const soon = await post(edgeWith({}), PROJECT, body, key)
    expect([soon.status, soon.headers.get("retry-after")]).toEqual([409, "1"])
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60_000 })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const later = await post(edgeWith({}), PROJECT, body, key)
    expect(later.headers.has("retry-after")).toBe(false)
    expect([later.status, await later.json()]).toEqual([
      409,
      {
        code: 409,
        message: expect.stringContaining(
          "was carried out (an import perhaps in part), but what it was answered was not kept",
        ),
      },
    ])
  })

  it("is carried out when it is sent again, if the change was not made", async () => {
    captureLog()
    const project = await namedProject()
    const key = crypto.randomUUID()
    const sendTo = edgeAround((call, run, args) =>
      isChange(call, args) ? Promise.reject(new Fault("no database")) : run(),
    )
    const response = await post(sendTo, EVENT, event(project), key)
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"])
    expect(await eventsOf(project)).toBe(0)
    expect((await post(edgeWith({}), EVENT, event(project), key)).status).toBe(200)
    expect(await eventsOf(project)).toBe(1)
  })

  it("is answered although its answer cannot be kept", async () => {
    const lines = captureLog()
    const body = newProjectBody(`p-${crypto.randomUUID()}`)
    const key = crypto.randomUUID()
    const sendTo = edgeAround((call, run, args) =>
      call === "batch" && JSON.stringify(args).includes('update \\"idempotency_keys\\"')
        ? Promise.reject(new Fault("no database"))
        : run(),
    )
    expect((await post(sendTo, PROJECT, body, key)).status).toBe(201)
    expect(lines.map(({ fields }) => fields["event"])).toContain("idempotency-answer-lost")
    expect((await post(edgeWith({}), PROJECT, body, key)).status).toBe(409)
  })
})
