/** Every error leaves in the dialect of its path, with the request id, and says no more than it should. */
import { env } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { docsContentSecurityPolicy } from "../../src/docs/page.ts"
import { ERRORS } from "../../src/gateway/errors.ts"
import { adminToken, send } from "../support/client.ts"
import { edgeWith, type SendToEdge } from "../support/edge.ts"
import { captureLog } from "../support/log.ts"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

async function keptnError(response: Response): Promise<unknown> {
  expect(response.headers.get("content-type")).toBe("application/json")
  expect(response.headers.get("x-request-id")).toMatch(UUID)
  const body = z.strictObject({ code: z.number(), message: z.string() }).parse(await response.json())
  return [response.status, body.code, body.message]
}

async function problem(response: Response): Promise<unknown> {
  expect(response.headers.get("content-type")).toBe("application/problem+json")
  const members = { title: z.string(), instance: z.string(), detail: z.string(), message: z.string() }
  const body = z.strictObject({ status: z.number(), ...members }).parse(await response.json())
  expect(body.status).toBe(response.status)
  expect(body.instance).toBe(`quarterdeck:trace:${response.headers.get("x-request-id")}`)
  expect(body.message).toBe(body.detail)
  return [body.status, body.title, body.detail]
}

describe("a body that is no JSON", () => {
  const text = "Invalid request format: the body is not valid JSON"

  it.each([
    ["/api/v1/event", "{"],
    ["/api/controlPlane/v1/project", "{'name': 'x'}"],
    ["/api/controlPlane/v1/project/p/service", "serviceName=carts"],
    ["/api/resource-service/v1/project/p/resource", "\u0000"],
  ])("is refused by %s with 400: %j", async (path, body) => {
    const response = await send("eu", path, { method: "POST", body, headers: { "content-type": "application/json" } })
    expect(await keptnError(response)).toEqual([400, 400, text])
  })
})

describe("a body that is not there", () => {
  it("is missed by /api/v1/event with 400", async () => {
    const headers = { "content-type": "application/json" }
    const response = await send("eu", "/api/v1/event", { method: "POST", body: "", headers })
    expect(await keptnError(response)).toEqual([400, 400, "Invalid request format: there is no body"])
  })
})

describe("a body of another media type", () => {
  it.each(["text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonp"])(
    "is refused by /api/v1/event with 415: %s",
    async (type) => {
      const body = JSON.stringify({ data: {}, source: "test", type: "sh.keptn.event.test" })
      const response = await send("eu", "/api/v1/event", { body, headers: { "content-type": type } })
      const allowed = "[application/json application/cloudevents+json application/cloudevents-batch+json]"
      const text = `unsupported media type "${type}", only ${allowed} are allowed`
      expect(await keptnError(response)).toEqual([415, 415, text])
    },
  )

  it.each(["application/json", "application/json; charset=utf-8", "application/cloudevents+json"])(
    "is accepted by /api/v1/event with 200 when it is JSON: %s",
    async (type) => {
      const body = JSON.stringify({ data: {}, source: "test", type: "sh.keptn.event.test" })
      const response = await send("eu", "/api/v1/event", { body, headers: { "content-type": type } })
      expect(response.status).toBe(200)
    },
  )

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])(
    "is read as JSON by the control plane, as Keptn does it: %s",
    async (type) => {
      const headers = { "content-type": type }
      const response = await send("eu", "/api/controlPlane/v1/project", { body: '{"name":""}', headers })
      expect(await keptnError(response)).toEqual([400, 400, "Could not validate payload: project name missing"])
    },
  )
})

describe("a path that is not there", () => {
  it.each([
    "/nowhere",
    "/api/nowhere",
    "/api/v1/nowhere",
    "/api/controlPlane/v1/nowhere",
    "/apiary",
    "/v1",
    "/v30",
    "/api/v3",
  ])("is answered with 404 in Keptn's dialect: %s", async (path) => {
    for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
      const response = await send("eu", path, { method })
      expect(await keptnError(response)).toEqual([404, 404, `path ${path} was not found`])
    }
  })

  it.each(["/v3", "/v2", "/v3/", "/v3/nowhere", "/v2/nowhere"])(
    "is answered with 404 in a problem document: %s",
    async (path) => {
      const response = await send("global", path)
      expect(await problem(response)).toEqual([404, "Not Found", `path ${path} was not found`])
    },
  )

  it("does not bring markup into its answer", async () => {
    const response = await send("eu", "/api/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(response.headers.get("x-content-type-options")).toBe("nosniff")
  })
})

describe("a method that is not there", () => {
  it.each([
    ["PATCH", "/api/v1/metadata", "GET, HEAD"],
    ["OPTIONS", "/api/v1/metadata", "GET, HEAD"],
    ["GET", "/api/v1/event", "POST"],
    ["HEAD", "/api/v1/event", "POST"],
    ["PATCH", "/api/controlPlane/v1/project", "GET, HEAD, POST, PUT"],
    ["POST", "/api/controlPlane/v1/project/p/stage/s/service/v", "GET, HEAD"],
    ["GET", "/api/controlPlane/v1/project/p/service/v", "DELETE"],
    ["GET", "/api/controlPlane/v1/project/p/stage/s/service/v/evaluation", "POST"],
    ["POST", "/api/controlPlane/v1/event/triggered/x", "GET, HEAD"],
    ["POST", "/api/health", "GET, HEAD"],
    ["POST", "/api/swagger-ui/swagger.yaml", "GET, HEAD"],
    ["POST", "/api/controlPlane/v1/project/sockshop", "DELETE, GET, HEAD"],
    ["DELETE", "/api/resource-service/v1/project/p/stage/s/resource", "GET, HEAD, POST, PUT"],
    ["PATCH", "/api/resource-service/v1/project/p/resource", "GET, HEAD, POST, PUT"],
    ["PATCH", "/api/resource-service/v1/project/p/resource/a/b.yaml", "DELETE, GET, HEAD, PUT"],
    ["POST", "/api/resource-service/v1/project/p/stage/s/service/v/resource/a.yaml", "DELETE, GET, HEAD, PUT"],
    ["PATCH", "/api/configuration-service/v1/project/p/stage/s/resource", "GET, HEAD, POST, PUT"],
    ["POST", "/api/configuration-service/v1/project/p/resource/a.yaml", "DELETE, GET, HEAD, PUT"],
    ["DELETE", "/health", "GET, HEAD"],
    ["POST", "/api", "GET, HEAD"],
    ["POST", "/api/openapi/api-service.json", "GET, HEAD"],
  ])("is answered with 405 and Allow: %s %s", async (method, path, allow) => {
    const response = await send("eu", path, { method })
    expect(response.headers.get("allow")).toBe(allow)
    if (method === "HEAD") {
      expect([response.status, await response.text()]).toEqual([405, ""])
      return
    }
    const text = `method ${method} is not allowed, but [${allow.replaceAll(" ", "")}] are`
    expect(await keptnError(response)).toEqual([405, 405, text])
  })

  it.each([
    ["global", "/v3/organizations/me"],
    ["global", "/v2/organizations/me"],
    ["eu", "/v3/users/me"],
  ])("is answered with 405 in a problem document: %s %s", async (label, path) => {
    const response = await send(label, path, { method: "PATCH" })
    expect(response.headers.get("allow")).toBe("GET, HEAD")
    const text = "method PATCH is not allowed, but [GET,HEAD] are"
    expect(await problem(response)).toEqual([405, "Method Not Allowed", text])
  })
})

/** Bindings that are there and do not work: each database is one with the tables of the other plane. */
describe("an exception in a handler", () => {
  let noPartition: SendToEdge
  let noDirectory: SendToEdge
  const auth = { headers: { "x-token": adminToken } }

  beforeAll(() => {
    const region = { bucket: env.BLOBS_EU, cache: null }
    noPartition = edgeWith({ regions: new Map([["eu", { ...region, database: env.DB_GLOBAL }]]) })
    noDirectory = edgeWith({ directory: env.DB_EU })
  })

  it("is answered with 500, without its text, in Keptn's dialect", async () => {
    const response = await noPartition("http://eu.api.localhost/api/controlPlane/v1/project", auth)
    expect(await keptnError(response)).toEqual([500, 500, "Internal server error"])
  })

  it("is answered with 500, without its text, when the token cannot be looked up", async () => {
    const response = await noDirectory("http://eu.api.localhost/api/v1/metadata", auth)
    expect(await keptnError(response)).toEqual([500, 500, "Internal server error"])
  })

  it("is answered with 500, without its text, in a problem document", async () => {
    const response = await noDirectory("http://global.api.localhost/v3/users/me", auth)
    expect(await problem(response)).toEqual([500, "Internal Server Error", "Internal server error"])
  })

  it.each([
    ["the partition", () => noPartition, "http://eu.api.localhost/api/controlPlane/v1/project", "projects"],
    ["the directory", () => noDirectory, "http://global.api.localhost/v3/users/me", "tokens"],
  ])("in %s is logged as an error with its text and its place, in the one line of its request", async (...row) => {
    const [, sendTo, url, table] = row
    const lines = captureLog()
    const response = await sendTo()(url, auth)
    expect(lines.map(({ level }) => level)).toEqual(["error"])
    const { status, requestId, error } = lines[0]?.fields ?? {}
    expect({ status, requestId }).toEqual({ status: 500, requestId: response.headers.get("x-request-id") })
    expect(error).toContain(`no such table: ${table}`)
    expect(error).toMatch(/\n\s+at /)
  })

  it("carries the headers of every response", async () => {
    const response = await noDirectory("http://eu.api.localhost/api/v1/metadata", auth)
    expect(response.headers.get("cache-control")).toBe("private, no-store")
    expect(response.headers.get("x-content-type-options")).toBe("nosniff")
  })

  it("in one region leaves the open paths and the others alone: 200", async () => {
    const sendTo = edgeWith({
      regions: new Map([
        ["eu", { database: env.DB_GLOBAL, bucket: env.BLOBS_EU, cache: null }],
        ["us", { database: env.DB_US, bucket: env.BLOBS_US, cache: null }],
      ]),
    })
    const path = "/api/controlPlane/v1/project"
    expect((await sendTo(`http://eu.api.localhost${path}`, auth)).status).toBe(500)
    expect((await sendTo(`http://us.api.localhost${path}`, auth)).status).toBe(200)
    expect((await sendTo("http://eu.api.localhost/health")).status).toBe(200)
  })
})

describe("the explanation of an error", () => {
  it.each([
    ["eu", "/api/controlPlane/v1/project/nowhere", "not_found"],
    ["eu", "/nowhere", "not_found"],
    ["eu", "/git/nowhere/info/refs?service=git-upload-pack", "not_found"],
    ["eu", "/api/statistics/v1/statistics?from=x", "invalid_request"],
    ["global", "/v3/users/nowhere", "invalid_request"],
    ["asia", "/health", "misdirected_request"],
  ])("is linked from the answer of %s to %s: %s", async (label, path, code) => {
    const response = await send(label, path)
    expect(response.ok).toBe(false)
    expect(response.headers.get("link")).toBe(`</api/errors#${code}>; rel="help"`)
  })

  it("is linked where nginx's bodies are kept byte for byte, too", async () => {
    const response = await send("eu", "/api/controlPlane/v1/project", { token: null })
    expect(response.headers.get("link")).toBe('</api/errors#unauthenticated>; rel="help"')
  })

  it.each(["eu", "global"])("is on a page of %s that needs no token and loads nothing but its style", async (label) => {
    const response = await send(label, "/api/errors", { token: null })
    expect([response.status, response.headers.get("content-security-policy")]).toEqual([200, docsContentSecurityPolicy])
    const page = await response.text()
    for (const [code, { status }] of Object.entries(ERRORS)) {
      expect(page).toMatch(
        new RegExp(
          `<tr id="${code}">.*<td data-column="status">${status}</td><td data-column="when">[^<].+</td><td data-column="what to do">[^<].+</td></tr>`,
        ),
      )
    }
    expect(page).toContain("with <code>Retry-After</code>, try again")
    const files = [...page.matchAll(/(?:src|href)="(\/[^"#]*)"/g)].flatMap(([, file]) => file ?? [])
    expect(files).toEqual([
      expect.stringMatching(/^\/api\/assets\/swagger-ui-dist@[\d.]+\/favicon-32x32\.png$/),
      expect.stringMatching(/^\/api\/assets\/docs@[\w-]+\.css$/),
      "/api",
    ])
  })
})
