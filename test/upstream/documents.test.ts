/** The documents of what origins serve: ours with what is different, or the origin's own, fetched, checked and made to fit. */
import { afterEach, describe, expect, it, vi } from "vitest"
import { parse, stringify } from "yaml"
import { z } from "zod"
import { edgeBefore, ORIGIN_SECRET, originThat } from "../support/origin.ts"

const anything = z.looseObject({})
const OPEN = { token: null }
const TOKENS = {
  token: { type: "apiKey", in: "header", name: "x-token" },
  bearer: { type: "http", scheme: "bearer" },
}

const operationSchema = z.looseObject({
  paths: z.looseObject({
    "/api/mongodb-datastore/event": z.looseObject({
      get: z.looseObject({ responses: z.record(z.string(), z.unknown()) }),
    }),
  }),
})

/** A document of today, with everything in it that would lead to the origin. */
const modern = {
  openapi: "3.0.3",
  info: { title: "Grafana", version: "1" },
  servers: [{ url: "https://origin.example/base/v1" }, { url: "/v2" }],
  security: [{ cookie: [] }],
  components: {
    schemas: { A: { type: "string" } },
    securitySchemes: { cookie: { type: "apiKey", in: "cookie", name: "c" } },
  },
  paths: { "/a": { servers: [{ url: "x" }], summary: "kept", get: { summary: "kept", security: [], servers: [] } } },
}

/** One of the kind that Keptn's services have. */
const old = {
  swagger: "2.0",
  info: { title: "Statistics", version: "1" },
  host: "origin.example",
  schemes: ["http"],
  basePath: "/base/api/statistics/v1",
  securityDefinitions: { key: { type: "basic" } },
  paths: {
    "/statistics": { get: { security: [{ key: [] }], schemes: ["http"], responses: { 200: { description: "ok" } } } },
  },
}

async function readDocument(edge: ReturnType<typeof edgeBefore>, name: string): Promise<Record<string, unknown>> {
  const response = await edge(`/api/openapi/${name}.json`, OPEN)
  expect(response.status).toBe(200)
  return anything.parse(await response.json())
}

async function listed(edge: ReturnType<typeof edgeBefore>, label = "eu"): Promise<string[]> {
  const page = await (await edge("/api", { ...OPEN, label })).text()
  return [...page.matchAll(/href="\/api\/openapi\/([\w-]+)\.json"/g)].flatMap(([, name]) => name ?? [])
}

afterEach(() => vi.useRealTimers())

describe("a collection that an origin serves", () => {
  it("has the document that it has here, with the roles that it takes there", async () => {
    const requests = originThat(() => new Response())
    const document = await readDocument(edgeBefore({ collection: "mongodb-datastore" }), "mongodb-datastore")
    const text = JSON.stringify(document)
    expect(text).toContain("Requires the role Viewer, Integration, Contributor or Admin on all projects.")
    expect(text).not.toContain("Shows projects on which")
    const { responses } = operationSchema.parse(document).paths["/api/mongodb-datastore/event"].get
    for (const status of [502, 503, 504, 508]) {
      expect(responses[status]).toMatchObject({
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      })
    }
    expect(requests).toEqual([])
  })

  it("has the origin's own in the place of ours where that is asked for, also where Keptn had it", async () => {
    const requests = originThat(() => new Response(stringify(old)))
    const credential = { header: "x-token", secret: "ORIGIN_SECRET" }
    const edge = edgeBefore({
      collection: "statistics-service",
      document: "/docs/swagger.yaml",
      origin: "https://origin.example/base",
      credential,
    })
    expect(await readDocument(edge, "statistics-service")).toEqual({
      swagger: "2.0",
      info: old.info,
      basePath: "/api/statistics/v1",
      securityDefinitions: { token: TOKENS.token },
      security: [{ token: [] }],
      paths: { "/statistics": { get: { responses: { 200: { description: "ok" } } } } },
    })
    expect(requests.map(({ url, headers }) => [url, headers.get("x-token")])).toEqual([
      ["https://origin.example/docs/swagger.yaml", ORIGIN_SECRET],
    ])
    const former = await edge("/api/statistics/swagger-ui/swagger.yaml", OPEN)
    expect(anything.parse(parse(new TextDecoder().decode(await former.arrayBuffer())))["info"]).toEqual(old.info)
    expect(await listed(edge)).toContain("statistics-service")
  })
})

describe("an upstream with a prefix", () => {
  const settings = { prefix: "/graf/ana", role: "none", strip_prefix: true, origin: "https://origin.example/base" }

  it("is on the page of its region when its document is asked for, behind the collections", async () => {
    const edge = edgeBefore({ ...settings, document: "/openapi.json" }, { prefix: "/silent", role: "none" })
    expect((await listed(edge)).at(-1)).toBe("origin-graf-ana")
    expect((await listed(edge)).filter((name) => name.startsWith("origin-"))).toHaveLength(1)
    expect(await listed(edge, "us")).toEqual((await listed(edge)).slice(0, -1))
  })

  it("has the origin's document with the addresses and tokens of this edge", async () => {
    originThat(() => Response.json(modern))
    expect(await readDocument(edgeBefore({ ...settings, document: "/openapi.json" }), "origin-graf-ana")).toEqual({
      openapi: "3.0.3",
      info: modern.info,
      servers: [{ url: "/graf/ana/v1" }],
      security: [{ token: [] }, { bearer: [] }],
      components: { schemas: modern.components.schemas, securitySchemes: TOKENS },
      paths: { "/a": { summary: "kept", get: { summary: "kept" } } },
    })
  })

  it.each([
    [undefined, "/graf/ana"],
    [[{ url: "/base" }], "/graf/ana"],
    [[{ url: "v1" }], "/graf/ana/docs/v1"],
    [[{ url: "https://elsewhere.example/x" }], "/graf/ana"],
  ])("whose servers are %j is served at %s", async (servers, url) => {
    const { servers: _, ...rest } = modern
    originThat(() => Response.json({ ...rest, ...(servers && { servers }) }))
    const edge = edgeBefore({ ...settings, document: "/base/docs/openapi.json" })
    expect((await readDocument(edge, "origin-graf-ana"))["servers"]).toEqual([{ url }])
  })
})

describe("a document of an origin", () => {
  const settings = { prefix: "/up", role: "none", document: "/openapi.json" }

  it("is fetched once in five minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] })
    const requests = originThat(() => Response.json(modern))
    const edge = edgeBefore(settings)
    for (const seconds of [0, 1, 299]) {
      vi.setSystemTime(seconds * 1000)
      await readDocument(edge, "origin-up")
    }
    expect(requests).toHaveLength(1)
    vi.setSystemTime(301_000)
    await readDocument(edge, "origin-up")
    expect(requests).toHaveLength(2)
  })

  it.each<[string, () => Response]>([
    ["is not there", () => new Response("", { status: 404 })],
    ["is a redirect", () => new Response("", { status: 302, headers: { location: "https://evil.example" } })],
    ["is no document", () => Response.json({ hello: "world" })],
    ["is no JSON", () => new Response("{")],
    ["is no YAML", () => new Response("a: b: c: [")],
    ["is a list", () => Response.json([modern])],
    ["is of a kind that there is not yet", () => Response.json({ ...modern, openapi: "4.0.0" })],
    ["is too large", () => Response.json({ ...modern, filler: "x".repeat(3_000_000) })],
    [
      "is a YAML bomb",
      () =>
        new Response(
          `a: &a [x]\n${"bcdefghij"
            .split("")
            .map((name, i) => `${name}: &${name} [${`*${"abcdefghi"[i]},`.repeat(9)}]`)
            .join("\n")}`,
        ),
    ],
  ])("that %s is answered with 502, and not asked for again at once", async (_, answer) => {
    const requests = originThat(answer)
    const edge = edgeBefore(settings)
    for (let round = 0; round < 3; round++) {
      const response = await edge("/api/openapi/origin-up.json", OPEN)
      expect(response.status).toBe(502)
      expect(await response.json()).toEqual({
        code: 502,
        message: "the OpenAPI document of the origin of /up cannot be shown",
      })
    }
    expect(requests).toHaveLength(1)
    expect((await edge("/api", OPEN)).status).toBe(200)
  })
})
