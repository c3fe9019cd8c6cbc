/** Where other servers have their docs: what is answered there leads to ours, and asks for no token. */
import { describe, expect, it } from "vitest"
import { docsMeant } from "../../src/gateway/docs-paths.ts"
import { clientAt } from "../support/address.ts"
import { send } from "../support/client.ts"
import { readOperations } from "../support/openapi.ts"
import { edgeBefore, originThat } from "../support/origin.ts"

const MEANT = {
  "/api":
    "/API /Api/ /api.html /api/index.html /index.html /docs /docs/ /docs/index.html /doc /api/docs /api/docs/ /api/v1/docs /v3/docs \
/documentation /reference /redoc /api/redoc /rapidoc /scalar /swagger /swagger/ /swagger/index.html /swagger-ui /swagger-ui/ /swagger-ui.html \
/swagger-ui/index.html /api/swagger /api/swagger-ui/index.html /api/secrets/swagger-ui/index.html /api/resource-service/swagger-ui/",
  "/api/openapi":
    "/openapi /openapi/ /openapi.json /openapi.yaml /openapi.yml /open-api.json /swagger.json /swagger.yaml /v2/swagger.json \
/v3/openapi.json /api/openapi.yaml /api/swagger.json /api/v1/openapi.json /api/controlPlane/v1/openapi.json /api-docs /api-docs.json /v2/api-docs \
/v3/api-docs /v3/api-docs/swagger-config /v3/api-docs.yaml /swagger-resources /swagger/v1/swagger.json /docs/openapi.json /schema /api/schema/ \
/api/swagger-ui/swagger.json /api/controlPlane/swagger-ui/swagger.json /API/OpenAPI",
  "/api/errors":
    "/errors /errors/ /error /api/error /api/errors/ /api/errors/not_found /api/errors.html /api/v1/errors /v3/errors /API/ERRORS",
}
const paths = Object.entries(MEANT).flatMap(([meant, text]) =>
  text.split(/\s+/).map((path): [string, string] => [path, meant]),
)

describe.each(["eu", "global"])("on %s", (label) => {
  it.each(paths)("%s leads to %s, with a token and without one", async (path, meant) => {
    for (const token of [null, undefined]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await send(label, path, { method, ...(token === null && { token, headers: clientAt() }) })
        expect(response.status).toBe(404)
        if (method === "HEAD") continue
        expect(await response.json()).toMatchObject({ message: `path ${path} was not found: did you mean ${meant}?` })
      }
    }
  })

  it("what is meant answers without a token: 200", async () => {
    for (const meant of Object.keys(MEANT)) expect((await send(label, meant, { token: null })).status).toBe(200)
  })

  it("other methods need a token, as everywhere: 401", async () => {
    for (const [path] of paths) {
      const request = { method: "POST", token: null, headers: clientAt() }
      expect([path, (await send(label, path, request)).status]).toEqual([path, 401])
    }
  })

  it("no operation is taken for docs, whatever it is called with", async () => {
    const words = ["docs", "errors", "openapi.json", "swagger", "index.html", "api", "v3"]
    for (const { path } of await readOperations(label)) {
      for (const word of words) expect(docsMeant(path.replace(/\{\w+\}/g, word))).toBeNull()
    }
  })
})

describe("among the documents", () => {
  it.each(["x.json", "control-plan.json", "control-plane", "control-plane.xml", "a/b.json"])(
    "%s leads to their list",
    async (name) => {
      const path = `/api/openapi/${name}`
      const response = await send("eu", path, { token: null })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ message: `path ${path} was not found: did you mean /api/openapi?` })
    },
  )

  it("those of regions are not looked for on the global host: 404 names theirs", async () => {
    const response = await send("global", "/api/openapi/control-plane.json", { token: null })
    expect(response.status).toBe(404)
    const message = expect.stringContaining("is served by the regional hosts: use eu.api.localhost, us.api.localhost")
    expect(await response.json()).toMatchObject({ message })
  })
})

describe("where an origin serves such a path", () => {
  const upstream = { prefix: "/docs", role: "Viewer" }

  it("it answers, and whoever has no token is refused with 401", async () => {
    const asked = originThat(() => new Response("of the origin"))
    const edge = edgeBefore(upstream)
    expect((await edge("/docs/index.html", { token: null })).status).toBe(401)
    expect(asked).toHaveLength(0)
    const response = await edge("/docs/index.html")
    expect([response.status, await response.text()]).toEqual([200, "of the origin"])
  })

  it("other paths, and other regions, lead to the docs: 404", async () => {
    const edge = edgeBefore(upstream)
    expect((await edge("/api/docs", { token: null })).status).toBe(404)
    expect((await edge("/docs", { token: null, label: "us" })).status).toBe(404)
  })
})
