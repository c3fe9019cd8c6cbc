/** OWASP API2:2023. Tokens that are guessed, bent, stolen in parts, or used for what they are not. */
import { exports } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { sha256Hex } from "../../src/lib/digest.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { clientAt } from "../support/address.ts"
import { adminToken, createProject, send, storageCounts } from "../support/client.ts"
import { ask, madeToken, newAccount, statusFor } from "../support/identity.ts"
import { createUser, findTokenRow, issueToken } from "../support/people.ts"

const PATH = "/api/v1/metadata"

function tryHeaders(headers: HeadersInit, path = PATH, label = "eu"): Promise<Response> {
  const sent = new Headers(headers)
  for (const [name, value] of Object.entries(clientAt())) sent.set(name, value)
  return exports.default.fetch(`http://${label}.api.localhost${path}`, { headers: sent })
}

function bearer(text: string): [string, string][] {
  return [["authorization", text]]
}

function ownHeader(text: string): [string, string][] {
  return [["x-token", text]]
}

function basic(text: string): { authorization: string } {
  return { authorization: `Basic ${btoa(text)}` }
}

describe("a request with a valid token in the wrong form is refused with 401", () => {
  const cases: [string, [string, string][]][] = [
    ["two x-token headers, the first one valid", [...ownHeader(adminToken), ...ownHeader("x".repeat(20))]],
    ["two x-token headers, the last one valid", [...ownHeader("x".repeat(20)), ...ownHeader(adminToken)]],
    [
      "two Authorization headers, one wrong",
      [...bearer(`Bearer ${adminToken}`), ...bearer(`Bearer ${createToken("kpat")}`)],
    ],
    ["Basic and Bearer in two headers", [...bearer("Basic dTpw"), ...bearer(`Bearer ${adminToken}`)]],
    ["a wrong x-token beside a valid Bearer", [...ownHeader(createToken("kpat")), ...bearer(`Bearer ${adminToken}`)]],
    ["a valid x-token beside a wrong Bearer", [...ownHeader(adminToken), ...bearer(`Bearer ${createToken("kpat")}`)]],
    ["capital letters", ownHeader(adminToken.toUpperCase())],
    ["small letters", ownHeader(adminToken.toLowerCase())],
    ["quotes around it", ownHeader(`"${adminToken}"`)],
    ["an escaped underscore", ownHeader(adminToken.replace("_", "%5F"))],
    ["a blank within", ownHeader(`${adminToken.slice(0, 9)} ${adminToken.slice(9)}`)],
    ["a tab within", ownHeader(`${adminToken.slice(0, 9)}\t${adminToken.slice(9)}`)],
    ["something behind it", ownHeader(`${adminToken}=`)],
    ["a comma behind it", ownHeader(`${adminToken},`)],
    ["a letter of another alphabet behind it", ownHeader(`${adminToken}\u00a0x`)],
    ["the prefix of a system account", ownHeader(adminToken.replace("kpat_", "spat_"))],
    ["no prefix", ownHeader(adminToken.slice(5))],
    ["the scheme in x-token", ownHeader(`Bearer ${adminToken}`)],
    ["a scheme twice", bearer(`Bearer Bearer ${adminToken}`)],
    ["a colon behind the scheme", bearer(`Bearer: ${adminToken}`)],
    ["no blank behind the scheme", bearer(`Bearer${adminToken}`)],
    ["the scheme Token", bearer(`Token ${adminToken}`)],
    ["the scheme Digest", bearer(`Digest ${adminToken}`)],
    ["two tokens behind the scheme", bearer(`Bearer ${adminToken} ${adminToken}`)],
    ["Basic with the token as it is", bearer(`Basic ${adminToken}`)],
    ["Basic with the token as the password", bearer(`Basic ${btoa(`x:${adminToken}`)}`)],
    ["Basic with the token as the user", bearer(`Basic ${btoa(`${adminToken}:`)}`)],
    ...["x-api-key", "x-auth-token", "x-access-token", "kong-admin-token", "api-key", "token", "x_token"].map(
      (name): [string, [string, string][]] => [`the header ${name}`, [[name, adminToken]]],
    ),
    ["the header proxy-authorization", [["proxy-authorization", `Bearer ${adminToken}`]]],
    ["a cookie of every name", [["cookie", `x-token=${adminToken}; token=${adminToken}; Authorization=${adminToken}`]]],
  ]
  it.each(cases)("%s", async (_, headers) => {
    const sent = new Headers()
    for (const [name, value] of headers) sent.append(name, value)
    for (const [label, path] of [
      ["eu", PATH],
      ["global", "/v3/users/me"],
    ] as const) {
      expect((await tryHeaders(sent, path, label)).status).toBe(401)
    }
  })

  it("to git: the token as the user, an empty password, no colon, and a Basic that is no base64", async () => {
    await createProject("eu", "repository", "dev")
    const path = "/git/repository.git/info/refs?service=git-upload-pack"
    expect((await tryHeaders(basic(`anybody:${adminToken}`), path)).status).toBe(200)
    const wrong = [
      basic(`${adminToken}:`),
      basic(`${adminToken}:x`),
      basic(adminToken),
      basic(`u:${adminToken}\n`),
      basic(`u: ${adminToken}`),
      basic(`u:x:${adminToken}`),
      { authorization: `Basic ${adminToken}` },
      { authorization: "Basic ====" },
      { ...basic(`u:${adminToken}`), "x-token": createToken("kpat") },
    ]
    for (const headers of wrong) expect((await tryHeaders(headers, path)).status).toBe(401)
  })
})

describe("what is known of a token is no token", () => {
  it("its hash, its id, its hint, its owner: 401", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const { id, hash, hint } = await findTokenRow(token)
    expect(hash).toBe(await sha256Hex(token))
    for (const text of [hash, hash.toUpperCase(), id, hint, user, `${user}@example.com`, `kpat_${hash.slice(0, 36)}`]) {
      const sent = new TextEncoder().encode(text).reduce((all, byte) => all + String.fromCharCode(byte), "")
      expect((await tryHeaders({ "x-token": sent })).status).toBe(401)
    }
  })

  it.each([
    "'or/**/1=1--aaaaaa",
    "%27%20OR%201=1--aaaa",
    "*****************",
    "_________________",
    "${jndi:ldap://x/a}",
  ])("%s is looked up as it is, and is unknown: 401", async (text) => {
    const response = await tryHeaders({ "x-token": text })
    expect([response.status, storageCounts(response).trips]).toEqual([401, 1])
  })

  it("one letter of a token changed, wherever, is found out without asking storage", async () => {
    const token = await issueToken(await createUser())
    for (let at = 5; at < token.length; at++) {
      const other = token[at] === "x" ? "y" : "x"
      const response = await tryHeaders({ "x-token": token.slice(0, at) + other + token.slice(at + 1) })
      expect([response.status, storageCounts(response).trips]).toEqual([401, 0])
    }
  })
})

describe("what a refusal costs tells nothing of the token", () => {
  it("unknown, expired, revoked, orphaned and not yet active ones ask storage alike", async () => {
    const invitation = z.object({ activation_token: z.string() })
    const invited = await ask("/v3/invites", invitation, { json: { email: "cost@example.com" } }, 201)
    const tokens = [
      createToken("kpat"),
      createToken("spat"),
      crypto.randomUUID(),
      await issueToken(await createUser(), { expiresAt: Date.now() - 1 }),
      await issueToken(await createUser(), { revokedAt: Date.now() - 1 }),
      await issueToken(crypto.randomUUID()),
      await issueToken(await createUser({ active: false })),
      invited.activation_token,
    ]
    const costs = await Promise.all(
      tokens.map(async (token) => {
        const { trips, d1, r2, kv } = storageCounts(await tryHeaders({ "x-token": token }))
        return { trips, d1, r2, kv }
      }),
    )
    expect(costs).toEqual(tokens.map(() => ({ trips: 1, d1: 1, r2: 0, kv: 0 })))
  })

  it.each([
    ["too short", "x".repeat(15)],
    ["too long", "x".repeat(513)],
    ["of our form with a wrong checksum", `kpat_${"A".repeat(36)}`],
    ["a megabyte of blanks", " ".repeat(100)],
    ["not ASCII", "\u00e9".repeat(20)],
  ])("malformed ones ask nothing: %s", async (_, token) => {
    const response = await tryHeaders({ "x-token": token })
    expect([response.status, storageCounts(response).trips]).toEqual([401, 0])
  })
})

describe("the token of an invitation", () => {
  const invitation = z.object({ activation_token: z.string(), user_id: z.string() })
  let guests = 0
  const invite = () => ask("/v3/invites", invitation, { json: { email: `guest-${++guests}@example.com` } }, 201)

  it.each([
    ["global", "/v3/users/me"],
    ["global", "/v3/organizations/me"],
    ["global", "/v3/users/me/activate/"],
    ["global", "/v3/users/me/activatex"],
    ["global", "/v3/users/me/activate/../../me"],
    ["global", "/v3/users/me/activate%2F..%2F..%2Fme"],
    ["global", "/v3/users/me/activate;/.."],
    ["global", "/V3/users/me/activate"],
    ["eu", "/v3/users/me"],
    ["eu", PATH],
    ["eu", "/api/v1/auth"],
    ["eu", "/git/repository.git/info/refs?service=git-upload-pack"],
  ])("opens nothing else on %s: 401 for %s", async (label, path) => {
    const { activation_token: token } = await invite()
    expect((await tryHeaders({ "x-token": token }, path, label)).status).toBe(401)
  })

  it("tells nothing where it is taken, but by another method or on another host: 404 or 405", async () => {
    const { activation_token: token, user_id: id } = await invite()
    for (const [label, method] of [
      ["global", "GET"],
      ["global", "PUT"],
      ["global", "DELETE"],
      ["eu", "GET"],
      ["eu", "POST"],
    ] as const) {
      const response = await send(label, "/v3/users/me/activate", { token, method, headers: clientAt() })
      expect([404, 405]).toContain(response.status)
      expect(await response.text()).not.toContain(id)
    }
  })

  it("is good for one of several who use it at once", async () => {
    const { activation_token: token } = await invite()
    const tries = Array.from({ length: 5 }, () =>
      send("global", "/v3/users/me/activate", { token, json: {}, headers: clientAt() }),
    )
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status !== 200 && status !== 401 && status !== 409)).toEqual([])
    expect((await tryHeaders({ "x-token": token }, "/v3/users/me", "global")).status).toBe(401)
  })
})

describe("a token that was rotated", () => {
  it("within its grace cannot be given a longer life, and ends with its account", async () => {
    const { id, token, tokenId } = await newAccount("graceful")
    const path = `/v3/system-accounts/${id}/access-tokens/${tokenId}`
    const next = await ask(`${path}/rotate`, madeToken, { json: { grace_seconds: 60 } }, 201)
    const { expiresAt } = await findTokenRow(token)
    for (const json of [
      { name: "n", ttl_seconds: 3600 },
      { name: "n", expires_at: next.expires_at },
    ]) {
      expect((await send("global", path, { method: "PATCH", json })).status).toBe(400)
    }
    expect((await send("global", path, { method: "PATCH", json: { name: "n" } })).status).toBe(200)
    expect((await findTokenRow(token)).expiresAt).toBe(expiresAt)
    expect([await statusFor(token), await statusFor(next.token)]).toEqual([200, 200])
    expect((await send("global", `/v3/system-accounts/${id}`, { method: "DELETE" })).status).toBe(204)
    for (const one of [token, next.token]) expect((await tryHeaders({ "x-token": one })).status).toBe(401)
  })

  it("without grace has one successor, however many ask for it at once", async () => {
    const { id, tokenId } = await newAccount("hasty")
    const path = `/v3/system-accounts/${id}/access-tokens/${tokenId}/rotate`
    const tries = Array.from({ length: 5 }, () => send("global", path, { json: { grace_seconds: 0 } }))
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
  })
})
