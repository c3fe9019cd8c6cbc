import { describe, expect, it } from "vitest"
import { createToken } from "../../../src/lib/token-format.ts"
import { send } from "../../support/client.ts"

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

describe("checking a token", () => {
  it.each(methods)("answers a valid token with an empty 200 without a content type, for %s", async (method) => {
    const response = await send("eu", "/api/v1/auth", { method })
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBeNull()
    expect(await response.text()).toBe("")
  })

  it.each(["OPTIONS", "PROPFIND", "TRACE", "QUERY"])(
    "refuses %s with 405 and the methods there are",
    async (method) => {
      const response = await send("eu", "/api/v1/auth", { method })
      expect([response.status, response.headers.get("allow")]).toEqual([405, "DELETE, GET, HEAD, PATCH, POST, PUT"])
    },
  )

  it("does not look at the body", async () => {
    const response = await send("us", "/api/v1/auth", { method: "POST", body: "{ not json" })
    expect(response.status).toBe(200)
  })

  it.each(["POST", "GET", "DELETE"])("refuses %s without a token with 401", async (method) => {
    const response = await send("eu", "/api/v1/auth", { method, token: null })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ code: 401, message: "unauthenticated for invalid credentials" })
  })

  it("refuses a token that nobody has with 401", async () => {
    const response = await send("eu", "/api/v1/auth", { token: createToken("kpat") })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ code: 401, message: "incorrect api key auth" })
  })

  it("does not exist at a longer path: 404", async () => {
    expect((await send("eu", "/api/v1/authXYZ")).status).toBe(404)
  })
})
