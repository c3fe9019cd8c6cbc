/** OWASP API6:2023. What may be done once, or so many times, is not done more often by doing it at once or in another way. */
import { describe, expect, it } from "vitest"
import { base64, send, shipyard } from "../support/client.ts"
import { ask, madeToken, newAccount, page, statusFor } from "../support/identity.ts"
import { newProject, statuses, writeFiles } from "../support/keptn.ts"
import { createUser, findTokenRow, issueToken, tokenWith } from "../support/people.ts"
import { postProject, projectsPath } from "../support/projects.ts"
import { postSecret } from "../support/secrets.ts"

/** How many tokens a user may have, and how many more may be in their grace. */
const MOST = 10

/** The statuses of five requests at once. */
function race(request: () => Promise<Response>): Promise<number[]> {
  return Promise.all(Array.from({ length: 5 }, request)).then(statuses)
}

/** The number of live tokens of a user. */
async function liveTokens(user: string): Promise<number> {
  const { data } = await ask(`/v3/users/${user}/access-tokens?page[size]=1000`, page.loose())
  return data.filter((one) => one["state"] === "ACTIVE").length
}

describe("the number of a user's tokens", () => {
  it("is not exceeded by making many at once", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const tries = Array.from({ length: 2 * MOST }, (_, n) =>
      send("global", `/v3/users/${user}/access-tokens`, { token, json: { name: `t${n}`, ttl_seconds: 3600 } }),
    )
    expect(statuses(await Promise.all(tries)).filter((status) => status === 201)).toHaveLength(MOST - 1)
    expect(await liveTokens(user)).toBe(MOST)
  })

  it("is bounded also for one who rotates a token again and again within its grace", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const rotate = (id: string) =>
      send("global", `/v3/users/${user}/access-tokens/${id}/rotate`, { token, json: { grace_seconds: 86_400 } })
    const { id: first } = await findTokenRow(token)
    let newest = first
    for (let n = 0; n < MOST; n++) {
      const response = await rotate(newest)
      expect([response.status, (await rotate(first)).status]).toEqual([201, 409])
      newest = madeToken.parse(await response.json()).id
    }
    expect((await rotate(newest)).status).toBe(400)
    expect(await liveTokens(user)).toBe(MOST + 1)
  })

  it("leaves room to rotate each of them once, with grace", async () => {
    const user = await createUser()
    const tokens = await Promise.all(Array.from({ length: MOST }, () => issueToken(user)))
    for (const token of tokens) {
      const path = `/v3/users/${user}/access-tokens/${(await findTokenRow(token)).id}/rotate`
      await ask(path, madeToken, { token, json: { grace_seconds: 60 } }, 201)
    }
    expect(await liveTokens(user)).toBe(2 * MOST)
  })
})

describe("a name that can be taken once", () => {
  it("is taken once by several at once: a secret", async () => {
    const name = `race-${crypto.randomUUID()}`
    expect(await race(() => postSecret({ name, data: { a: "b" } }))).toEqual([201, 409, 409, 409, 409])
  })

  it("is taken once by several at once: an account's token", async () => {
    const { id } = await newAccount("race")
    const json = { name: "the one", ttl_seconds: 3600 }
    const path = `/v3/system-accounts/${id}/access-tokens`
    expect(await race(() => send("global", path, { json }))).toEqual([201, 409, 409, 409, 409])
  })

  it("is taken once by several at once: the same token, imported for two accounts", async () => {
    const accounts = await Promise.all(["one", "two"].map((name) => newAccount(`import ${name}`)))
    const json = { name: "shared", token: `shared-${crypto.randomUUID()}`, ttl_seconds: 3600 }
    const answers = await Promise.all(
      accounts.map(({ id }) => send("global", `/v3/system-accounts/${id}/access-tokens/import`, { json })),
    )
    expect(statuses(answers)).toEqual([201, 409])
  })

  it("of a project is taken once, and only its creator becomes its Admin", async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => tokenWith({ roleName: "Creator" })))
    const json = { name: "contested", shipyard: base64(shipyard("dev")) }
    const answers = await Promise.all(tokens.map((token) => postProject(json, { token })))
    expect(statuses(answers)).toEqual([201, 409, 409])
    const seen = await Promise.all(
      tokens.map(async (token) => (await send("eu", `${projectsPath}/contested`, { token })).status),
    )
    expect(seen).toEqual(answers.map(({ status }) => (status === 201 ? 200 : 404)))
  })
})

describe("what is taken away is gone", () => {
  it("for all requests that begin afterwards, when many race with it", async () => {
    const project = await newProject("dev")
    const { id, token, tokenId } = await newAccount("racing")
    const role = { role_name: "Contributor", entity_id: project, entity_type_name: "Projects", entity_region: "eu" }
    await ask(`/v3/system-accounts/${id}/assigned-roles`, page.partial(), { json: role }, 201)
    expect((await writeFiles({ project }, { "a.txt": "a" }, { token })).status).toBe(201)
    const path = `/v3/system-accounts/${id}/access-tokens/${tokenId}`
    await Promise.all([
      send("global", path, { method: "DELETE" }),
      ...Array.from({ length: 10 }, () => statusFor(token)),
    ])
    expect(await statusFor(token)).toBe(401)
    expect((await writeFiles({ project }, { "a.txt": "b" }, { token })).status).toBe(401)
  })
})
