/** The host of a request URL says which plane and which region answers, and nothing else does. */
import { exports } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { type Hosts, resolveHost } from "../../src/gateway/host.ts"
import { adminToken, createProject, send } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { captureLog } from "../support/log.ts"

const HOSTS: Hosts = { apiDomain: "api.example.com", regions: ["eu", "us"], defaultRegion: "eu" }
const auth = { headers: { "x-token": adminToken } }

/** What a host that is not served is told. */
function misdirected(host: string): string {
  return `host '${host}' is not served here: use global.api.localhost, eu.api.localhost, us.api.localhost`
}

const projectsSchema = z.object({ projects: z.array(z.object({ projectName: z.string() })) })

/** The projects that a host shows. */
async function projectsOf(host: string, headers: Record<string, string> = {}): Promise<string[]> {
  const url = `http://${host}/api/controlPlane/v1/project`
  const response = await exports.default.fetch(url, { headers: { ...auth.headers, ...headers } })
  expect(response.status).toBe(200)
  return projectsSchema.parse(await response.json()).projects.map(({ projectName }) => projectName)
}

beforeAll(async () => {
  await createProject("eu", "only-in-eu", "dev")
  await createProject("us", "only-in-us", "dev")
})

describe("the map from hosts to planes and regions", () => {
  it.each([
    ["global.api.example.com", "global"],
    ["eu.api.example.com", "eu"],
    ["us.api.example.com", "us"],
    ["localhost", "eu"],
    ["127.0.0.1", "eu"],
    ["[::1]", "eu"],
    ["quarterdeck.somebody.workers.dev", "eu"],
    ["api.example.com", null],
    ["ap.api.example.com", null],
    ["eu.global.api.example.com", null],
    ["x.eu.api.example.com", null],
    ["xeu.api.example.com", null],
    ["eu.api.example.com.evil.test", null],
    ["eu-api.example.com", null],
    ["eu.localhost", null],
    ["notlocalhost", null],
    ["workers.dev", null],
    ["quarterdeck.somebody.workers.dev.evil.test", null],
    ["", null],
  ])("takes %j for %j", (hostname, expected) => {
    const target = resolveHost(hostname, HOSTS)
    expect(target && (target.plane === "global" ? "global" : target.region)).toBe(expected)
  })

  it.each(["localhost", "127.0.0.1", "[::1]", "quarterdeck.somebody.workers.dev"])(
    "does not know %s without a default region",
    (hostname) => {
      expect(resolveHost(hostname, { ...HOSTS, defaultRegion: null })).toBeNull()
    },
  )
})

describe("a regional host", () => {
  it.each([
    ["eu.api.localhost", "only-in-eu"],
    ["us.api.localhost", "only-in-us"],
    ["US.Api.LocalHost:8787", "only-in-us"],
    ["localhost", "only-in-eu"],
    ["localhost:8787", "only-in-eu"],
    ["127.0.0.1", "only-in-eu"],
    ["[::1]", "only-in-eu"],
    ["quarterdeck.somebody.workers.dev", "only-in-eu"],
    ["us.api.localhost.", "only-in-us"],
    ["US.api.localhost.:8787", "only-in-us"],
    ["localhost.:8787", "only-in-eu"],
  ])("%s serves %s alone", async (host, project) => {
    expect(await projectsOf(host)).toEqual([project])
  })

  it.each(["host", "x-forwarded-host", "x-original-host", "forwarded", "cf-worker"])(
    "is not changed by the header %s",
    async (name) => {
      expect(await projectsOf("eu.api.localhost", { [name]: "us.api.localhost" })).toEqual(["only-in-eu"])
    },
  )

  it.each(["/v2/organizations/me", "/v3/organizations/me", "/v2/users/me", "/v3/users/me"])(
    "answers %s for Konnect's clients as the global host does",
    async (path) => {
      const regional = await send("eu", path)
      expect(regional.status).toBe(200)
      expect(await regional.json()).toEqual(await (await send("global", path)).json())
    },
  )

  it.each(["/v3", "/v3/teams", "/v2/teams", "/v3/users"])(
    "answers %s with 404 and the name of the global host",
    async (path) => {
      const response = await send("eu", path)
      expect(response.status).toBe(404)
      expect(response.headers.get("content-type")).toBe("application/problem+json")
      expect(await response.json()).toMatchObject({
        title: "Not Found",
        detail: `path ${path} is served by the global host: use global.api.localhost`,
      })
    },
  )
})

describe("the global host", () => {
  it.each(["/api/v1/metadata", "/api/controlPlane/v1/project", "/api/mongodb-datastore/event", "/api/v1/auth"])(
    "answers %s with 404 and the names of the regional hosts",
    async (path) => {
      const response = await send("global", path)
      expect(response.status).toBe(404)
      expect(await response.json()).toEqual({
        code: 404,
        message: `path ${path} is served by the regional hosts: use eu.api.localhost, us.api.localhost`,
      })
    },
  )
})

describe("an unknown host", () => {
  const unknown = ["api.localhost", "ap.api.localhost", "eu.api.localhost..", "example.com"]

  it.each(unknown)("%s is refused with 421 in Keptn's dialect", async (host) => {
    const response = await exports.default.fetch(`http://${host}/api/v1/metadata`, auth)
    expect(response.status).toBe(421)
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await response.json()).toEqual({ code: 421, message: misdirected(host.replace(/\.$/, "")) })
  })

  it("is told the hosts with the port that it used", async () => {
    const answers = [
      [
        "http://example.com:8787/health",
        421,
        "host 'example.com' is not served here: use global.api.localhost:8787, eu.api.localhost:8787, us.api.localhost:8787",
      ],
      [
        "http://eu.api.localhost:8787/v3/teams",
        404,
        "path /v3/teams is served by the global host: use global.api.localhost:8787",
      ],
      [
        "http://global.api.localhost:8787/api/v1/x",
        404,
        "path /api/v1/x is served by the regional hosts: use eu.api.localhost:8787, us.api.localhost:8787",
      ],
    ] as const
    for (const [url, status, message] of answers) {
      const response = await exports.default.fetch(url, auth)
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ message })
    }
  })

  it.each(["/v2/users/me", "/v3/users/me", "/v3"])("is refused at %s with 421 in a problem document", async (path) => {
    const response = await exports.default.fetch(`http://example.com${path}`, auth)
    expect(response.status).toBe(421)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toEqual({
      status: 421,
      title: "Misdirected Request",
      instance: `quarterdeck:trace:${response.headers.get("x-request-id")}`,
      detail: misdirected("example.com"),
      message: misdirected("example.com"),
    })
  })

  it.each(["/api", "/health", "/nginx-health", "/api/assets/docs.js", "/api/openapi/control-plane.json"])(
    "is refused with 421 at the open path %s",
    async (path) => {
      expect((await exports.default.fetch(`http://example.com${path}`)).status).toBe(421)
    },
  )

  it("is refused with 421 before its body or its token is looked at", async () => {
    const headers = { "x-token": "wrong", "content-length": "99999999" }
    const response = await exports.default.fetch("http://example.com/api/v1/event", { method: "POST", headers })
    expect(response.status).toBe(421)
  })

  it.each(["localhost", "127.0.0.1", "quarterdeck.somebody.workers.dev"])(
    "is what %s is without a default region: 421",
    async (host) => {
      const sendTo = edgeWith({ defaultRegion: null })
      expect((await sendTo(`http://${host}/api/v1/metadata`, auth)).status).toBe(421)
      expect((await sendTo("http://eu.api.localhost/api/v1/metadata", auth)).status).toBe(200)
    },
  )
})

describe("the log", () => {
  it.each([
    ["http://us.api.localhost/health", { plane: "regional", region: "us" }],
    ["http://localhost/health", { plane: "regional", region: "eu" }],
    ["http://global.api.localhost/health", { plane: "global" }],
    ["http://example.com/health", {}],
  ])("tells plane and region of %s", async (url, expected) => {
    const lines = captureLog()
    await exports.default.fetch(url)
    const { plane, region } = lines[0]?.fields ?? {}
    expect({ ...(plane !== undefined && { plane }), ...(region !== undefined && { region }) }).toEqual(expected)
    expect(lines).toHaveLength(1)
  })
})
