/** Somebody can always get in: what the last way in of an administrator is, and that nothing takes it away. */
import { env } from "cloudflare:workers"
import { afterEach, beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { adminToken, send } from "../../support/client.ts"
import { ask, madeToken, newAccount, page, refused, statusFor, withId } from "../../support/identity.ts"
import { createUser, findTokenRow, issueToken, joinSystemTeam } from "../../support/people.ts"

const DAY_SECONDS = 24 * 60 * 60
const HOUR = 60 * 60 * 1000

let admin = ""
let team = ""

beforeAll(async () => {
  admin = (await ask("/v3/users/me", withId)).id
  const { data } = await ask("/v3/teams?filter[name][eq]=organization-admin", page)
  team = withId.parse(data[0]).id
})

// The administrator that all tests know is the only one again, and its token as it was.
afterEach(async () => {
  const { id } = await findTokenRow(adminToken)
  await env.DB_GLOBAL.batch([
    env.DB_GLOBAL.prepare("update tokens set successor_id = null, expires_at = ? where id = ?").bind(
      Date.now() + 300 * 24 * HOUR,
      id,
    ),
    env.DB_GLOBAL.prepare("delete from tokens where owner_id = ? and id <> ?").bind(admin, id),
    env.DB_GLOBAL.prepare("delete from team_members where team_id = ? and member_id <> ?").bind(team, admin),
    env.DB_GLOBAL.prepare("insert or ignore into team_members (team_id, member_id) values (?, ?)").bind(team, admin),
  ])
})

const tokensOf = () => `/v3/users/${admin}/access-tokens`

function deleteToken(id: string, token: string): Promise<Response> {
  return send("global", `${tokensOf()}/${id}`, { method: "DELETE", token })
}

/** Another token of the administrator. */
function makeToken(seconds: number): Promise<z.infer<typeof madeToken>> {
  const json = { name: `t ${crypto.randomUUID()}`, ttl_seconds: seconds }
  return ask(tokensOf(), madeToken, { json }, 201)
}

/** The statuses of all that would end a token, or the administrator, asked with `token`. */
async function statusesOfEnding(id: string, token = adminToken): Promise<number[]> {
  const statuses: number[] = []
  for (const [method, path] of [
    ["DELETE", `${tokensOf()}/${id}`],
    ["PATCH", `${tokensOf()}/${id}/revoke`],
    ["DELETE", `/v3/users/${admin}`],
    ["DELETE", `/v3/teams/${team}/users/${admin}`],
  ]) {
    statuses.push((await send("global", path ?? "", { method: method ?? "", token })).status)
  }
  return statuses
}

const ALL_REFUSED = [409, 409, 409, 409]

describe("the last administrator", () => {
  it("can be neither removed nor deleted, nor lose its last token: 409", async () => {
    const { id } = await findTokenRow(adminToken)
    expect(await statusesOfEnding(id)).toEqual(ALL_REFUSED)
    expect(await statusFor(adminToken)).toBe(200)
  })

  it("stays when two race to remove each other", async () => {
    const other = await createUser()
    await joinSystemTeam("organization-admin", other)
    const token = await issueToken(other, { expiresAt: Date.now() + 48 * HOUR })
    const remove = (id: string, as: string) =>
      send("global", `/v3/teams/${team}/users/${id}`, { method: "DELETE", token: as })
    const responses = await Promise.all([remove(other, adminToken), remove(admin, token)])
    const left = await env.DB_GLOBAL.prepare("select member_id from team_members where team_id = ?").bind(team).all()
    expect(left.results).toHaveLength(1)
    expect(responses.filter(({ status }) => status === 204)).toHaveLength(1)
  })

  it("can end other tokens, of its own and of others", async () => {
    const [other, account] = [await makeToken(3600), await newAccount("ended")]
    await ask(`${tokensOf()}/${other.id}`, z.null(), { method: "DELETE" }, 204)
    await ask(`/v3/system-accounts/${account.id}`, z.null(), { method: "DELETE" }, 204)
  })
})

describe("no way in", () => {
  it("is a token in the grace of its rotation: its successor stays until there is another", async () => {
    const { id } = await findTokenRow(adminToken)
    const rotated = { json: { grace_seconds: DAY_SECONDS } }
    const next = await ask(`${tokensOf()}/${id}/rotate`, madeToken, rotated, 201)
    expect(await statusesOfEnding(next.id)).toEqual(ALL_REFUSED)
    expect(await statusesOfEnding(next.id, next.token)).toEqual(ALL_REFUSED)
    // The token in its grace itself can go.
    await ask(`${tokensOf()}/${id}/revoke`, withId, { method: "PATCH", token: next.token })
    await env.DB_GLOBAL.prepare("update tokens set revoked_at = null where id = ?").bind(id).run()
    await makeToken(2 * DAY_SECONDS)
    await ask(`${tokensOf()}/${next.id}`, z.null(), { method: "DELETE" }, 204)
  })

  it.each([60, 3600, DAY_SECONDS - 60])(
    "is a token that lasts for %i seconds, beside one that lasts longer",
    async (seconds) => {
      const { id } = await findTokenRow(adminToken)
      await makeToken(seconds)
      expect(await statusesOfEnding(id)).toEqual(ALL_REFUSED)
      const { token } = await makeToken(DAY_SECONDS + 60)
      await ask(`${tokensOf()}/${id}/revoke`, withId, { method: "PATCH", token })
      await env.DB_GLOBAL.prepare("update tokens set revoked_at = null, revoked_by = null where id = ?").bind(id).run()
    },
  )

  it.each([
    ["has ended", async () => void (await issueToken(await otherAdmin(), { expiresAt: Date.now() - 1 }))],
    ["was revoked", async () => void (await issueToken(await otherAdmin(), { ...lasting(), revokedAt: Date.now() }))],
    ["is that of a user who is not active", async () => void (await issueToken(await otherAdmin(false), lasting()))],
    ["is that of nobody in the team", async () => void (await issueToken(await createUser(), lasting()))],
  ])("is a token that %s", async (_, make) => {
    await make()
    expect(await statusesOfEnding((await findTokenRow(adminToken)).id)).toEqual(ALL_REFUSED)
  })

  it("is left by two who end each other's tokens at once", async () => {
    const other = await makeToken(2 * DAY_SECONDS)
    const { id } = await findTokenRow(adminToken)
    const responses = await Promise.all([deleteToken(other.id, adminToken), deleteToken(id, other.token)])
    expect(responses.filter(({ status }) => status === 204)).toHaveLength(1)
    const { results } = await env.DB_GLOBAL.prepare("select id from tokens where owner_id = ?").bind(admin).all()
    expect(results).toHaveLength(1)
    if (results[0]?.["id"] !== id) await issueToken(admin, { text: adminToken, ...lasting() })
  })

  it("does not keep anybody from ending what is none", async () => {
    const [weak, strong] = [await makeToken(60), await makeToken(3600)]
    for (const { id } of [weak, strong]) await ask(`${tokensOf()}/${id}`, z.null(), { method: "DELETE" }, 204)
    // All that is left is short: the one that lasts longest stays.
    const { id } = await findTokenRow(adminToken)
    await env.DB_GLOBAL.prepare("update tokens set expires_at = ? where id = ?")
      .bind(Date.now() + HOUR, id)
      .run()
    const shorter = await makeToken(60)
    expect((await refused(`${tokensOf()}/${id}`, { method: "DELETE" }))[0]).toBe(409)
    await ask(`${tokensOf()}/${shorter.id}`, z.null(), { method: "DELETE" }, 204)
  })
})

const lasting = () => ({ expiresAt: Date.now() + 48 * HOUR })

async function otherAdmin(active = true): Promise<string> {
  const user = await createUser({ active })
  await joinSystemTeam("organization-admin", user)
  return user
}
