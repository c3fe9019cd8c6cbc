import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { send } from "../../support/client.ts"
import { ask, create, madeToken, newAccount, page, refused, statusFor, withId } from "../../support/identity.ts"
import { createUser, findTokenRow, issueToken } from "../../support/people.ts"

const DAY = 24 * 60 * 60 * 1000
const rotatedBefore = z.object({ detail: z.string(), successor_id: z.string() })
const tokensOf = (id: string) => `/v3/system-accounts/${id}/access-tokens`
const inDays = (days: number) => new Date(Date.now() + days * DAY).toISOString()

describe("a token of a system account", () => {
  it("works on every host, is shown once, and is stored as a hash only", async () => {
    const { id, token, tokenId } = await newAccount("works")
    expect(token).toMatch(/^spat_[0-9A-Za-z]{36}$/)
    expect([
      await statusFor(token),
      await statusFor(token, "us"),
      await statusFor(token, "global", "/v3/roles"),
    ]).toEqual([200, 200, 200])
    const shown = await ask(`${tokensOf(id)}/${tokenId}`, z.record(z.string(), z.unknown()))
    expect(shown).toMatchObject({ state: "ACTIVE", name: "t" })
    expect(JSON.stringify([shown, await ask(tokensOf(id), page)])).not.toContain(token.slice(9, -4))
    const { results } = await env.DB_GLOBAL.prepare("select * from tokens, audit_log").all()
    expect(JSON.stringify(results)).not.toContain(token.slice(9, -4))
  })

  it.each([
    [{}, ["name required"]],
    [{ name: "x" }, ["expires_at required"]],
    [{ name: "x", ttl_seconds: 3600, expires_at: inDays(1) }, ["expires_at required"]],
    [{ name: "", ttl_seconds: 3600 }, ["name min_length"]],
    [{ name: "x", ttl_seconds: 1 }, ["ttl_seconds min"]],
    [{ name: "x", expires_at: "tomorrow" }, ["expires_at is_date_time"]],
    [{ name: "x", expires_at: inDays(-1) }, ["expires_at min"]],
    [{ name: "x", expires_at: inDays(367) }, ["expires_at max"]],
    [{ name: "x", ttl_seconds: 3600, scope: "all" }, ["scope unknown_property"]],
  ])("is not made of %j: 400", async (json, wrong) => {
    const id = await create("/v3/system-accounts", { name: `refuses ${crypto.randomUUID()}` })
    const [status, , found] = await refused(tokensOf(id), { json })
    expect([status, found]).toEqual([400, wrong])
  })

  it("has a name that no other of its account has: 409", async () => {
    const { id, tokenId } = await newAccount("names")
    expect((await refused(tokensOf(id), { json: { name: "t", ttl_seconds: 3600 } }))[0]).toBe(409)
    const other = await ask(tokensOf(id), madeToken, { json: { name: "u", ttl_seconds: 3600 } }, 201)
    expect((await refused(`${tokensOf(id)}/${other.id}`, { method: "PATCH", json: { name: "t" } }))[0]).toBe(409)
    const renamed = await ask(`${tokensOf(id)}/${tokenId}`, withId, { method: "PATCH", json: { name: "v" } })
    expect(renamed).toMatchObject({ name: "v" })
  })

  it("is refused at once where it was revoked, and cannot be rotated then: 409", async () => {
    const { id, token, tokenId } = await newAccount("revoked")
    expect(await statusFor(token)).toBe(200)
    const revoked = await ask(`${tokensOf(id)}/${tokenId}/revoke`, withId, { method: "PATCH" })
    expect(revoked).toMatchObject({ state: "REVOKED", revoked_by: expect.any(String) })
    expect(await statusFor(token)).toBe(401)
    expect((await refused(`${tokensOf(id)}/${tokenId}/rotate`, { json: { grace_seconds: 0 } }))[0]).toBe(409)
    expect((await ask(tokensOf(id), page)).data).toHaveLength(1)
  })

  it("is refused at once where it was deleted, or its account was", async () => {
    const first = await newAccount("deleted token")
    const second = await newAccount("deleted account")
    for (const { token } of [first, second]) expect(await statusFor(token)).toBe(200)
    await ask(`${tokensOf(first.id)}/${first.tokenId}`, z.null(), { method: "DELETE" }, 204)
    await ask(`/v3/system-accounts/${second.id}`, z.null(), { method: "DELETE" }, 204)
    for (const { token } of [first, second]) expect(await statusFor(token)).toBe(401)
    const left = await env.DB_GLOBAL.prepare("select count(*) as n from tokens where owner_id = ?")
      .bind(second.id)
      .all()
    expect(left.results).toEqual([{ n: 0 }])
  })
})

describe("rotating a token", () => {
  it("makes a successor of the same name and length of life; the old one works for the grace", async () => {
    const { id, token, tokenId } = await newAccount("rotated")
    const next = await ask(`${tokensOf(id)}/${tokenId}/rotate`, madeToken, { json: { grace_seconds: 60 } }, 201)
    expect(next.name).toBe("t")
    expect([await statusFor(token), await statusFor(next.token)]).toEqual([200, 200])
    const [old, successor] = [await findTokenRow(token), await findTokenRow(next.token)]
    expect(old.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(successor.expiresAt - successor.createdAt).toBe(3600_000)
    expect(old).toMatchObject({ name: "t", successorId: next.id })
    expect((await ask(`${tokensOf(id)}/${tokenId}`, withId))["successor_id"]).toBe(next.id)
  })

  it("again is refused with the id of the successor: 409, whatever became of that", async () => {
    const { id, tokenId } = await newAccount("rotated twice")
    const rotate = (token: string) =>
      send("global", `${tokensOf(id)}/${token}/rotate`, { json: { grace_seconds: 3600 } })
    const next = madeToken.parse(await (await rotate(tokenId)).json())
    const again = async () => {
      const response = await rotate(tokenId)
      const { detail, successor_id: successor } = rotatedBefore.parse(await response.json())
      expect([response.status, successor]).toEqual([409, next.id])
      expect(detail).toContain(next.id)
    }
    await again()
    await ask(`${tokensOf(id)}/${tokenId}`, withId, { method: "PATCH", json: { name: "renamed" } })
    await again()
    await ask(`${tokensOf(id)}/${next.id}`, z.null(), { method: "DELETE" }, 204)
    await again()
    expect((await ask(tokensOf(id), page)).meta.page.total).toBe(1)
  })

  it("from successor to successor keeps the name, of whatever length, and the length of life", async () => {
    const id = await create("/v3/system-accounts", { name: "long names" })
    const name = "n".repeat(256)
    let token = await ask(tokensOf(id), madeToken, { json: { name, ttl_seconds: 7200 } }, 201)
    for (let turn = 0; turn < 3; turn++) {
      token = await ask(`${tokensOf(id)}/${token.id}/rotate`, madeToken, { json: { grace_seconds: 60 } }, 201)
      const { createdAt, expiresAt } = await findTokenRow(token.token)
      expect([token.name, expiresAt - createdAt]).toEqual([name, 7200_000])
    }
    const { data } = await ask(`${tokensOf(id)}?filter[name][eq]=${name}`, page)
    expect(data.map((one) => one["successor_id"] === null)).toEqual([false, false, false, true])
    expect((await refused(tokensOf(id), { json: { name, ttl_seconds: 3600 } }))[0]).toBe(409)
  })

  it("is answered as before when it is sent again with its key", async () => {
    const { id, tokenId } = await newAccount("rotated with a key")
    const rotate = () =>
      send("global", `${tokensOf(id)}/${tokenId}/rotate`, {
        json: { grace_seconds: 60 },
        headers: { "idempotency-key": "rotate-once" },
      })
    const [first, second] = [await rotate(), await rotate()]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(await second.json()).toEqual(await first.json())
  })

  it("without grace ends the old one at once", async () => {
    const { id, token, tokenId } = await newAccount("rotated at once")
    const next = await ask(`${tokensOf(id)}/${tokenId}/rotate`, madeToken, { json: { grace_seconds: 0 } }, 201)
    expect([await statusFor(token), await statusFor(next.token)]).toEqual([401, 200])
  })

  it("of one that has expired is refused: 409, and makes none", async () => {
    const id = await create("/v3/system-accounts", { name: "expired" })
    const tokenId = crypto.randomUUID()
    await issueToken(id, { id: tokenId, expiresAt: Date.now() - 1 })
    expect((await refused(`${tokensOf(id)}/${tokenId}/rotate`, { json: { grace_seconds: 0 } }))[0]).toBe(409)
    expect((await ask(tokensOf(id), page)).meta.page.total).toBe(1)
  })

  it.each([[{}], [{ grace_seconds: -1 }], [{ grace_seconds: 86_401 }], [{ grace_seconds: 1.5 }]])(
    "with %j is refused: 400",
    async (json) => {
      const { id, tokenId } = await newAccount(`grace ${crypto.randomUUID()}`)
      expect((await refused(`${tokensOf(id)}/${tokenId}/rotate`, { json }))[0]).toBe(400)
    },
  )
})

describe("importing a token", () => {
  it("lets a tool keep the one it has", async () => {
    const id = await create("/v3/system-accounts", { name: "keptn" })
    const token = `Keptn-api-token-${crypto.randomUUID()}`
    const json = { name: "imported", token, ttl_seconds: 3600 }
    const answer = await ask(`${tokensOf(id)}/import`, z.record(z.string(), z.unknown()), { json }, 201)
    expect(JSON.stringify(answer)).not.toContain(token)
    expect(await statusFor(token)).toBe(200)
    expect((await refused(`${tokensOf(id)}/import`, { json: { ...json, name: "again" } }))[0]).toBe(409)
  })

  it.each([
    "short",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "abababababababababab",
    "kpat_looks-like-one-of-ours",
    "has a blank in it 123",
  ])("refuses %j: 400", async (token) => {
    const id = await create("/v3/system-accounts", { name: `weak ${crypto.randomUUID()}` })
    expect((await refused(`${tokensOf(id)}/import`, { json: { name: "x", token, ttl_seconds: 3600 } }))[0]).toBe(400)
  })
})

describe("personal tokens", () => {
  it("are made and revoked by their user; a user has at most 10 live ones: 400", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const path = `/v3/users/${user}/access-tokens`
    const ids: string[] = []
    for (let number = 1; number < 10; number++) {
      const made = await ask(path, madeToken, { token, json: { name: `${number}`, ttl_seconds: 3600 } }, 201)
      expect(made.token).toMatch(/^kpat_/)
      ids.push(made.id)
    }
    expect((await refused(path, { token, json: { name: "11th", ttl_seconds: 3600 } }))[0]).toBe(400)
    const list = await ask(`${path}?page[size]=3`, z.looseObject({ meta: z.unknown(), data: z.array(withId) }), {
      token,
    })
    expect(list.meta).toEqual({ number: 1, size: 3, total: 10, page: { number: 1, size: 3, total: 10 } })
    expect(list.data[0]).toMatchObject({ user_id: user })
    await ask(`${path}/${ids[0]}/revoke`, withId, { token, method: "PATCH" })
    await ask(path, madeToken, { token, json: { name: "11th", ttl_seconds: 3600 } }, 201)
  })

  it("of somebody else cannot be made or seen: 403", async () => {
    const token = await issueToken(await createUser())
    const path = `/v3/users/${await createUser()}/access-tokens`
    expect((await refused(path, { token, json: { name: "x", ttl_seconds: 3600 } }))[0]).toBe(403)
    expect((await refused(path, { token }))[0]).toBe(403)
  })

  it("of another owner are not found under this one: 404", async () => {
    const { tokenId } = await newAccount("other owner")
    expect((await refused(`/v3/users/${await createUser()}/access-tokens/${tokenId}`, {}))[0]).toBe(404)
  })
})
