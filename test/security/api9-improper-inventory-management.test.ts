/** OWASP API9:2023. What answers is documented, in the version that it has: nothing old, internal or forgotten is there beside it. */
import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send } from "../support/client.ts"
import { documentPaths } from "../support/documents.ts"
import { readOperations } from "../support/openapi.ts"

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** What answers to an administrator and is in no document: the docs themselves and health. */
const BESIDE = [
  "/api",
  "/api/openapi",
  "/api/openapi/",
  "/api/openapi.json",
  "/api/errors",
  "/api/health",
  "/health",
  "/nginx-health",
]

/** Paths of other versions, of tools, of other servers, and of what stands behind this one. */
const FORGOTTEN = `
  /v1 /v1/users /v2 /v3 /v3/ /v4/users /v3/admin /v3/internal /v3/debug /v3/openapi /v3/tokens /v3/access-tokens
  /v3/users/me/access-tokens /v3/organizations /v3/roles/x /v3/identity-provider /v3/authenticate /v3/portal /v3/api-products
  /v3/control-planes /v2/control-planes /v2/runtime-groups /v3/audit-logs /v3/users/search /v3/system-accounts/me
  /api/v0/event /api/v1 /api/v1/ /api/v1/admin /api/v1/debug /api/v1/config /api/v1/secret /api/v1/project /api/v1/service
  /api/v2/event /api/v2/metadata /api/v1/event/x /api/v1/configure/bridge /api/v1/configure/bridge/expose
  /api/controlPlane /api/controlPlane/v2/project /api/controlPlane/v1 /api/controlPlane/v1/event /api/controlPlane/v1/debug
  /api/controlPlane/v1/sequence/target /api/controlPlane/v1/sequence-execution /api/controlPlane/v1/project/target/x
  /api/controlPlane/v1/project/target/shipyard /api/controlPlane/v1/uniform /api/controlPlane/internal
  /api/shipyard-controller/v1/project /api/configuration-service/v1/project /api/configuration-service/v2/project
  /api/resource-service/v2/project/target/resource /api/resource-service/v1/project/target/branch
  /api/resource-service/v1/project/target/service/x/resource /api/secrets/v2/secret /api/secrets/v1/secret/x /api/secrets/v1
  /api/statistics/v1/event /api/statistics/v2/statistics /api/mongodb-datastore/v2/event /api/mongodb-datastore/events
  /api/mongodb-datastore/event/x /api/mongodb-datastore/event/count /api/lighthouse-service/x /api/approval-service/x
  /api/webhook-service/x /api/remediation-service/x /api/distributor/x /api/bridge /bridge /api/oauth /oauth/token /login
  /git /git/ /git/target.git /git/target.git/HEAD /git/target.git/config /git/target.git/objects/info/packs
  /git/target.git/info/refs /git/target.git/git-upload-archive /git/target.git/info/lfs/objects/batch /target.git/info/refs
  /metrics /debug /debug/pprof /debug/vars /status /stats /admin /internal /env /.env /config /config.json /wrangler.toml
  /package.json /src/index.ts /index.js.map /actuator /actuator/env /server-status /graphql /graphiql /rpc /jsonrpc /soap
  /api/graphql /swagger /swagger.json /swagger-ui /openapi /openapi.json /api-docs /v3/api-docs /redoc /.git/config /.git/HEAD
  /.well-known/openid-configuration /.well-known/jwks.json /.well-known/security.txt /robots.txt /sitemap.xml
  /__proto__ /constructor /api/__proto__ /v3/__proto__ /v3/constructor /toString /cdn-cgi/trace /cdn-cgi/mf/scheduled
  /__scheduled /__test /test /api/test /api/assets /api/assets/ /api/assets/index.html /api/assets/../index.ts
  /api/openapi/internal.json /api/openapi/api-service /api/openapi/api-service.xml
  /api/openapi/__proto__.json /api/openapi/constructor.json /api/openapi/..%2Findex.json /api/swagger-ui/x
`
  .trim()
  .split(/\s+/)

beforeAll(() => createProject("eu", "target", "dev"))

describe("an administrator is answered nothing but 4xx or a redirect", () => {
  it.each(["eu", "global"])("by paths of %s that no document has", async (label) => {
    const answered: string[] = []
    for (const path of FORGOTTEN) {
      for (const method of METHODS) {
        const { status } = await send(label, path, { method, redirect: "manual" })
        if (status < 300 || status > 499) answered.push(`${method} ${path} ${status}`)
      }
    }
    expect(answered).toEqual([])
  })

  it.each(["eu", "global"])("by methods of %s that no document has", async (label) => {
    const operations = await readOperations(label)
    const documented = new Map<string, Set<string>>()
    for (const { path, method } of operations) {
      documented.set(path, (documented.get(path) ?? new Set()).add(method))
    }
    const answered: string[] = []
    let tried = 0
    for (const operation of operations) {
      const { path } = operation.request()
      for (const method of METHODS) {
        if (documented.get(operation.path)?.has(method) === true) continue
        tried++
        const { status } = await send(label, path, { method, redirect: "manual" })
        if (status < 400 || status > 499) answered.push(`${method} ${path} ${status}`)
      }
    }
    expect(answered).toEqual([])
    expect(tried).toBeGreaterThan(50)
  })

  it("by operations of the other plane", async () => {
    const self = ["getMe", "getOrganization"]
    for (const [from, to] of [
      ["eu", "global"],
      ["global", "eu"],
    ] as const) {
      for (const operation of await readOperations(from)) {
        if (self.includes(operation.operationId)) continue
        const { path, ...request } = operation.request()
        expect([path, (await send(to, path, request)).status]).toEqual([path, 404])
      }
    }
  })
})

describe("what is beside the documents", () => {
  it("is these paths and no more", async () => {
    for (const path of BESIDE) expect([path, (await send("eu", path)).status]).toEqual([path, 200])
    for (const path of BESIDE) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        expect([404, 405]).toContain((await send("eu", path, { method })).status)
      }
    }
  })

  it("tells of no document that is not on the page, and of the same in every region", async () => {
    const [eu, us] = [await documentPaths("eu"), await documentPaths("us")]
    expect(eu).toEqual(us)
    const global = await documentPaths("global")
    for (const path of eu) expect((await send("global", path)).status).toBe(404)
    for (const path of global) expect((await send("eu", path)).status).toBe(404)
  })

  it("says that what is deprecated is", async () => {
    const page = await (await send("eu", "/api/openapi/configuration-service.json")).text()
    expect(page.match(/"deprecated":true/g)?.length).toBe(page.match(/"operationId":/g)?.length)
  })
})
