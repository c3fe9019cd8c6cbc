/** Who is let in: which credentials are taken, how the others are refused, and what the refusals tell apart. */
import { exports } from "cloudflare:workers"
import { afterEach, describe, expect, it, vi } from "vitest"
import { createToken } from "../../src/lib/token-format.ts"
import { clientAt } from "../support/address.ts"
import { adminToken, send, storageCounts } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { captureLog } from "../support/log.ts"
import { createSystemAccount, createUser, deleteUser, issueToken } from "../support/people.ts"
import { expectUnauthenticated } from "../support/refusal.ts"

/** One path per dialect of refusals, with the label of its host. */
const DIALECTS = [
  ["eu", "/api/v1/metadata"],
  ["eu", "/api/v1/nowhere"],
  ["eu", "/api/controlPlane/v1/project"],
  ["eu", "/api/nowhere"],
  ["eu", "/v3/users/me"],
  ["global", "/v3/users/me"],
  ["global", "/v2/nowhere"],
] as const

const opaque = "2f1c9b0e-keptn-api-token"

/** Asks with these headers and no others, from an address that nobody else uses. */
function ask(headers: Record<string, string>, path = "/api/v1/metadata", method = "GET"): Promise<Response> {
  return send("eu", path, { token: null, method, headers: { ...clientAt(), ...headers } })
}

afterEach(() => {
  vi.useRealTimers()
})

describe("a valid token", () => {
  it.each([
    ["in x-token", { "x-token": adminToken }],
    ["in x-token, with blanks around it", { "x-token": ` ${adminToken} ` }],
    ["in Authorization", { authorization: `Bearer ${adminToken}` }],
    ["in Authorization, whatever the case of the scheme", { authorization: `bEARER   ${adminToken}` }],
    ["in both", { "x-token": adminToken, authorization: `Bearer ${adminToken}` }],
    ["twice in x-token, as the platform joins two headers", { "x-token": `${adminToken}, ${adminToken}` }],
    ["three times, once empty", { "x-token": `${adminToken}, , ${adminToken}` }],
    ["twice in Authorization", { authorization: `Bearer ${adminToken}, bearer ${adminToken}` }],
    [
      "twice in both",
      { "x-token": `${adminToken}, ${adminToken}`, authorization: `Bearer ${adminToken}, Bearer ${adminToken}` },
    ],
    ["beside an empty x-token", { "x-token": "", authorization: `Bearer ${adminToken}` }],
    ["beside an Authorization of another scheme", { "x-token": adminToken, authorization: "Basic dTpw" }],
  ])("%s is accepted with 200", async (_, headers) => {
    expect((await ask(headers)).status).toBe(200)
  })

  it.each([
    ["an imported opaque one", opaque],
    ["the shortest imported one", "0123456789abcdef"],
    ["the longest imported one", "x".repeat(512)],
    ["an imported one with every kind of character", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
  ])("that is %s is accepted with 200", async (_, text) => {
    const token = await issueToken(await createUser(), { text })
    expect((await ask({ "x-token": token })).status).toBe(200)
    expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200)
  })

  it("of a system account is accepted with 200", async () => {
    const token = await issueToken(await createSystemAccount(), { text: createToken("spat") })
    expect((await ask({ "x-token": token })).status).toBe(200)
  })

  it.each(["GET", "POST", "PUT", "DELETE"])(
    "is accepted by %s /api/v1/auth with 200 and an empty body",
    async (method) => {
      const response = await ask({ "x-token": adminToken }, "/api/v1/auth", method)
      expect(response.status).toBe(200)
      expect(response.headers.get("content-type")).toBeNull()
      expect(await response.text()).toBe("")
    },
  )

  it("is accepted until the very millisecond in which it expires, then refused with 401", async () => {
    const expiresAt = Date.now() + 3_600_000
    const token = await issueToken(await createUser(), { expiresAt })
    const cold = edgeWith({ tokenCacheSeconds: 0 })
    const warm = edgeWith({ tokenCacheSeconds: 900 })
    for (const [now, status] of [
      [expiresAt - 1, 200],
      [expiresAt, 401],
    ] as const) {
      vi.useFakeTimers({ toFake: ["Date"], now })
      for (const sendTo of [cold, warm]) {
        const headers = { "x-token": token, ...clientAt() }
        expect((await sendTo("http://eu.api.localhost/api/v1/metadata", { headers })).status).toBe(status)
      }
    }
  })
})

describe.each(DIALECTS)("on %s, a request to %s", (label, path) => {
  const refused: [string, string, () => Record<string, string> | Promise<Record<string, string>>][] = [
    ["with no token", "missing", () => ({})],
    ["with an empty x-token", "missing", () => ({ "x-token": "  " })],
    [
      "with a token in a cookie and a referrer alone",
      "missing",
      () => ({ cookie: `x-token=${adminToken}`, referer: `/?token=${adminToken}` }),
    ],
    [
      "with two different tokens",
      "conflicting",
      async () => ({
        "x-token": adminToken,
        authorization: `Bearer ${await issueToken(await createUser())}`,
      }),
    ],
    ["with another scheme", "malformed", () => ({ authorization: `Basic ${btoa(`admin:${adminToken}`)}` })],
    ["with no scheme", "malformed", () => ({ authorization: adminToken })],
    ["with two texts in x-token", "conflicting", () => ({ "x-token": `${adminToken}, ${createToken("kpat")}` })],
    ["with a text and something short in x-token", "conflicting", () => ({ "x-token": `${adminToken}, x` })],
    [
      "with two texts in Authorization",
      "conflicting",
      () => ({ authorization: `Bearer ${adminToken}, Bearer ${createToken("kpat")}` }),
    ],
    [
      "with the same in x-token twice and another in Authorization",
      "conflicting",
      () => ({ "x-token": `${adminToken}, ${adminToken}`, authorization: `Bearer ${createToken("kpat")}` }),
    ],
    ["with a token twice, and no blank between", "malformed", () => ({ "x-token": `${adminToken},${adminToken}` })],
    ["with a token that is too short", "malformed", () => ({ "x-token": "0123456789abcde" })],
    ["with a token that is too long", "malformed", () => ({ "x-token": "x".repeat(513) })],
    ["with a blank in the token", "malformed", () => ({ "x-token": "01234567 89abcdef" })],
    ["with a token of our form that is too short", "malformed", () => ({ "x-token": adminToken.slice(0, -1) })],
    ["with a token whose checksum is wrong", "malformed", () => ({ "x-token": misspelt(adminToken) })],
    ["with an unknown token", "unknown", () => ({ "x-token": createToken("kpat") })],
    ["with an unknown opaque token", "unknown", () => ({ "x-token": crypto.randomUUID() })],
    [
      "with an expired token",
      "expired",
      async () => ({
        "x-token": await issueToken(await createUser(), { expiresAt: Date.now() - 1 }),
      }),
    ],
    [
      "with a revoked token",
      "revoked",
      async () => ({
        "x-token": await issueToken(await createUser(), { revokedAt: Date.now() - 1 }),
      }),
    ],
    [
      "with a token that expired and was revoked",
      "revoked",
      async () => ({
        "x-token": await issueToken(await createUser(), { revokedAt: Date.now() - 1, expiresAt: Date.now() - 1 }),
      }),
    ],
    [
      "with the token of a deleted user",
      "unknown",
      async () => {
        const user = await createUser()
        await deleteUser(user)
        return { "x-token": await issueToken(user) }
      },
    ],
    [
      "with the token of an inactive user",
      "unknown",
      async () => ({
        "x-token": await issueToken(await createUser({ active: false })),
      }),
    ],
  ]

  it.each(refused)("%s is refused with 401 and logged as %s", async (_, refusal, credential) => {
    const headers = { ...(await credential()), ...clientAt() }
    const lines = captureLog()
    const response = await send(label, path, { token: null, headers })
    await expectUnauthenticated(response, path, refusal === "missing" ? "missing" : "invalid")
    expect(lines.map(({ fields }) => fields)).toEqual([expect.objectContaining({ status: 401, refusal })])
    const lookedUp = ["unknown", "expired", "revoked"].includes(refusal)
    expect(storageCounts(response)).toEqual({
      trips: lookedUp ? 1 : 0,
      d1: lookedUp ? 1 : 0,
      r2: 0,
      kv: 0,
      rows: lookedUp ? expect.any(Number) : 0,
    })
  })
})

describe("a refusal", () => {
  it("does not tell an unknown token from an expired, a revoked or an orphaned one", async () => {
    const tokens = [
      createToken("kpat"),
      await issueToken(await createUser(), { expiresAt: Date.now() - 1 }),
      await issueToken(await createUser(), { revokedAt: Date.now() - 1 }),
      await issueToken(await createUser({ active: false })),
    ]
    const seen = new Set<string>()
    for (const token of tokens) {
      const { status, headers, body } = await ask({ "x-token": token }, "/v3/users/me").then(async (response) => ({
        status: response.status,
        headers: [...response.headers].filter(([name]) => !["server-timing", "x-request-id"].includes(name)),
        body: (await response.text()).replace(/trace:[-0-9a-f]+/, "trace"),
      }))
      seen.add(JSON.stringify({ status, headers, body }))
    }
    expect(seen.size).toBe(1)
  })

  it("does not say whether there is something at the path", async () => {
    const known = await ask({}, "/api/controlPlane/v1/project")
    const unknown = await ask({}, "/api/controlPlane/v1/nowhere")
    expect([unknown.status, await unknown.text()]).toEqual([known.status, await known.text()])
  })

  it.each(["PATCH", "OPTIONS", "DELETE"])("comes before the method %s is looked at: 401", async (method) => {
    expect((await ask({}, "/api/v1/metadata", method)).status).toBe(401)
  })

  it("comes before the body is parsed: 401", async () => {
    const response = await send("eu", "/api/v1/event", { token: null, body: "{", headers: clientAt() })
    expect(response.status).toBe(401)
  })

  it("has no body for HEAD", async () => {
    const response = await ask({}, "/api/v1/metadata", "HEAD")
    expect([response.status, await response.text()]).toEqual([401, ""])
  })

  it.each(["x-token", "token", "access_token", "api_key"])(
    "is not avoided by a token in the query as %s: 401",
    async (name) => {
      const url = `http://eu.api.localhost/api/v1/metadata?${name}=${adminToken}`
      expect((await exports.default.fetch(url, { headers: clientAt() })).status).toBe(401)
    },
  )
})

/** The token with one character of its random part exchanged. */
function misspelt(token: string): string {
  return token.slice(0, 10) + (token[10] === "A" ? "B" : "A") + token.slice(11)
}
