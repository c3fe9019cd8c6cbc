/** Many who create the same in the directory at once, under any order of their calls to storage. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { clientAt } from "../support/address.ts"
import { ask, create, madeToken, page, refused } from "../support/identity.ts"
import { createUser, issueToken } from "../support/people.ts"
import { audited, count } from "./directory-rows.ts"
import { atOnce, CALLERS, type Raced, statusOf, tally, underAnyOrder } from "./racing.ts"

const invitation = z.object({ user_id: z.string(), activation_token: z.string() })

/** The same request by everybody, but for what its body says. */
function posts(path: string, bodyOf: (caller: number) => unknown): Raced[] {
  return CALLERS.map((caller) => ["global", path, { json: bodyOf(caller) }])
}

function madeIn(responses: readonly Response[]): Promise<z.infer<typeof madeToken>[]> {
  return Promise.all(
    responses.filter(({ status }) => status === 201).map(async (response) => madeToken.parse(await response.json())),
  )
}

describe("eight who at once", () => {
  it("invite one address: each is answered 201, there is one user, and one invitation can be accepted", () =>
    underAnyOrder(4, async (name, order) => {
      const email = `${name}@example.com`
      const responses = await atOnce(
        order,
        posts("/v3/invites", () => ({ email })),
      )
      expect(tally(responses)).toEqual({ 201: 8 })
      const invitations = await Promise.all(responses.map(async (response) => invitation.parse(await response.json())))
      const [id = "", ...others] = new Set(invitations.map((one) => one.user_id))
      expect(others).toEqual([])
      expect(await count("users", "email = ?", email)).toBe(1)
      expect(await count("tokens", "owner_id = ?", id)).toBe(1)
      const accepted: Response[] = []
      for (const { activation_token: token } of invitations) {
        const [response] = await atOnce(order, [
          ["global", "/v3/users/me/activate", { token, json: {}, headers: clientAt() }],
        ])
        if (response) accepted.push(response)
      }
      expect(tally(accepted)[200]).toBe(1)
      expect(accepted.length - 1).toBe(tally(accepted)[401] ?? 0)
    }))

  it("accept one invitation: one is answered 200, the others 409 or 401", () =>
    underAnyOrder(4, async (name, order) => {
      const json = { email: `${name}@example.com` }
      const { activation_token: token, user_id: id } = await ask("/v3/invites", invitation, { json }, 201)
      const accept: Raced = ["global", "/v3/users/me/activate", { token, json: {}, headers: clientAt() }]
      const responses = await atOnce(
        order,
        CALLERS.map(() => accept),
      )
      expect(tally(responses)[200]).toBe(1)
      expect((tally(responses)[401] ?? 0) + (tally(responses)[409] ?? 0)).toBe(7)
      expect([await count("tokens", "owner_id = ?", id), await audited(id, "activate")]).toEqual([0, 1])
    }))

  it("create a team of one name: each is answered 201 and has its own", () =>
    underAnyOrder(3, async (name, order) => {
      const responses = await atOnce(
        order,
        posts("/v3/teams", () => ({ name })),
      )
      expect(tally(responses)).toEqual({ 201: 8 })
      expect((await ask(`/v3/teams?filter[name][eq]=${name}`, page)).meta.page.total).toBe(8)
    }))

  it("create a system account of one name: one is answered 201 and stands, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      const responses = await atOnce(
        order,
        posts("/v3/system-accounts", (caller) => ({ name, description: `of ${caller}` })),
      )
      expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
      const { data } = await ask(`/v3/system-accounts?filter[name][eq]=${name}`, page)
      expect(data).toMatchObject([{ name, description: `of ${responses.findIndex(({ status }) => status === 201)}` }])
    }))

  it("make personal tokens where two may be made: two are answered 201 and work, the others 400", () =>
    underAnyOrder(4, async (name, order) => {
      const user = await createUser()
      for (const _ of CALLERS) await issueToken(user)
      const responses = await atOnce(
        order,
        posts(`/v3/users/${user}/access-tokens`, (caller) => ({ name: `${name} ${caller}`, ttl_seconds: 3600 })),
      )
      expect(tally(responses)).toEqual({ 201: 2, 400: 6 })
      for (const { token } of await madeIn(responses)) expect(await statusOf(token)).toBe(200)
      expect(await count("tokens", "owner_id = ?", user)).toBe(10)
    }))

  it("make a token of one name: one is answered 201, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      const account = await create("/v3/system-accounts", { name })
      const responses = await atOnce(
        order,
        posts(`/v3/system-accounts/${account}/access-tokens`, () => ({ name, ttl_seconds: 3600 })),
      )
      expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
      expect(await count("tokens", "owner_id = ?", account)).toBe(1)
    }))

  it.each([0, 600])(
    "rotate a token with a grace of %i seconds: one is answered 201 and has a successor, the others 409",
    (grace) =>
      underAnyOrder(4, async (name, order) => {
        const account = await create("/v3/system-accounts", { name })
        const path = `/v3/system-accounts/${account}/access-tokens`
        const old = await ask(path, madeToken, { json: { name, ttl_seconds: 3600 } }, 201)
        const responses = await atOnce(
          order,
          posts(`${path}/${old.id}/rotate`, () => ({ grace_seconds: grace })),
        )
        const made = await madeIn(responses)
        expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
        for (const { token } of made) expect(await statusOf(token)).toBe(200)
        expect(await statusOf(old.token)).toBe(grace === 0 ? 401 : 200)
        expect(await count("tokens", "owner_id = ?", account)).toBe(1 + made.length)
        expect(await audited(old.id, "rotate")).toBe(made.length)
      }),
  )

  it("revoke a token: each is answered 200, and the audit trail tells of one", () =>
    underAnyOrder(3, async (name, order) => {
      const account = await create("/v3/system-accounts", { name })
      const path = `/v3/system-accounts/${account}/access-tokens`
      const token = await ask(path, madeToken, { json: { name, ttl_seconds: 3600 } }, 201)
      const revoke: Raced = ["global", `${path}/${token.id}/revoke`, { method: "PATCH" }]
      const responses = await atOnce(
        order,
        CALLERS.map(() => revoke),
      )
      expect(tally(responses)).toEqual({ 200: 8 })
      expect([await statusOf(token.token), await audited(token.id, "revoke")]).toEqual([401, 1])
    }))

  it("assign one role: one is answered 201, the others 409", () =>
    underAnyOrder(3, async (name, order) => {
      const account = await create("/v3/system-accounts", { name })
      const role = { role_name: "Viewer", entity_type_name: "Projects", entity_id: name, entity_region: "eu" }
      const responses = await atOnce(
        order,
        posts(`/v3/system-accounts/${account}/assigned-roles`, () => role),
      )
      expect(tally(responses)).toEqual({ 201: 1, 409: 7 })
      expect(await count("role_assignments", "subject_id = ?", account)).toBe(1)
    }))

  it("add one to a team: one is answered 201, the others 409; and to remove it: one 204, the others 404", () =>
    underAnyOrder(3, async (name, order) => {
      const [team, user] = [await create("/v3/teams", { name }), await createUser()]
      const added = await atOnce(
        order,
        posts(`/v3/teams/${team}/users`, () => ({ id: user })),
      )
      expect(tally(added)).toEqual({ 201: 1, 409: 7 })
      expect(await count("team_members", "team_id = ?", team)).toBe(1)
      const remove: Raced = ["global", `/v3/teams/${team}/users/${user}`, { method: "DELETE" }]
      const removed = await atOnce(
        order,
        CALLERS.map(() => remove),
      )
      expect(tally(removed)).toEqual({ 204: 1, 404: 7 })
      expect([await audited(team, "add-member"), await audited(team, "remove-member")]).toEqual([1, 1])
      expect((await refused(`/v3/teams/${team}/users/${user}`, { method: "DELETE" }))[0]).toBe(404)
    }))
})
