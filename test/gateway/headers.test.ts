/** Headers of every response, whatever it is a response to. */
import { exports } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { docsContentSecurityPolicy } from "../../src/docs/page.ts"
import { clientAt } from "../support/address.ts"
import { adminToken, send, type TestRequest } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"

const NOTHING = "default-src 'none'; frame-ancestors 'none'"

/** One response of every kind: its status, its host, its path, and the rest of the request. */
const kinds: [number, string, string, TestRequest][] = [
  [200, "eu", "/api/v1/metadata", {}],
  [200, "eu", "/api/v1/auth", { method: "POST" }],
  [200, "global", "/v3/users/me", {}],
  [200, "eu", "/api/v1/metadata", { method: "HEAD" }],
  [400, "eu", "/api/v1/event", { body: "{", headers: { "content-type": "application/json" } }],
  [401, "eu", "/api/v1/metadata", { token: null }],
  [401, "eu", "/api/controlPlane/v1/project", { token: "wrong" }],
  [401, "global", "/v3/users/me", { token: null }],
  [404, "eu", "/api/nowhere", {}],
  [404, "global", "/v3/nowhere", {}],
  [404, "eu", "/api/assets/nowhere.js", { token: null }],
  [405, "eu", "/api/v1/metadata", { method: "PATCH" }],
  [413, "eu", "/api/v1/event", { body: "{}", headers: { "content-length": "99999999" } }],
  [415, "eu", "/api/v1/event", { body: "{}", headers: { "content-type": "text/plain" } }],
  [421, "ap", "/api/v1/metadata", {}],
  [200, "eu", "/health", { token: null }],
  [200, "eu", "/nginx-health", { token: null }],
]

/** Responses that caches may keep. */
const cached: [number, string, string, string][] = [
  [200, "eu", "/api", "text/html; charset=UTF-8"],
  [200, "global", "/api/", "text/html; charset=UTF-8"],
  [200, "eu", "/api/openapi/api-service.json", "application/json"],
  [200, "global", "/api/openapi/identity.yaml", "application/yaml"],
  [200, "eu", "/api/assets/docs.js", "text/javascript; charset=utf-8"],
]

function ask(label: string, path: string, request: TestRequest): Promise<Response> {
  return send(label, path, { ...request, headers: { ...clientAt(), ...request.headers } })
}

describe("a response", () => {
  it.each(kinds)("%i of %s %s is for its caller alone and can do nothing in a browser", async (...kind) => {
    const [status, label, path, request] = kind
    const response = await ask(label, path, request)
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "private, no-store",
      "content-security-policy": NOTHING,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    })
  })

  it.each(cached)("%i of %s %s may be kept and must be revalidated", async (status, label, path, type) => {
    const response = await ask(label, path, { token: null })
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "public, no-cache",
      "content-security-policy": path.length <= 5 ? docsContentSecurityPolicy : NOTHING,
      "content-type": type,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    })
  })

  it.each([...kinds, ...cached])("%i of %s %s lets no other origin read it and sets no cookie", async (...kind) => {
    const [, label, path, request] = kind
    const options = typeof request === "string" ? { token: null } : request
    const headers = { ...options.headers, origin: "https://evil.test" }
    const response = await ask(label, path, { ...options, headers })
    const names = [...response.headers.keys()]
    expect(names.filter((name) => name.startsWith("access-control-"))).toEqual([])
    expect(names).not.toContain("set-cookie")
    expect(names).not.toContain("server")
    expect(names).not.toContain("x-powered-by")
  })

  it("over https insists on https", async () => {
    const response = await exports.default.fetch("https://eu.api.localhost/health")
    expect(response.headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains")
  })

  it("over http does not insist on https", async () => {
    expect((await send("eu", "/health")).headers.has("strict-transport-security")).toBe(false)
  })
})

describe("the request id", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  it.each([...kinds, ...cached])("of %i of %s %s is ours, and new with every request", async (...kind) => {
    const [, label, path, request] = kind
    const options = typeof request === "string" ? { token: null } : request
    const headers = { ...options.headers, "x-request-id": "00000000-0000-4000-8000-000000000000" }
    const ids: (string | null)[] = []
    for (let count = 0; count < 2; count++) {
      ids.push((await ask(label, path, { ...options, headers })).headers.get("x-request-id"))
    }
    for (const id of ids) expect(id).toMatch(UUID)
    expect(new Set([...ids, headers["x-request-id"]]).size).toBe(3)
  })
})

describe("Server-Timing", () => {
  const url = "http://eu.api.localhost/api/controlPlane/v1/project"
  const auth = { headers: { "x-token": adminToken } }

  it("tells the storage that was asked when it is on", async () => {
    const response = await edgeWith({ serverTiming: true, tokenCacheSeconds: 0 })(url, auth)
    expect(response.headers.get("server-timing")).toMatch(
      /^trips;desc="2", d1;desc="2", r2;desc="0", kv;desc="0", rows;desc="\d+"$/,
    )
  })

  it("is on every response when it is on", async () => {
    const sendTo = edgeWith({ serverTiming: true })
    for (const address of [
      "http://eu.api.localhost/health",
      "http://example.com/",
      "http://eu.api.localhost/nowhere",
    ]) {
      expect((await sendTo(address)).headers.get("server-timing")).toBe(
        'trips;desc="0", d1;desc="0", r2;desc="0", kv;desc="0", rows;desc="0"',
      )
    }
  })

  it("is not there when it is off", async () => {
    const sendTo = edgeWith({ serverTiming: false })
    for (const address of [url, "http://eu.api.localhost/health", "http://example.com/"]) {
      expect((await sendTo(address, auth)).headers.has("server-timing")).toBe(false)
    }
  })
})
