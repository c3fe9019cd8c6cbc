/** Liveness. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { send, storageCounts } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"

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
