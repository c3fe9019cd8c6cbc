import { createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import worker from "../../../src/index.ts"
import { send } from "../../support/client.ts"
import { edgeWith } from "../../support/edge.ts"
import { ask, create, newAccount, page, refused, statusFor, withId } from "../../support/identity.ts"
import { createUser } from "../../support/people.ts"

const PROJECTS = "/api/controlPlane/v1/project/none"
const viewer = { role_name: "Viewer", entity_type_name: "Projects", entity_id: "*", entity_region: "eu" }

async function systemTeam(name: string): Promise<string> {
  const { data } = await ask(`/v3/teams?filter[name][eq]=${name}`, page)
  return withId.parse(data[0]).id
}

describe("teams", () => {
  it("are created, changed and deleted", async () => {
    const id = await create("/v3/teams", { name: "carts", labels: { env: "test" } })
    const changed = await ask(`/v3/teams/${id}`, withId, { method: "PATCH", json: { description: "d" } })
    expect(changed).toMatchObject({ name: "carts", description: "d", labels: { env: "test" }, system_team: false })
    await ask(`/v3/teams/${id}`, z.null(), { method: "DELETE" }, 204)
    expect((await refused(`/v3/teams/${id}`, {}))[0]).toBe(404)
  })

  it("of the system cannot be changed or deleted: 400", async () => {
    const id = await systemTeam("organization-admin")
    const wrong = ["teamId invalid"]
    expect((await refused(`/v3/teams/${id}`, { method: "PATCH", json: { name: "x" } })).toSpliced(1, 1)).toEqual([
      400,
      wrong,
    ])
    expect((await refused(`/v3/teams/${id}`, { method: "DELETE" })).toSpliced(1, 1)).toEqual([400, wrong])
  })

  it("give their members their roles, until the member, the role or the team is gone", async () => {
    for (const end of ["member", "role", "team"]) {
      const team = await create("/v3/teams", { name: end })
      const { id, token } = await newAccount(`member ${end}`)
      expect(await statusFor(token, "eu", `${PROJECTS}/stage`)).toBe(404)
      const role = await create(`/v3/teams/${team}/assigned-roles`, viewer)
      await ask(`/v3/teams/${team}/system-accounts`, z.null(), { json: { id } }, 201)
      expect((await refused(`/v3/teams/${team}/system-accounts`, { json: { id } }))[0]).toBe(409)
      const list = () =>
        send("eu", "/api/v1/event", { token, json: { type: "t", source: "s", data: { project: "x" } } })
      expect((await list()).status).toBe(403)
      const gone = { member: `system-accounts/${id}`, role: `assigned-roles/${role}`, team: "" }[end]
      await ask(`/v3/teams/${team}/${gone}`.replace(/\/$/, ""), z.null(), { method: "DELETE" }, 204)
      expect((await list()).status).toBe(404)
    }
  })

  it("take only ids of their kind: 404", async () => {
    const team = await create("/v3/teams", { name: "kinds" })
    const { id } = await newAccount("kind")
    expect((await refused(`/v3/teams/${team}/users`, { json: { id } }))[0]).toBe(404)
    expect((await refused(`/v3/teams/${team}/system-accounts`, { json: { id: await createUser() } }))[0]).toBe(404)
    expect((await refused(`/v3/teams/${team}/users`, { json: { id: "x" } }))[0]).toBe(400)
    expect((await refused(`/v3/teams/x/users`, {}))[2]).toEqual(["teamId is_uuid"])
  })
})

describe("assigned roles", () => {
  it("are answered in Konnect's shape, once each: 409", async () => {
    const { id } = await newAccount("shape")
    const path = `/v3/system-accounts/${id}/assigned-roles`
    const assigned = await ask(path, withId, { json: viewer }, 201)
    expect(assigned).toEqual({ id: assigned.id, ...viewer })
    expect((await refused(path, { json: viewer }))[0]).toBe(409)
    expect((await ask(`${path}?filter[role_name][eq]=Viewer`, page)).data).toEqual([assigned])
    expect((await ask(`${path}?filter[role_name][eq]=Admin`, page)).data).toEqual([])
    await ask(`${path}/${assigned.id}`, z.null(), { method: "DELETE" }, 204)
    expect((await refused(`${path}/${assigned.id}`, { method: "DELETE" }))[0]).toBe(404)
  })

  it.each([
    [{ role_name: "Boss" }, "role_name enum"],
    [{ entity_type_name: "Control Planes" }, "entity_type_name enum"],
    [{ entity_region: "mars" }, "entity_region enum"],
    [{ entity_id: "" }, "entity_id min_length"],
  ])("are not made with %j: 400", async (part, wrong) => {
    const { id } = await newAccount(`wrong ${crypto.randomUUID()}`)
    const [status, , found] = await refused(`/v3/system-accounts/${id}/assigned-roles`, {
      json: { ...viewer, ...part },
    })
    expect([status, found]).toEqual([400, [wrong]])
  })

  it("may be asked for in the short form of the first guides", async () => {
    const { id } = await newAccount("short form")
    const json = { role: "Viewer", entity_id: "*", entity_type: "projects", entity_region: "eu" }
    const assigned = await ask(`/v3/system-accounts/${id}/assigned-roles`, withId, { json }, 201)
    expect(assigned).toEqual({ id: assigned.id, ...viewer })
  })

  it("are those of the catalogue", async () => {
    const catalogue = await ask("/v3/roles", z.record(z.string(), z.unknown()))
    expect(catalogue).toMatchObject({ projects: { name: "Projects", roles: { viewer: { name: "Viewer" } } } })
  })
})

describe("invitations", () => {
  it("make a user that is not active, whose token does nothing but accept, once", async () => {
    const email = "Grace@example.com"
    const invitation = z.object({ user_id: z.string(), activation_token: z.string() })
    const { user_id: id, activation_token: token } = await ask("/v3/invites", invitation, { json: { email } }, 201)
    expect(await ask(`/v3/users/${id}`, withId)).toMatchObject({ email: "grace@example.com", active: false })
    expect([await statusFor(token), await statusFor(token, "global", "/v3/users/me")]).toEqual([401, 401])
    const accept = { token, json: { full_name: "Grace Hopper" } }
    expect(await ask("/v3/users/me/activate", withId, accept)).toMatchObject({
      active: true,
      full_name: "Grace Hopper",
    })
    expect((await refused("/v3/users/me/activate", accept))[0]).toBe(401)
    expect((await refused("/v3/invites", { json: { email } })).slice(0, 2)).toEqual([409, "User is already active"])
  })

  it("end with the next one to the same address", async () => {
    const [first, second] = [await inviteToken("twice@example.com"), await inviteToken("twice@example.com")]
    expect((await refused("/v3/users/me/activate", { token: first, json: {} }))[0]).toBe(401)
    await ask("/v3/users/me/activate", withId, { token: second, json: {} })
  })
})

const entries = z.object({
  data: z.array(z.object({ id: z.number(), after: z.record(z.string(), z.unknown()) })),
})
const linkedEntries = entries.extend({
  meta: z.object({ page: z.object({ total: z.number(), next: z.string().nullable() }) }),
})

async function entriesAbout(entityId: string): Promise<number> {
  return (await ask(`/v3/audit-log?filter[entity_id]=${entityId}`, page)).meta.page.total
}

describe("the audit trail", () => {
  it("lists the newest first, unless it is asked otherwise", async () => {
    const id = await create("/v3/teams", { name: "in order" })
    for (const name of ["second", "third"]) await ask(`/v3/teams/${id}`, withId, { method: "PATCH", json: { name } })
    const names = async (sort: string) =>
      (await ask(`/v3/audit-log?filter[entity_id]=${id}${sort}`, entries)).data.map(({ after }) => after["name"])
    const newest = ["third", "second", "in order"]
    expect(await names("")).toEqual(newest)
    expect(await names("&sort=time desc")).toEqual(newest)
    for (const sort of ["&sort=id", "&sort=time"]) expect(await names(sort)).toEqual(newest.toReversed())
  })

  it.each(["", "&sort=time", "&sort=time desc"])(
    "is read page by page, whatever is added meanwhile (%s)",
    async (sort) => {
      const account = await create("/v3/system-accounts", { name: `paged ${sort}` })
      const change = (turn: number) =>
        ask(`/v3/system-accounts/${account}`, withId, { method: "PATCH", json: { description: `${turn}` } })
      for (let turn = 0; turn < 4; turn++) await change(turn)
      const seen: number[] = []
      let next: string | null = `/v3/audit-log?filter[entity_id]=${account}&page[size]=2${sort}`
      while (next !== null) {
        const { data, meta }: z.infer<typeof linkedEntries> = await ask(next, linkedEntries)
        seen.push(...data.map(({ id }) => id))
        expect(meta.page.total).toBe(5)
        next = meta.page.next
        await change(-1)
      }
      expect(new Set(seen).size).toBe(5)
      expect(seen).toEqual(seen.toSorted((a, b) => (sort === "&sort=time" ? a - b : b - a)))
    },
  )

  it("tells every change with who, before and after, and every refusal with its true reason", async () => {
    const id = await create("/v3/teams", { name: "before" })
    await ask(`/v3/teams/${id}`, withId, { method: "PATCH", json: { name: "after" } })
    await ask(`/v3/teams/${id}`, z.null(), { method: "DELETE" }, 204)
    const me = await ask("/v3/users/me", withId)
    const { data } = await ask(`/v3/audit-log?filter[entity_id]=${id}&sort=id`, page)
    expect(data.map(({ action }) => action)).toEqual(["create", "update", "delete"])
    expect(data[1]).toMatchObject({ principal_id: me.id, before: { name: "before" }, after: { name: "after" } })
    // Other tests of this isolate have used up how many refusals are recorded in a minute.
    const edge = edgeWith({ authFailures: { limit: () => Promise.resolve({ success: true }) } })
    await edge("http://eu.api.localhost/api/v1/metadata", {
      headers: { "x-token": "kpat_nonsense-but-long", "cf-connecting-ip": "192.0.2.77" },
    })
    const refusals = await ask("/v3/audit-log?filter[action]=refuse&sort=time desc&page[size]=1", page)
    expect(refusals.data[0]).toMatchObject({
      address: "192.0.2.77",
      after: { reason: "malformed" },
      principal_id: null,
    })
  })

  it("forgets what is older than its retention", async () => {
    const old = Date.now() - 366 * 24 * 60 * 60 * 1000
    await env.DB_GLOBAL.prepare(`insert into audit_log (time, request_id, address, action, entity_type, entity_id)
      values (?, 'r', 'a', 'create', 'team', 'ancient'), (?, 'r', 'a', 'create', 'team', 'recent')`)
      .bind(old, Date.now())
      .run()
    await worker.scheduled(createScheduledController({ cron: "* * * * *" }), env)
    expect([await entriesAbout("ancient"), await entriesAbout("recent")]).toEqual([0, 1])
  })

  it("says nothing of a change that was refused", async () => {
    const me = await ask("/v3/users/me", withId)
    const before = await entriesAbout(me.id)
    expect((await refused(`/v3/users/${me.id}`, { method: "DELETE" }))[0]).toBe(409)
    expect(await entriesAbout(me.id)).toBe(before)
  })
})

async function teamNames(query: string): Promise<unknown[]> {
  return (await ask(`/v3/teams?${query}`, page)).data.map(({ name }) => name)
}

async function inviteToken(email: string): Promise<string> {
  const invitation = z.looseObject({ activation_token: z.string() })
  return (await ask("/v3/invites", invitation, { json: { email } }, 201)).activation_token
}

describe("lists", () => {
  it("are filtered, sorted and paged", async () => {
    for (const name of ["list-b", "list-a", "list-c%"]) {
      await create("/v3/teams", { name, labels: { group: name === "list-a" ? "one" : "two" } })
    }
    expect(await teamNames("filter[name][contains]=LIST-&sort=name")).toEqual(["list-a", "list-b", "list-c%"])
    expect(await teamNames("filter[name][contains]=list-&sort=name desc&page[size]=2")).toEqual(["list-c%", "list-b"])
    expect(await teamNames("filter[name][contains]=list-&sort=name&page[size]=2&page[number]=2")).toEqual(["list-c%"])
    expect(await teamNames("filter[name][contains]=c%25")).toEqual(["list-c%"])
    expect(await teamNames("filter%5Bname%5D=list-a")).toEqual(["list-a"])
    expect(await teamNames("filter[name][oeq]=list-a,list-b&sort=name")).toEqual(["list-a", "list-b"])
    expect(await teamNames("filter[labels.group][eq]=one")).toEqual(["list-a"])
    expect(await teamNames("filter[system_team]=true&sort=name")).toEqual([
      "organization-admin",
      "organization-admin-read-only",
    ])
    const { meta } = await ask("/v3/teams?filter[name][contains]=list-&page[number]=9", page)
    expect(meta.page).toEqual({ number: 9, size: 10, total: 3 })
  })

  it.each([
    "filter[color][eq]=red",
    "filter[name][gt]=a",
    "filter[system_team]=maybe",
    "filter[id]=x",
    "filter[labels]=x",
    "filter=x",
    "page[size]=0",
    "page[size]=1001",
    "page[number]=x",
    "sort=color",
    "sort=name sideways",
  ])("refuse ?%s: 400", async (query) => {
    const [status, , wrong] = await refused(`/v3/teams?${query}`, {})
    expect([status, wrong.length]).toEqual([400, 1])
  })
})
