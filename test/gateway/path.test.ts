/** How a path is read before it is routed: slashes merged, percent-decoded once, as Keptn's own gateway does it. */
import { exports } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { routedPath } from "../../src/gateway/path.ts"
import { adminToken, base64, createProject, send } from "../support/client.ts"

const RESOURCE = "/api/resource-service/v1/project/paths/resource"

describe("the routed path", () => {
  it.each([
    ["http://h", "/"],
    ["http://h?a=/b", "/"],
    ["http://h/", "/"],
    ["http://h//", "/"],
    ["http://h/a/b", "/a/b"],
    ["http://h//a///b//", "/a/b/"],
    ["https://h:1/a//b?c=d//e%2F", "/a/b"],
    ["http://h/a%2Fb", "/a/b"],
    ["http://h/a%2F%2fb", "/a/b"],
    ["http://h/%2Fa", "/a"],
    ["http://h/a%252Fb", "/a%2Fb"],
    ["http://h/a%20b+c", "/a b+c"],
    ["http://h/%C3%A4", "/ä"],
    ["http://h/a%3Fb%23c", "/a?b#c"],
    ["http://h/a%zz%2Fb", "/a%zz%2Fb"],
    ["http://h/%ff//b", "/%ff/b"],
  ])("of %s is %s", (url, path) => {
    expect(routedPath(new Request(url))).toBe(path)
  })
})

describe("a request", () => {
  it.each([
    "//api//v1///metadata",
    "/api/v1//metadata",
    "/%61pi/v1/metadata",
    "/api/v1%2Fmetadata",
    "/api%2f%2fv1/metadat%61",
  ])("to %s reaches /api/v1/metadata: 200", async (path) => {
    const response = await send("eu", path)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ keptnversion: "1.4.5" })
  })

  it.each([
    ["eu", "//api//controlPlane//v1//project"],
    ["eu", "//health"],
    ["eu", "/api//assets//docs.js"],
    ["eu", "/api/assets/docs%2Ejs"],
    ["eu", "//api//openapi//control-plane.json"],
    ["global", "//v3//users//me"],
  ])("to %s %s is served with 200", async (label, path) => {
    expect((await send(label, path)).status).toBe(200)
  })

  it.each([
    "/%2561pi/v1/metadata",
    "/api/v1/metadata/",
    "/api/v1/metadata%00",
    "/api/v1/%zz",
    "/API/v1/metadata",
    "/api/controlplane/v1/project",
  ])("to %s reaches nothing: 404", async (path) => {
    expect((await send("eu", path)).status).toBe(404)
  })

  it.each([
    "/api/assets/..%2f..%2fapi/v1/metadata",
    "/api/assets/%2e%2e%2f%2e%2e%2fapi/v1/metadata",
    "/api/openapi/..%2f..%2fapi/v1/metadata",
  ])("to %s does not get around the token: no 200", async (path) => {
    const response = await send("eu", path, { token: null })
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain("keptnversion")
  })

  it("keeps its query as it was sent", async () => {
    const type = "sh.keptn.event.a//b%2Fc+d"
    await send("eu", "/api/v1/event", { json: { data: {}, source: "test", type } })
    const url = `http://eu.api.localhost/api/mongodb-datastore/event?type=${encodeURIComponent(type)}`
    const response = await exports.default.fetch(url, { headers: { "x-token": adminToken } })
    expect(await response.json()).toMatchObject({ events: [{ type }] })
  })
})

describe("the name of a resource", () => {
  const files = ["a.yaml", "a/b.yaml", "a b", "a+b"]

  beforeAll(async () => {
    await createProject("eu", "paths", "dev")
    const resources = files.map((resourceURI) => ({ resourceURI, resourceContent: base64(resourceURI) }))
    expect((await send("eu", RESOURCE, { json: { resources } })).status).toBe(201)
  })

  it.each([
    ["a.yaml", "a.yaml"],
    ["%2Fa.yaml", "a.yaml"],
    ["/a.yaml", "a.yaml"],
    ["a/b.yaml", "a/b.yaml"],
    ["a//b.yaml", "a/b.yaml"],
    ["a%2Fb.yaml", "a/b.yaml"],
    ["a%252Fb.yaml", "a/b.yaml"],
    ["a%20b", "a b"],
    ["a+b", "a+b"],
    ["a%2Bb", "a+b"],
    ["a%252Bb", "a+b"],
  ])("%s in a path finds the file %s: 200", async (name, file) => {
    const response = await send("eu", `${RESOURCE}/${name}`)
    expect(response.status).toBe(200)
    const { resourceContent } = z.object({ resourceContent: z.string() }).parse(await response.json())
    expect(resourceContent).toBe(base64(file))
  })

  it.each(["..%2f..%2fa.yaml", "a%2F..%2Fa.yaml", "%252e%252e%252fa.yaml"])(
    "%s in a path finds nothing, with 400",
    async (name) => {
      expect((await send("eu", `${RESOURCE}/${name}`)).status).toBe(400)
    },
  )
})
