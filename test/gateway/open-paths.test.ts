/** What answers without a token is a short list. Whoever adds to it has to add it here, too. */
import { describe, expect, it } from "vitest"
import { OPEN_PATHS } from "../../src/gateway/open-paths.ts"
import { clientAt } from "../support/address.ts"
import { send } from "../support/client.ts"
import { documentPaths } from "../support/documents.ts"
import { readOperations } from "../support/openapi.ts"

const EXPECTED = [
  "/api",
  "/api/",
  "/api/assets/*",
  "/api/openapi",
  "/api/openapi.json",
  "/api/openapi/*",
  "/api/errors",
  "/api/health",
  "/health",
  "/nginx-health",
  "/favicon.ico",
  "/api/swagger-ui/swagger.yaml",
  "/api/controlPlane/swagger-ui/swagger.yaml",
  "/api/resource-service/swagger-ui/swagger.yaml",
  "/api/mongodb-datastore/swagger-ui/swagger.yaml",
  "/api/secrets/swagger-ui/swagger.yaml",
  "/api/statistics/swagger-ui/swagger.yaml",
]

/** What is redirected or refused before anybody is asked for a token, so that it tells nothing: with its status, by host. */
const BEFORE_TOKENS: Record<string, string[]> = {
  global: ["/", "/api/swagger-ui/"].flatMap((path) => [`GET ${path} 301`, `HEAD ${path} 301`]),
  eu: [
    ...["/", "/api/swagger-ui/", "/api/controlPlane/swagger-ui/"].flatMap((path) => [
      `GET ${path} 301`,
      `HEAD ${path} 301`,
    ]),
    ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(
      (method) => `${method} /api/mongodb-datastore/health 403`,
    ),
    ...["POST", "PUT", "PATCH", "DELETE"].map((method) => `${method} /api/mongodb-datastore/event 403`),
    "DELETE /api/controlPlane/v1/log 403",
    ...["POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((method) => `${method} /api/controlPlane/swagger-ui/ 307`),
  ],
}

/** Where other servers have their docs, by host: 404 with the path that is meant, for who reads. */
const EVERYWHERE = `
  /API /Api/ /api/index.html /index.html /openapi.json /v3/openapi.json /api/swagger-ui/x /api/swagger-ui/swagger.yaml/
  /api/swagger-ui/swagger.json /api/secrets/swagger-ui/x /api/SECRETS/swagger-ui/swagger.yaml /api/errors/ /api/errors/x
`
  .trim()
  .split(/\s+/)
const NOT_FOUND: Record<string, string[]> = {
  global: [...EVERYWHERE, "/api/controlPlane/swagger-ui/"],
  eu: EVERYWHERE,
}

/** Paths that are open, or that somebody could take for open, or that other servers leave open. */
const PROBES = `
  / /api /api/ /api/x /apix /API /Api/ /api;x /api. /api/index.html /api/. /index.html
  /health /health/ /health/x /healthz /Health /health%00 /nginx-health /nginx-health/
  /api/health /api/nginx-health /api/mongodb-datastore/health /api/controlPlane/health /v3/health
  /api/assets /api/assets/ /api/assets/docs.js /api/assets/docs.css /api/assets/nowhere /api/assetsx
  /assets/docs.js /docs.js /api/docs.js /public/api/assets/docs.js /api/asset/docs.js
  /api/openapi /api/openapi/ /api/openapi/nowhere.json /openapi.json /api/openapi.json /v3/openapi.json
  /api/swagger-ui/ /api/swagger-ui/swagger.yaml /api/controlPlane/swagger-ui/swagger.yaml /bridge /bridge/
  /api/swagger-ui/x /api/swagger-ui/swagger.yaml/ /api/swagger-ui/swagger.json /api/controlPlane/swagger-ui/
  /api/secrets/swagger-ui/swagger.yaml /api/secrets/swagger-ui/x /api/SECRETS/swagger-ui/swagger.yaml
  /api/errors /api/errors/ /api/errors/x /api/health/ /api/healthz /api/v1/health /api/secrets/health /api/statistics/health /api/resource-service/health
  /v1 /v2 /v3 /v2/ /v3/ /v2/users/me /v3/users/me /v2/organizations/me /v3/organizations/me
  /v3/roles /v3/users /v3/teams /v3/authenticate/x /v3/identity-provider /api/v1 /api/v1/authXYZ
  /metrics /debug /status /admin /favicon.ico /robots.txt /.well-known/security.txt /.env
  /cdn-cgi/mf/scheduled /__scheduled /api/assets/../v1/metadata /health/../api/v1/metadata
  /health/..%2fapi/v1/metadata /api/..%2fapi/v1/metadata /api/%2e%2e%2fapi/v1/metadata //api/v1/metadata
`
  .trim()
  .split(/\s+/)

/** The methods by which a resource could be read or changed. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** Every path that there is to try on a host. */
async function candidates(label: string): Promise<string[]> {
  const operations = await readOperations(label)
  const documents = await documentPaths(label)
  const yaml = documents.map((path) => path.replace(".json", ".yaml"))
  return [...new Set([...PROBES, ...documents, ...yaml, ...operations.map((one) => one.request().path)])]
}

/** Whether a path, as it is routed, is in the list. */
function isExpected(method: string, path: string): boolean {
  const { pathname } = new URL(path.replace(/^\/+/, "/"), "http://host")
  const open = EXPECTED.some((entry) =>
    entry.endsWith("*") ? pathname.startsWith(entry.slice(0, -1)) : pathname === entry,
  )
  return open && (method === "GET" || method === "HEAD")
}

describe("without a token", () => {
  it("the list of open paths is this one", () => {
    expect(OPEN_PATHS).toEqual(EXPECTED)
  })

  // Regions differ in their data alone: one stands for all.
  it.each(["eu", "global"])("on %s, everything but the open paths is refused with 401", async (label) => {
    const paths = await candidates(label)
    const answered: string[] = []
    const beforeTokens: string[] = []
    const refused = NOT_FOUND[label] ?? []
    const notFound: string[] = []
    for (const path of paths) {
      const tried = METHODS.map(async (method) => {
        const request = { method, token: null, headers: clientAt(), redirect: "manual" } as const
        return { line: `${method} ${path}`, status: (await send(label, path, request)).status }
      })
      for (const { line, status } of await Promise.all(tried)) {
        if (status === 404 && refused.includes(path)) notFound.push(line)
        else if ([301, 307, 403].includes(status)) beforeTokens.push(`${line} ${status}`)
        else if (status !== 401) answered.push(line)
      }
    }
    expect(beforeTokens.toSorted()).toEqual(BEFORE_TOKENS[label]?.toSorted())
    expect(notFound.toSorted()).toEqual(refused.flatMap((path) => [`GET ${path}`, `HEAD ${path}`]).toSorted())
    const expected = paths.flatMap((path) =>
      METHODS.filter((method) => isExpected(method, path)).map((method) => `${method} ${path}`),
    )
    expect(answered).toEqual(expected)
    // There are paths of either kind, so that the list cannot be empty by mistake.
    expect(expected.length).toBeGreaterThan(20)
    expect(paths.length * METHODS.length - expected.length).toBeGreaterThan(300)
  })

  it.each([
    ["eu", "/api"],
    ["eu", "/api/"],
    ["eu", "/api/openapi"],
    ["eu", "/api/openapi/"],
    ["global", "/api/openapi.json"],
    ["eu", "/api/assets/docs.js"],
    ["eu", "/api/openapi/api-service.json"],
    ["eu", "/api/health"],
    ["eu", "/api/swagger-ui/swagger.yaml"],
    ["eu", "/api/statistics/swagger-ui/swagger.yaml"],
    ["eu", "/health"],
    ["eu", "/favicon.ico"],
    ["global", "/favicon.ico"],
    ["eu", "/nginx-health"],
    ["global", "/api"],
    ["global", "/api/openapi/identity.yaml"],
    ["global", "/health"],
  ])("on %s, %s is answered with 200 and no storage, a wrong token or not", async (label, path) => {
    for (const headers of [{}, { "x-token": "wrong" }, { authorization: "Bearer kpat_wrong" }]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await send(label, path, { method, token: null, headers })
        expect(response.status).toBe(200)
        expect(response.headers.get("server-timing")).toContain('trips;desc="0"')
      }
    }
  })
})
