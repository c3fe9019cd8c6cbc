/**
 * Those who delete people, teams and tokens against those who change them, under any order of their calls to storage: what is deleted is gone
 * wholly, and everybody is told plainly.
 */
import { describe, expect, it } from "vitest"
import { ask, create, madeToken, refused } from "../support/identity.ts"
import { createUser } from "../support/people.ts"
import { audited, count, rowsNaming } from "./directory-rows.ts"
import { race, type Raced, statusOf, tally, type Told, underAnyOrder } from "./racing.ts"

const nothing = { tokens: 0, role_assignments: 0, team_members: 0 }
const role = (name: string) => ({
  role_name: "Viewer",
  entity_type_name: "Projects",
  entity_id: name,
  entity_region: "eu",
})

const kinds = [
  { kind: "user", path: "/v3/users", ofTeam: "users", make: () => createUser(), change: { full_name: "Changed" } },
  {
    kind: "system account",
    path: "/v3/system-accounts",
    ofTeam: "system-accounts",
    make: (name: string) => create("/v3/system-accounts", { name }),
    change: { description: "changed" },
  },
]

describe.each(kinds)("a $kind that is deleted while others change it", ({ path, ofTeam, make, change }) => {
  it("is gone with all it had: they are answered with success or 404", () =>
    underAnyOrder(8, async (name, order) => {
      const [id, team] = [await make(name), await create("/v3/teams", { name })]
      const own = `${path}/${id}`
      const old = await ask(`${own}/access-tokens`, madeToken, { json: { name: "old", ttl_seconds: 3600 } }, 201)
      const ofOld = `${own}/access-tokens/${old.id}`
      const requests: Told[] = [
        { request: ["global", own, { method: "DELETE" }], answers: [204] },
        { request: ["global", `${own}/access-tokens`, { json: { name, ttl_seconds: 3600 } }], answers: [201, 404] },
        { request: ["global", `${own}/assigned-roles`, { json: role(name) }], answers: [201, 404] },
        { request: ["global", `/v3/teams/${team}/${ofTeam}`, { json: { id } }], answers: [201, 404] },
        { request: ["global", own, { method: "PATCH", json: change }], answers: [200, 404] },
        { request: ["global", `${ofOld}/rotate`, { json: { grace_seconds: 60 } }], answers: [201, 404, 409] },
        { request: ["global", ofOld, { method: "PATCH", json: { name: "other" } }], answers: [200, 404] },
      ]
      await race(order, requests)
      expect((await refused(own, {}))[0]).toBe(404)
      expect(await rowsNaming(id)).toEqual(nothing)
      expect(await statusOf(old.token)).toBe(401)
      expect(await audited(id, "delete")).toBe(1)
    }))

  it("is deleted once by several at once, and the audit trail tells of one", () =>
    underAnyOrder(4, async (name, order) => {
      const id = await make(name)
      const remove: Told = { request: ["global", `${path}/${id}`, { method: "DELETE" }], answers: [204, 404] }
      const responses = await race(order, [remove, remove, remove, remove])
      expect(tally(responses)[204]).toBeGreaterThan(0)
      expect(await audited(id, "delete")).toBe(1)
    }))
})

describe("a team that is deleted while others change it", () => {
  it("is gone with its roles and members, who stay: they are answered with success or 404", () =>
    underAnyOrder(8, async (name, order) => {
      const [id, user] = [await create("/v3/teams", { name }), await createUser()]
      const account = await create("/v3/system-accounts", { name })
      const own = `/v3/teams/${id}`
      const requests: Told[] = [
        { request: ["global", own, { method: "DELETE" }], answers: [204] },
        { request: ["global", `${own}/users`, { json: { id: user } }], answers: [201, 404] },
        { request: ["global", `${own}/system-accounts`, { json: { id: account } }], answers: [201, 404] },
        { request: ["global", `${own}/assigned-roles`, { json: role(name) }], answers: [201, 404] },
        { request: ["global", own, { method: "PATCH", json: { name: "changed" } }], answers: [200, 404] },
        { request: ["global", `${own}/users/${user}`, { method: "DELETE" }], answers: [204, 404] },
      ]
      await race(order, requests)
      expect((await refused(own, {}))[0]).toBe(404)
      expect([await rowsNaming(id), await rowsNaming(user), await rowsNaming(account)]).toEqual([
        nothing,
        nothing,
        nothing,
      ])
      expect(await count("users", "id = ?", user)).toBe(1)
    }))
})

describe("a token that is ended while others change it", () => {
  it("works no more, and there is one successor at most, for the rotation that was answered 201", () =>
    underAnyOrder(8, async (name, order) => {
      const account = await create("/v3/system-accounts", { name })
      const path = `/v3/system-accounts/${account}/access-tokens`
      const old = await ask(path, madeToken, { json: { name, ttl_seconds: 3600 } }, 201)
      const own = `${path}/${old.id}`
      const rotate: Raced = ["global", `${own}/rotate`, { json: { grace_seconds: 600 } }]
      const requests: Told[] = [
        { request: ["global", `${own}/revoke`, { method: "PATCH" }], answers: [200, 404] },
        { request: ["global", own, { method: "DELETE" }], answers: [204] },
        { request: ["global", own, { method: "PATCH", json: { name: "renamed" } }], answers: [200, 404] },
        { request: rotate, answers: [201, 404, 409] },
        { request: rotate, answers: [201, 404, 409] },
      ]
      const responses = await race(order, requests)
      expect(await statusOf(old.token)).toBe(401)
      const successors = responses.filter(({ status }) => status === 201)
      expect(successors.length).toBeLessThanOrEqual(1)
      expect(await count("tokens", "owner_id = ?", account)).toBe(successors.length)
      for (const response of successors) {
        expect(await statusOf(madeToken.parse(await response.json()).token)).toBe(200)
      }
    }))
})
