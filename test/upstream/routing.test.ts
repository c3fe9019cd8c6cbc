/** Which requests go to an origin and which this edge serves itself, and what an origin's answer cannot change. */
import { describe, expect, it } from "vitest"
import { OPEN_PATHS } from "../../src/gateway/open-paths.ts"
import { adminToken } from "../support/client.ts"
import { captureLog } from "../support/log.ts"
import { edgeWith } from "../support/edge.ts"
import { edgeBefore, ORIGIN_SECRET, originThat, upstreams } from "../support/origin.ts"

const STATISTICS = "/api/statistics/v1/statistics?from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z"

describe("an upstream of one region", () => {
  const edge = edgeBefore({ collection: "statistics-service" }, { prefix: "/bridge", role: "none" })

  it("serves its collection there, and this edge serves it in the others", async () => {
    const requests = originThat(() => Response.json({ from: "the origin" }))
    expect(await (await edge(STATISTICS)).json()).toEqual({ from: "the origin" })
    expect(await (await edge(STATISTICS, { label: "us" })).text()).not.toContain("origin")
    expect(requests.map(({ url }) => url)).toEqual([`https://origin.example${STATISTICS}`])
  })

  it("is not there on other hosts", async () => {
    const requests = originThat(() => new Response())
    expect((await edge("/bridge/x")).status).toBe(200)
    for (const label of ["us", "global", "asia"]) expect((await edge("/bridge/x", { label })).ok).toBe(false)
    expect(requests).toHaveLength(1)
  })

  it("never serves what is open without a token", async () => {
    const all = edgeBefore(
      ...["api-service", "control-plane", "statistics-service", "secret-service"].map((collection) => ({ collection })),
    )
    const requests = originThat(() => new Response("from the origin"))
    for (const path of OPEN_PATHS) await (await all(path.replace("*", "x"), { token: null })).text()
    expect(requests).toEqual([])
  })

  it("does not serve what Keptn's gateway keeps from the public", async () => {
    const all = edgeBefore({ collection: "statistics-service" }, { collection: "mongodb-datastore" })
    const requests = originThat(() => new Response())
    expect((await all("/api/statistics/v1/event", { method: "POST", body: "{}" })).status).toBe(403)
    expect((await all("/api/mongodb-datastore/event", { method: "POST", body: "{}" })).status).toBe(403)
    expect(requests).toEqual([])
  })
})

describe("a method", () => {
  const edge = edgeBefore({ prefix: "/read", role: "none", methods: ["GET"] }, { prefix: "/all", role: "none" })

  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s passes unless methods are named",
    async (method) => {
      const requests = originThat(() => new Response())
      expect((await edge("/all/x", { method })).status).toBe(200)
      expect(requests.map((request) => request.method)).toEqual([method])
    },
  )

  it.each(["POST", "DELETE", "OPTIONS"])(
    "%s that is not among those named is 405, with those that are",
    async (method) => {
      const requests = originThat(() => new Response())
      const response = await edge("/read/x", { method })
      expect([response.status, response.headers.get("allow"), requests]).toEqual([405, "GET, HEAD", []])
      expect(await response.json()).toEqual({
        code: 405,
        message: `method ${method} is not passed on to the origin of /read, but [GET,HEAD] are`,
      })
    },
  )
})

describe("an origin's answer", () => {
  const edge = edgeBefore(
    { collection: "control-plane" },
    { prefix: "/up", role: "none" },
    { prefix: "/public", role: "none", public: true },
  )

  it.each([400, 401, 404, 405, 500, 502, 503])("%s is passed on as it is", async (status) => {
    originThat(() => new Response("in its own words", { status, headers: { "x-own": "1" } }))
    for (const path of ["/api/controlPlane/v1/project/mine", "/up/x"]) {
      const response = await edge(path, { method: "DELETE" })
      expect([response.status, response.headers.get("x-own"), await response.text()]).toEqual([
        status,
        "1",
        "in its own words",
      ])
    }
  })

  it("gets the headers of this edge where it has none of its own", async () => {
    originThat(() => new Response("", { headers: { "cache-control": "public", "x-frame-options": "SAMEORIGIN" } }))
    const { headers } = await edge("/up/x")
    expect(headers.get("cache-control")).toBe("private")
    expect(headers.get("x-frame-options")).toBe("SAMEORIGIN")
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers.get("x-content-type-options")).toBe("nosniff")
  })

  it("cannot set the id of the request, cookies, or what browsers shall believe of this host", async () => {
    const own = {
      "x-request-id": "forged",
      "token-expires-at": "2000-01-01T00:00:00.000Z",
      "set-cookie": "a=b",
      "set-cookie2": "a=b",
      "clear-site-data": '"*"',
      "alt-svc": 'h3=":1"',
      "strict-transport-security": "max-age=0",
      "public-key-pins": "max-age=1",
      "public-key-pins-report-only": "max-age=1",
      "expect-ct": "max-age=1",
      "report-to": "{}",
      "reporting-endpoints": 'a="/a"',
      nel: "{}",
      "service-worker-allowed": "/",
      "accept-ch": "Sec-CH-UA-Model",
      "critical-ch": "Sec-CH-UA-Model",
      "origin-agent-cluster": "?1",
      "set-login": "logged-in",
      "use-as-dictionary": 'match="/*"',
      "shared-storage-write": "clear",
      "attribution-reporting-register-source": "{}",
      "sec-session-registration": '(ES256);path="/x"',
      "x-permitted-cross-domain-policies": "all",
      "onion-location": "http://x.onion/",
      "x-accel-redirect": "/x",
      "x-sendfile": "/x",
    }
    originThat(() => new Response("", { headers: own }))
    for (const path of ["/up/x", "/public/x"]) {
      const { headers } = await edge(path)
      expect(headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/)
      const passed = Object.keys(own).filter((name) => name !== "x-request-id" && headers.has(name))
      expect(passed).toEqual([])
    }
  })

  it.each([
    ["public, max-age=60", "private, max-age=60"],
    ["max-age=60", "private, max-age=60"],
    ["Public,S-MaxAge=5 , must-revalidate", "private, must-revalidate"],
    ["s-maxage=5", "private"],
    ["private", "private"],
    ['private="set-cookie, x-a", max-age=1', "private, max-age=1"],
    ['no-cache="a, public", max-age=1', 'private, no-cache="a, public", max-age=1'],
    ["no-store", "private, no-store"],
    ["", "private"],
  ])("that says %j to caches says %j, unless the upstream is public", async (sent, expected) => {
    const shared = {
      "cdn-cache-control": "max-age=9",
      "cloudflare-cdn-cache-control": "max-age=9",
      "surrogate-control": "max-age=9",
    }
    originThat(() => new Response("", { headers: { "cache-control": sent, ...shared } }))
    const answers = [await edge("/up/x"), await edge("/public/x")]
    expect(answers.map(({ headers }) => headers.get("cache-control"))).toEqual([expected, sent])
    for (const name of Object.keys(shared)) {
      expect(answers.map(({ headers }) => headers.get(name))).toEqual([null, "max-age=9"])
    }
  })

  it("that says nothing to caches is for none", async () => {
    originThat(() => new Response(""))
    for (const path of ["/up/x", "/public/x"]) {
      expect((await edge(path)).headers.get("cache-control")).toBe("private, no-store")
    }
  })

  it.each([
    ["5; url=/up/next", "5; url=http://eu.api.localhost/up/next"],
    ["0;URL='https://origin.example/up/next?a'", "0;URL='http://eu.api.localhost/up/next?a'"],
    ["0, next", "0, http://eu.api.localhost/up/next"],
    ["5", "5"],
    ["5; url=https://elsewhere.example/x", "5; url=https://elsewhere.example/x"],
  ])("with the Refresh %s has %s", async (sent, expected) => {
    originThat(() => new Response("", { headers: { refresh: sent } }))
    expect((await edge("/up/x")).headers.get("refresh")).toBe(expected)
  })
})

describe("an origin that answers what cannot be passed on", () => {
  it.each([
    ["too large", () => new Response("", { headers: { "content-length": "11" } })],
    ["with too many headers", () => new Response("", { headers: { "x-long": "x".repeat(300) } })],
  ])("%s is not taken for one that is down", async (_, answer) => {
    const edge = edgeBefore({
      prefix: "/up",
      role: "none",
      max_response_bytes: 10,
      max_header_bytes: 256,
      circuit: { failures: 1 },
    })
    const requests = originThat(answer)
    for (let round = 0; round < 3; round++) expect((await edge("/up/x")).status).toBe(502)
    expect(requests).toHaveLength(3)
  })
})

describe("the log line of a request that went to an origin", () => {
  it("names the upstream, and neither the token nor the credential nor the origin", async () => {
    const edge = edgeBefore({
      prefix: "/up",
      role: "none",
      credential: { header: "authorization", secret: "ORIGIN_SECRET" },
    })
    const requests = originThat(() => new Response())
    const log = captureLog()
    await edge("/up/x?y=z")
    expect(requests[0]?.headers.get("authorization")).toBe(ORIGIN_SECRET)
    const lines = log.map(({ fields }) => fields)
    expect(lines).toEqual([
      expect.objectContaining({ event: "request", upstream: "/up", upstreamMs: expect.any(Number) }),
    ])
    for (const hidden of [adminToken, ORIGIN_SECRET, "origin.example", "y=z"]) {
      expect(JSON.stringify(lines)).not.toContain(hidden)
    }
  })

  it("says what went wrong, which the answer does not", async () => {
    const edge = edgeBefore({ prefix: "/up", role: "none" })
    originThat(() => {
      throw new Error("connect ECONNREFUSED 10.1.2.3:443")
    })
    const log = captureLog()
    const response = await edge("/up/x", { method: "POST" })
    expect(response.status).toBe(502)
    expect(await response.text()).toBe(
      '{"code":502,"message":"the origin of /up cannot be reached, or does not answer HTTP"}',
    )
    expect(log.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ status: 502, upstreamFailure: "connect ECONNREFUSED 10.1.2.3:443" }),
    ])
  })
})

describe("an upstream that is this edge again", () => {
  it("is found out when the request comes back: 508", async () => {
    const edge = edgeBefore({ prefix: "/up", role: "none" })
    originThat(async (request) => edge(new URL(request.url).pathname, { headers: request.headers }))
    const response = await edge("/up/x")
    expect(response.status).toBe(508)
    expect(await response.json()).toEqual({
      code: 508,
      message: "this request came through eu.api.localhost before: an origin leads back to this edge",
    })
  })

  it("is found out under its name with a final dot, too", async () => {
    const edge = edgeBefore({ prefix: "/up", role: "none" })
    const requests = originThat(() => new Response())
    const headers = { via: "1.1 eu.api.localhost" }
    expect((await edge("/up/x", { headers, label: "eu" })).status).toBe(508)
    const dotted = edgeWith({ upstreams: new Map([["eu", upstreams({ prefix: "/up", role: "none" })]]) })
    const response = await dotted("http://eu.api.localhost./up/x", { headers: { "x-token": adminToken } })
    expect(response.status).toBe(200)
    expect(requests.map((request) => [request.headers.get("via"), request.headers.get("x-forwarded-host")])).toEqual([
      ["1.1 eu.api.localhost", "eu.api.localhost"],
    ])
  })

  it("is not suspected of other proxies that have passed the request on", async () => {
    const edge = edgeBefore({ prefix: "/up", role: "none" })
    const requests = originThat(() => new Response())
    await edge("/up/x", { headers: { via: "1.0 fred, 1.1 us.api.localhost" } })
    expect(requests[0]?.headers.get("via")).toBe("1.0 fred, 1.1 us.api.localhost, 1.1 eu.api.localhost")
  })
})
