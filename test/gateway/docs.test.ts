/** The docs of a host: the page, the documents behind it and the files it loads. What it does in a browser is in test/browser. */
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { z } from "zod"
import { docsContentSecurityPolicy } from "../../src/docs/page.ts"
import { send, storageCounts, type TestRequest } from "../support/client.ts"
import { documentPaths, REGIONAL_DOCUMENTS } from "../support/documents.ts"
import { edgeWith, type SendToEdge } from "../support/edge.ts"

const hosts = {
  eu: REGIONAL_DOCUMENTS,
  us: REGIONAL_DOCUMENTS,
  global: ["identity"],
}
const documents = Object.entries(hosts).flatMap(([label, names]) =>
  names.map((name): [string, string] => [label, name]),
)

const documentSchema = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string(), description: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ description: z.string() }))),
  components: z.looseObject({ securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })) }),
})

function open(label: string, path: string, request: TestRequest = {}): Promise<Response> {
  return send(label, path, { ...request, token: null })
}

/** The body as text. `text()` warns of a type that it does not know to be text, and YAML's is one. */
async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer())
}

describe.each(Object.entries(hosts))("the page of %s", (label, names) => {
  it.each(["/api", "/api/"])("is served at %s with 200 under a strict policy", async (path) => {
    const response = await open(label, path)
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/html; charset=UTF-8")
    expect(response.headers.get("content-security-policy")).toBe(docsContentSecurityPolicy)
    expect(response.headers.get("content-security-policy")).not.toContain("unsafe")
    expect(storageCounts(response).trips).toBe(0)
  })

  it("links to the documents of this host, and to no others", async () => {
    expect(await documentPaths(label)).toEqual(names.map((name) => `/api/openapi/${name}.json`))
  })

  it.each(["/api/openapi", "/api/openapi/", "/api/openapi.json"])("has the same list in JSON at %s", async (path) => {
    const response = await open(label, path)
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"])
    expect(response.headers.get("cache-control")).toBe("public, no-cache")
    expect(storageCounts(response).trips).toBe(0)
    expect(await response.json()).toEqual({
      documents: names.map((name) => ({
        name,
        json: `/api/openapi/${name}.json`,
        yaml: `/api/openapi/${name}.yaml`,
      })),
      hosts: ["global", "eu", "us"].map((name) => ({ name, index: `http://${name}.api.localhost/api/openapi` })),
    })
  })

  it("links to each document in both forms, to the list, to the errors, and to all hosts, of which it marks its own", async () => {
    const page = await (await open(label, "/api")).text()
    const links = [...page.matchAll(/<a href="([^"]+)"( aria-current="true")?/g)]
    expect(links.map(([, href, mark]) => (mark ? [href] : href))).toEqual([
      ...["global", "eu", "us"].map((name) => {
        const href = `http://${name}.api.localhost/api`
        return name === label ? [href] : href
      }),
      ...names.flatMap((name) => [`/api/openapi/${name}.json`, `/api/openapi/${name}.yaml`]),
      "/api/openapi",
      "/api/errors",
    ])
  })

  it("has no script or style of its own and loads only what this host serves", async () => {
    const page = await (await open(label, "/api")).text()
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/)
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/)
    const files = [...page.matchAll(/<(?:script|link)[^>]*\s(?:src|href)="([^"]+)"/g)].flatMap(([, file]) => file ?? [])
    expect(files).toHaveLength(6)
    for (const file of files) expect([file, (await open(label, file)).status]).toEqual([file, 200])
  })
})

/** The hosts that a page links to, with `here` behind its own. */
async function linkedHosts(edge: SendToEdge, url: string): Promise<string[]> {
  const page = await (await edge(url)).text()
  const links = [...page.matchAll(/<a href="(http[^"]+)"( aria-current)?/g)]
  return links.map(([, href, mark]) => `${href}${mark ? " here" : ""}`)
}

describe("the hosts that a page links to", () => {
  it("have the scheme and the port of the request", async () => {
    expect(await linkedHosts(edgeWith({}), "http://us.api.localhost:8787/api")).toEqual([
      "http://global.api.localhost:8787/api",
      "http://eu.api.localhost:8787/api",
      "http://us.api.localhost:8787/api here",
    ])
    const deployed = edgeWith({ apiDomain: "api.example.com" })
    expect(await linkedHosts(deployed, "https://global.api.example.com/api")).toEqual([
      "https://global.api.example.com/api here",
      "https://eu.api.example.com/api",
      "https://us.api.example.com/api",
    ])
  })

  it("are those of the deployment where the request names none of them: its region is marked", async () => {
    expect(await linkedHosts(edgeWith({ defaultRegion: "us" }), "http://127.0.0.1:8787/api")).toEqual([
      "http://global.api.localhost:8787/api",
      "http://eu.api.localhost:8787/api",
      "http://us.api.localhost:8787/api here",
    ])
  })
})

describe.each(documents)("on %s, the document %s", (label, name) => {
  const json = `/api/openapi/${name}.json`
  const yaml = `/api/openapi/${name}.yaml`

  it("is OpenAPI 3.1 and says what every operation requires", async () => {
    const response = await open(label, json)
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"])
    expect(storageCounts(response).trips).toBe(0)
    const document = documentSchema.parse(await response.json())
    expect(document.openapi).toBe("3.1.0")
    expect(Object.keys(document.components.securitySchemes).toSorted()).toEqual(["bearer", "token"])
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
    expect(operations.length).toBeGreaterThan(0)
    for (const { description } of operations) {
      expect(description).toMatch(
        /(^|\n\n)(Requires a valid token|Requires the role .+|Requires a place in the team .+|Shows projects .+)\.$/,
      )
    }
  })

  it("holds no path that is not a template of OpenAPI", async () => {
    const document = documentSchema.parse(await (await open(label, json)).json())
    for (const path of Object.keys(document.paths)) expect(path).toMatch(/^(\/([\w-]+|\{\w+\}))+$/)
  })

  it("is the same in YAML", async () => {
    const response = await open(label, yaml)
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/yaml"])
    expect(parse(await textOf(response))).toEqual(await (await open(label, json)).json())
  })

  it.each([json, yaml])("is answered with 304 to whoever has %s already", async (path) => {
    const etag = z.string().parse((await open(label, path)).headers.get("etag"))
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await open(label, path, { headers: { "if-none-match": header } })
      expect([header, response.status, await textOf(response)]).toEqual([header, 304, ""])
      expect(response.headers.get("etag")).toBe(etag)
      expect(response.headers.get("cache-control")).toBe("public, no-cache")
    }
    for (const header of ['"other"', etag.slice(1, -1)]) {
      const response = await open(label, path, { headers: { "if-none-match": header } })
      expect([header, response.status]).toEqual([header, 200])
    }
  })
})

describe("a document", () => {
  it("is the same in every region", async () => {
    for (const name of hosts.eu) {
      const [eu, us] = [await open("eu", `/api/openapi/${name}.json`), await open("us", `/api/openapi/${name}.json`)]
      expect(await us.text()).toBe(await eu.text())
      expect(us.headers.get("etag")).toBe(eu.headers.get("etag"))
    }
  })

  it.each([
    ["eu", "identity.json"],
    ["global", "control-plane.json"],
    ["eu", "nowhere.json"],
    ["eu", "control-plane"],
    ["eu", "control-plane.xml"],
  ])("is not found on %s as %s: 404", async (label, file) => {
    expect((await open(label, `/api/openapi/${file}`)).status).toBe(404)
  })
})

describe("a file of the page", () => {
  it("at an exact version may be kept for ever", async () => {
    const page = await (await open("eu", "/api")).text()
    const [file] = /\/api\/assets\/swagger-ui-dist@[\d.]+\/swagger-ui\.css/.exec(page) ?? []
    const response = await open("eu", z.string().parse(file))
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/css; charset=utf-8")
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable")
  })

  it.each(["script", "styles"])("that is ours has the tag of its content in its address: %s", async (kind) => {
    const extension = kind === "script" ? "js" : "css"
    const pages = [await (await open("eu", "/api")).text(), await (await open("us", "/api/errors")).text()]
    const [file = ""] = new RegExp(`/api/assets/docs@[\\w-]+\\.${extension}`).exec(pages.join("\n")) ?? []
    const plain = await open("eu", `/api/assets/docs.${extension}`)
    const tagged = await open("eu", file)
    expect([tagged.status, tagged.headers.get("etag")]).toEqual([200, plain.headers.get("etag")])
    expect(tagged.headers.get("cache-control")).toBe("public, max-age=31536000, immutable")
    expect(await tagged.text()).toBe(await plain.text())
    // Of another deployment, whose content this one does not have.
    const other = await open("eu", `/api/assets/docs@0123456789abcdef.${extension}`)
    expect([other.status, other.headers.get("cache-control")]).toEqual([200, "public, no-cache"])
  })

  it("without a version is answered with 304 to whoever has it already", async () => {
    const first = await open("eu", "/api/assets/docs.js")
    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "public, no-cache"])
    const etag = z.string().parse(first.headers.get("etag"))
    const second = await open("eu", "/api/assets/docs.js", { headers: { "if-none-match": etag } })
    expect([second.status, await second.text()]).toEqual([304, ""])
  })

  it.each([
    "nowhere.js",
    "",
    "..%2f..%2fwrangler.toml",
    "..%2f..%2f..%2fetc/passwd",
    "docs.js/",
    "%00",
    "swagger-ui-dist@0.0.0/x",
  ])("that is not there is answered with 404, and is not to be kept: %j", async (file) => {
    const response = await open("eu", `/api/assets/${file}`)
    expect(response.status).toBe(404)
    expect(response.headers.get("cache-control")).toBe("private, no-store")
    expect(response.headers.get("content-type")).toBe("application/json")
  })
})
