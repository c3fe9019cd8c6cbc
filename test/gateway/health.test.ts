/** Liveness. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { clientAt } from "../support/address.ts"
import { adminToken, send, storageCounts } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { knownToken } from "../support/known.ts"
import { expectUnauthenticated } from "../support/refusal.ts"

describe.each(["eu", "us", "global"])("the health of %s", (label) => {
  it("is told at /health with 200", async () => {
    const response = await send(label, "/health", { token: null })
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"])
    expect(await response.json()).toEqual({ status: "ok" })
    expect(storageCounts(response)).toEqual({ trips: 0, d1: 0, r2: 0, kv: 0, rows: 0 })
  })

  it("is told at /nginx-health with 200, as Keptn's gateway tells it", async () => {
    const response = await send(label, "/nginx-health", { token: null })
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      expect.stringMatching(/^text\/plain\b/),
    ])
    expect(await response.text()).toBe("OK\n")
    expect(storageCounts(response)).toEqual({ trips: 0, d1: 0, r2: 0, kv: 0, rows: 0 })
  })

  it("does not depend on storage", async () => {
    const sendTo = edgeWith({ directory: env.DB_EU, regions: new Map() })
    for (const path of ["/health", "/nginx-health"]) {
      expect((await sendTo(`http://global.api.localhost${path}`)).status).toBe(200)
    }
  })
})

describe("the health of Keptn's services", () => {
  it.each(["eu", "us"])("is told at /api/health of %s, without a token: 200 without a body", async (label) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await send(label, "/api/health", { method, token: null })
      expect([response.status, await response.text()]).toEqual([200, ""])
      expect(storageCounts(response).trips).toBe(0)
    }
  })

  it.each(["controlPlane", "secrets", "statistics", "resource-service"])(
    "is told at /api/%s/health, with a token: 200, and 401 without",
    async (service) => {
      const path = `/api/${service}/health`
      const token = await knownToken()
      for (const method of ["GET", "HEAD"]) {
        const response = await send("eu", path, { method, token })
        expect([response.status, await response.text()]).toEqual([200, ""])
        expect(storageCounts(response).trips).toBe(0)
      }
      await expectUnauthenticated(await send("eu", path, { token: null, headers: clientAt() }), path, "missing")
      const refused = await send("eu", path, { token: "kpat_wrong", headers: clientAt() })
      await expectUnauthenticated(refused, path, "invalid")
    },
  )

  it("is not told of the datastore, as in Keptn: 403", async () => {
    for (const token of [adminToken, null]) {
      expect((await send("eu", "/api/mongodb-datastore/health", { token })).status).toBe(403)
    }
  })

  it("is not told on the global host: 404", async () => {
    expect((await send("global", "/api/health", { token: null })).status).toBe(404)
    expect((await send("global", "/api/controlPlane/health")).status).toBe(404)
  })
})
