/** One structured line per request: who asked for what and how it went, and never a secret. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { sha256Hex } from "../../src/lib/digest.ts"
import { createToken } from "../../src/lib/token-format.ts"
import { clientAt } from "../support/address.ts"
import { adminToken, base64, send, shipyard, type TestRequest } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { captureLog } from "../support/log.ts"
import { createUser, findTokenRow, issueToken } from "../support/people.ts"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("the line of a request", () => {
  it("tells who asked for what, where, and how it went", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const { id: tokenId } = await findTokenRow(token)
    const lines = captureLog()
    const headers = { "cf-ray": "ray-1", "x-request-id": "theirs" }
    const response = await send("us", "/api/controlPlane/v1/project?pageSize=7", { token, headers })
    expect(lines.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
      {
        level: "log",
        event: "request",
        requestId: response.headers.get("x-request-id"),
        clientRequestId: "theirs",
        ray: "ray-1",
        plane: "regional",
        region: "us",
        method: "GET",
        route: "/api/controlPlane/v1/project",
        status: 200,
        principalId: user,
        tokenId,
        trips: 2,
        rowsRead: expect.any(Number),
        ms: expect.any(Number),
        version: expect.stringMatching(UUID),
      },
    ])
  })

  it("has the request id of the response, and the client's own beside it, cut to 128 characters", async () => {
    const lines = captureLog()
    const response = await send("eu", "/health", { headers: { "x-request-id": "x".repeat(1000) } })
    expect(lines[0]?.fields).toMatchObject({
      requestId: response.headers.get("x-request-id"),
      clientRequestId: "x".repeat(128),
    })
  })

  it("cannot be forged with a client's request id", async () => {
    const lines = captureLog()
    const forged = '","status":500,"x":"'
    await send("eu", "/health", { headers: { "x-request-id": forged } })
    expect(lines.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ status: 200, clientRequestId: forged }),
    ])
  })

  it.each([
    ["GET", "eu", "/health", "/health"],
    ["GET", "eu", "/api", "/api"],
    ["GET", "eu", "/api/openapi/api-service.json", "/api/openapi/:file{[^/]+\\.(json|yaml)}"],
    ["HEAD", "eu", "/api/openapi/control-plane.yaml", "/api/openapi/:file{[^/]+\\.(json|yaml)}"],
    ["GET", "eu", "/api/assets/docs.js", "/api/assets/*"],
    ["GET", "eu", "/api/controlPlane/v1/project/my-name", "/api/controlPlane/v1/project/:projectName"],
    ["PATCH", "eu", "/api/v1/auth", "/api/v1/auth"],
    [
      "GET",
      "eu",
      "/api/resource-service/v1/project/my-name/resource/my/file.yaml",
      "/api/resource-service/v1/project/:projectName/resource/:resourceURI{[^]+}",
    ],
    ["GET", "global", "/v3/users/me", "/v3/users/me"],
  ])("names the route of %s %s %s, not the path", async (method, label, path, route) => {
    const lines = captureLog()
    await send(label, path, { method })
    expect(lines.map(({ fields }) => [fields["method"], fields["route"]])).toEqual([[method, route]])
    expect(lines[0]?.text).not.toContain("my-name")
  })

  it.each(["/api/nowhere/my-name", "/my-name", "/v3/my-name"])(
    "does not repeat the path %s, which is no route",
    async (path) => {
      const lines = captureLog()
      expect((await send("eu", path)).status).toBe(404)
      expect(lines).toHaveLength(1)
      expect(lines[0]?.text).not.toContain("my-name")
    },
  )

  const others: [number, string, string, TestRequest][] = [
    [400, "eu", "/api/v1/event", { body: "{", headers: { "content-type": "application/json" } }],
    [401, "eu", "/api/v1/metadata", { token: null, headers: clientAt() }],
    [404, "eu", "/api/nowhere", {}],
    [405, "eu", "/api/v1/metadata", { method: "PATCH" }],
    [413, "eu", "/api/v1/event", { body: "{}", headers: { "content-length": "99999999" } }],
    [415, "eu", "/api/v1/event", { body: "{}", headers: { "content-type": "text/plain" } }],
    [421, "ap", "/api/v1/metadata", {}],
  ]
  it.each(others)(
    "of a request that ends with %i is one, and no error of ours",
    async (status, label, path, request) => {
      const lines = captureLog()
      const response = await send(label, path, request)
      expect(response.status).toBe(status)
      expect(lines.map(({ level, fields }) => [level, fields["event"], fields["status"]])).toEqual([
        ["log", "request", status],
      ])
      expect(lines[0]?.fields["requestId"]).toBe(response.headers.get("x-request-id"))
    },
  )
})

describe("no line holds a secret", () => {
  it("wherever a client puts its token", async () => {
    const token = await issueToken(await createUser())
    const other = createToken("kpat")
    const lines = captureLog()
    const headers = clientAt()
    const requests: [string, TestRequest][] = [
      ["/api/v1/metadata", { token }],
      ["/api/v1/metadata", { token: null, headers: { ...headers, authorization: `Bearer ${token}` } }],
      ["/api/v1/metadata", { token, headers: { ...headers, authorization: `Bearer ${other}` } }],
      ["/api/v1/metadata", { token: other, headers }],
      ["/api/v1/metadata", { token: `${token}x`, headers }],
      ["/api/v1/metadata", { token: null, headers: { ...headers, authorization: token } }],
      ["/api/v1/metadata", { token, headers: { ...headers, cookie: `token=${token}`, referer: `http://x/${token}` } }],
      [`/api/v1/metadata?token=${token}`, { token }],
      [`/api/controlPlane/v1/project/${token}`, { token }],
      [`/api/nowhere/${token}`, { token }],
      [`/v3/${token}`, { token }],
      [`/api/openapi/${token}`, { token: null }],
      ["/api/v1/event", { token, json: { data: { token }, source: token, type: "sh.keptn.event.test" } }],
      ["/api/v1/event", { token, body: token, headers: { "content-type": "application/json" } }],
    ]
    for (const [path, request] of requests) await send("eu", path, request)
    expect(lines).toHaveLength(requests.length)
    for (const secret of [token, other, await sha256Hex(token), await sha256Hex(other)]) {
      for (const { text } of lines) expect(text).not.toContain(secret)
    }
  })

  it("when the directory fails", async () => {
    const token = await issueToken(await createUser())
    const sendTo = edgeWith({ directory: env.DB_EU })
    const lines = captureLog()
    const response = await sendTo("http://eu.api.localhost/api/v1/metadata", { headers: { "x-token": token } })
    expect(response.status).toBe(500)
    expect(lines).toHaveLength(1)
    for (const secret of [token, await sha256Hex(token)]) expect(lines[0]?.text).not.toContain(secret)
  })

  it("when the partition fails on what a client wrote", async () => {
    const sendTo = edgeWith({
      regions: new Map([["eu", { database: env.DB_GLOBAL, bucket: env.BLOBS_EU, cache: null }]]),
    })
    const secret = "correct-horse-battery-staple"
    const event = { data: { password: secret }, source: secret, type: `sh.keptn.event.${secret}` }
    const project = { name: secret, shipyard: base64(shipyard("dev")) }
    for (const [path, content] of [
      ["/api/v1/event", event],
      ["/api/controlPlane/v1/project", project],
    ] as const) {
      const lines = captureLog()
      const headers = { "x-token": adminToken, "content-type": "application/json" }
      const body = JSON.stringify(content)
      const response = await sendTo(`http://eu.api.localhost${path}`, { method: "POST", headers, body })
      expect(response.status).toBe(500)
      expect(lines).toHaveLength(1)
      expect(lines[0]?.text).not.toContain(secret)
    }
  })
})
