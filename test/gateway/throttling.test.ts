/** Failed attempts are counted per address of a client; a valid token is never locked out. */
import { describe, expect, it } from "vitest"
import { clientAddress } from "../../src/gateway/client-address.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { clientAt, freshPrefix } from "../support/address.ts"
import { adminToken, send } from "../support/client.ts"

/** Failures that an address has per period (wrangler.toml). */
const LIMIT = 20

type Attempt = (headers: Record<string, string>) => Promise<Response>

const attempt: Attempt = (headers) => send("eu", "/api/v1/metadata", { token: null, headers })

/**
 * Fails until it is throttled, and answers that refusal. Periods begin with the clock's minutes: one may begin meanwhile, two
 * cannot, so that twice the limit and one more is enough.
 */
async function exhaust(headers: Record<string, string>, fail: Attempt = attempt): Promise<Response> {
  for (let count = 0; count <= 2 * LIMIT; count++) {
    const response = await fail(headers)
    if (response.status === 429) return response
    expect(response.status).toBe(401)
  }
  throw new Error(`${2 * LIMIT + 1} failed attempts were not throttled`)
}

describe("failed attempts of one address", () => {
  it("are refused with 401 up to the limit, then with 429", async () => {
    const client = clientAt()
    for (let count = 0; count < LIMIT; count++) expect((await attempt(client)).status).toBe(401)
    expect((await exhaust(client)).status).toBe(429)
  })

  it("count whatever is wrong with the credential: 429", async () => {
    const credentials: Record<string, string>[] = [
      {},
      { "x-token": "short" },
      { "x-token": createToken("kpat") },
      { authorization: "Basic dTpw" },
      { "x-token": adminToken, authorization: `Bearer ${createToken("kpat")}` },
    ]
    let count = 0
    const response = await exhaust(clientAt(), (client) =>
      attempt({ ...client, ...credentials[count++ % credentials.length] }),
    )
    expect(response.status).toBe(429)
    expect(count).toBeGreaterThan(LIMIT)
  })

  it("do not lock out a valid token of that address: 200", async () => {
    const client = clientAt()
    await exhaust(client)
    expect((await send("eu", "/api/v1/metadata", { headers: client })).status).toBe(200)
    const authorization = `Bearer ${adminToken}`
    expect((await attempt({ ...client, authorization })).status).toBe(200)
  })

  it("do not close the open paths to that address: 200", async () => {
    const client = clientAt()
    await exhaust(client)
    for (const path of ["/api", "/health", "/nginx-health", "/api/openapi/api-service.json"]) {
      expect((await send("eu", path, { token: null, headers: client })).status).toBe(200)
    }
  })

  it("are not counted for another address: 401", async () => {
    await exhaust(clientAt("192.0.2.1"))
    expect((await attempt(clientAt("192.0.2.2"))).status).toBe(401)
  })

  it("are counted over the hosts together", async () => {
    const client = clientAt()
    let count = 0
    const response = await exhaust(client, (headers) =>
      send(["eu", "us", "global"][count++ % 3] ?? "eu", "/v3/users/me", { token: null, headers }),
    )
    expect(response.status).toBe(429)
  })

  it("are counted for the whole /64 of an IPv6 address, and for no other one", async () => {
    const [prefix, other] = [freshPrefix(), freshPrefix()]
    let count = 0
    const response = await exhaust({}, () => attempt(clientAt(`${prefix}:${(count++).toString(16)}:2:3:4`)))
    expect(response.status).toBe(429)
    expect((await attempt(clientAt(`${other}:0:2:3:4`))).status).toBe(401)
  })

  it("are all that is counted: requests with a valid token use nothing up", async () => {
    const client = clientAt()
    for (let count = 0; count < 2 * LIMIT; count++) {
      expect((await send("eu", "/api/v1/metadata", { headers: client })).status).toBe(200)
    }
    expect((await attempt(client)).status).toBe(401)
  })
})

describe("a throttled attempt is answered with 429 and Retry-After", () => {
  it.each([
    ["eu", "/api/v1/metadata", "application/json", '{"code":429,"message":"Too many requests"}'],
    ["eu", "/api/controlPlane/v1/project", "text/plain", '{"code":429, "message":"too many requests"}'],
    ["eu", "/api/mongodb-datastore/event", "text/plain", '{"code":429, "message":"too many requests"}'],
  ])("on %s %s", async (label, path, type, body) => {
    const response = await exhaust(clientAt(), (headers) => send(label, path, { token: null, headers }))
    expect(response.headers.get("retry-after")).toBe("60")
    expect(response.headers.get("content-type")).toBe(type)
    expect(await response.text()).toBe(body)
    expect(response.headers.has("www-authenticate")).toBe(false)
  })

  it("on global /v3/users/me", async () => {
    const response = await exhaust(clientAt(), (headers) => send("global", "/v3/users/me", { token: null, headers }))
    expect(response.headers.get("retry-after")).toBe("60")
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toEqual({
      status: 429,
      title: "Rate Limited",
      instance: `quarterdeck:trace:${response.headers.get("x-request-id")}`,
      detail: "Too many requests",
      message: "Too many requests",
    })
  })
})

describe("the address that attempts are counted for", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:db8::6", "2001:db8:0:0::/64"],
    ["2001:db8:1::", "2001:db8:1:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
  ])("of %s is %s", (address, expected) => {
    expect(clientAddress(new Headers({ "cf-connecting-ip": address }))).toBe(expected)
  })

  it("is that of all clients together where Cloudflare names none", () => {
    expect(clientAddress(new Headers())).toBe("local")
  })

  it.each(["x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded"])("is not taken from %s", (name) => {
    expect(clientAddress(new Headers({ [name]: "192.0.2.7" }))).toBe("local")
  })
})
