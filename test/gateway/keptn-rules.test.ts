/** What Keptn's own gateway refused and redirected, before any service was asked. */
import { beforeAll, describe, expect, it } from "vitest"
import { clientAt } from "../support/address.ts"
import { createProject, send, storageCounts } from "../support/client.ts"
import { expectUnauthenticated } from "../support/refusal.ts"

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
const RESOURCES = "/api/resource-service/v1/project"

/** Paths that are not public, and that no route has. */
const BLOCKED_RESOURCES = [
  RESOURCES,
  `${RESOURCES}/shop`,
  `${RESOURCES}/shop/stage`,
  `${RESOURCES}/shop/stage/dev`,
  `${RESOURCES}/shop/stage/dev/service`,
  `${RESOURCES}/shop/stage/dev/service/carts`,
  `${RESOURCES}/shop/service/carts/resource`,
  `${RESOURCES}/shop/service/carts/resource/a.yaml`,
]
const BLOCKED = [
  ...BLOCKED_RESOURCES,
  "/api/statistics/v1/event",
  "/api/statistics/v1/events",
  "/api/statistics/v1/event/x",
  "/api/mongodb-datastore/health",
]

const DOCUMENTS = [
  ["/api/swagger-ui/swagger.yaml", "api-service"],
  ["/api/controlPlane/swagger-ui/swagger.yaml", "control-plane"],
  ["/api/resource-service/swagger-ui/swagger.yaml", "resource-service"],
  ["/api/mongodb-datastore/swagger-ui/swagger.yaml", "mongodb-datastore"],
  ["/api/secrets/swagger-ui/swagger.yaml", "secret-service"],
  ["/api/statistics/swagger-ui/swagger.yaml", "statistics-service"],
] as const

/** A request of somebody else each time, so that those without a token are not counted together. */
function ask(path: string, method: string, token?: null): Promise<Response> {
  return send("eu", path, { method, headers: clientAt(), ...(token === null && { token }) })
}

async function expectBlocked(response: Response, method: string, path: string): Promise<void> {
  expect([method, path, response.status]).toEqual([method, path, 403])
  expect(storageCounts(response).trips).toBe(0)
  const body = await response.text()
  if (method === "HEAD") return
  // Statistics write their errors otherwise.
  const code = path.startsWith("/api/statistics/") ? { errorCode: 403 } : { code: 403 }
  expect(JSON.parse(body)).toEqual({ ...code, message: expect.stringMatching(/^[A-Z]+ \/.* is not public$/) })
}

beforeAll(async () => {
  await createProject("eu", "shop", "dev")
})

describe("a path that is not public", () => {
  it.each(BLOCKED)("is refused with 403 for every method, with a token and without: %s", async (path) => {
    for (const method of METHODS) {
      await expectBlocked(await ask(path, method), method, path)
      await expectBlocked(await ask(path, method, null), method, path)
    }
  })

  it("is refused with 403 also for a token that is not accepted", async () => {
    for (const token of ["wrong", "kpat_wrong"]) {
      expect((await send("eu", RESOURCES, { token, headers: clientAt() })).status).toBe(403)
    }
  })

  it.each([
    "/API/Resource-Service/V1/PROJECT",
    `${RESOURCES.toUpperCase()}/shop/STAGE`,
    "/api/statistics/v1/EVENT",
    "/api/MONGODB-datastore/health",
  ])("is refused with 403 in other letters: %s", async (path) => {
    for (const method of ["GET", "DELETE"]) expect((await ask(path, method, null)).status).toBe(403)
  })

  it.each([
    "/api//resource-service///v1/project/shop",
    "/api/resource-service/v1/%70roject/shop",
    "/api/resource-service/v1/project%2Fshop",
    `${RESOURCES}/a%20b/stage`,
    `${RESOURCES}/shop/stage/dev/../dev`,
    `${RESOURCES}/shop?pageSize=1`,
  ])("is refused with 403 however it is written: %s", async (path) => {
    expect((await ask(path, "GET", null)).status).toBe(403)
  })

  it.each(BLOCKED_RESOURCES)("is, with a slash at its end, one that there is not: 404 for %s/", async (path) => {
    expect((await ask(`${path}/`, "GET")).status).toBe(404)
    expect((await ask(`${path}/`, "GET", null)).status).toBe(401)
  })

  it.each(["/shop/resource", "/shop/stage/dev/resource", "/shop/stage/dev/service/carts/resource", "/shop/commit"])(
    "is not one that is longer: %s",
    async (rest) => {
      for (const method of METHODS) expect((await ask(`${RESOURCES}${rest}`, method)).status).not.toBe(403)
    },
  )

  it("is not one of the former configuration service, the control plane or another name", async () => {
    for (const path of ["/api/controlPlane/v1/project/shop", "/api/controlPlane/v1/project/shop/stage"]) {
      expect((await ask(path, "GET")).status).toBe(200)
    }
    for (const path of ["/api/configuration-service/v1/project/shop", "/x/api/resource-service/v1/project"]) {
      expect((await ask(path, "GET")).status).toBe(404)
    }
  })
})

describe("a method that is not public", () => {
  it.each(["", "/", "/x", "?keptnContext=x", "s"])(
    "is DELETE below the log of the control plane: 403 for /log%s",
    async (rest) => {
      const path = `/api/controlPlane/v1/log${rest}`
      for (const token of [undefined, null] as const) expect((await ask(path, "DELETE", token)).status).toBe(403)
    },
  )

  it("is none of the others there", async () => {
    for (const method of METHODS.filter((one) => one !== "DELETE")) {
      expect((await ask("/api/controlPlane/v1/log", method)).status).not.toBe(403)
    }
  })

  it("is any that writes at the datastore's events: 403, the others as ever", async () => {
    const path = "/api/mongodb-datastore/event"
    for (const token of [undefined, null] as const) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        await expectBlocked(await ask(path, method, token), method, path)
      }
    }
    const statuses = await Promise.all(["GET", "HEAD", "OPTIONS"].map(async (one) => (await ask(path, one)).status))
    expect(statuses).toEqual([200, 200, 405])
    await expectUnauthenticated(await ask(path, "GET", null), path, "missing")
  })
})

describe("the former address of the docs", () => {
  it.each(["eu", "us", "global"])("on %s, leads to them with 301, without a token", async (label) => {
    for (const path of ["/", "/api/swagger-ui", "/api/swagger-ui/"]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await send(label, `${path}?a=b%20c`, { method, token: null, redirect: "manual" })
        expect([path, response.status, response.headers.get("location")]).toEqual([path, 301, "/api?a=b%20c"])
        expect(storageCounts(response).trips).toBe(0)
      }
    }
  })

  it.each(["POST", "PUT", "DELETE"])("does not for %s: 401 without a token, 404 with one", async (method) => {
    for (const path of ["/", "/api/swagger-ui/"]) {
      expect((await ask(path, method, null)).status).toBe(401)
      expect((await ask(path, method)).status).toBe(404)
    }
  })
})

describe("a slash at the end", () => {
  it.each([
    ["GET", 301],
    ["HEAD", 301],
    ["POST", 307],
    ["PUT", 307],
    ["DELETE", 307],
  ])("is led away by Keptn's services that did so: %s %i", async (method, status) => {
    for (const path of ["/api/controlPlane/v1/project", "/api/secrets/v1/secret", "/api/statistics/v1/statistics"]) {
      const response = await send("eu", `${path}/?a=b&c=%2F`, { method, redirect: "manual" })
      expect([response.status, response.headers.get("location")]).toEqual([status, `${path}?a=b&c=%2F`])
    }
  })

  it.each([
    ["/api/controlPlane/v1/project/a%20b/", "/api/controlPlane/v1/project/a%20b"],
    ["/api/controlPlane/v1/project/a%3Fb%23c/", "/api/controlPlane/v1/project/a%3Fb%23c"],
    ["/api/controlPlane/v1/project/%C3%A4/", "/api/controlPlane/v1/project/%C3%A4"],
    ["/api//controlPlane/v1/project//", "/api/controlPlane/v1/project"],
  ])("leaves the rest of the address as it was: %s", async (path, location) => {
    const response = await send("eu", path, { redirect: "manual" })
    expect([response.status, response.headers.get("location")]).toEqual([301, location])
  })

  it("leads to the same answer", async () => {
    const response = await send("eu", "/api/controlPlane/v1/project/shop/")
    expect([response.status, new URL(response.url).pathname]).toEqual([200, "/api/controlPlane/v1/project/shop"])
  })

  it.each(["/api/v1/metadata/", "/api/mongodb-datastore/event/", `${RESOURCES}/shop/commit/`, "/api/controlPlane/"])(
    "is not led away elsewhere: 404 for %s",
    async (path) => {
      expect((await send("eu", path, { redirect: "manual" })).status).toBe(404)
    },
  )
})

describe("the documents at their former addresses", () => {
  it.each(DOCUMENTS)("%s is that of %s: 200 without a token", async (path, name) => {
    const [former, now] = [await ask(path, "GET", null), await ask(`/api/openapi/${name}.yaml`, "GET", null)]
    expect([former.status, former.headers.get("content-type")]).toEqual([200, "application/yaml"])
    expect(await former.arrayBuffer()).toEqual(await now.arrayBuffer())
    expect(former.headers.get("etag")).toBe(now.headers.get("etag"))
    expect((await ask(path, "HEAD", null)).status).toBe(200)
    expect((await ask(path, "POST", null)).status).toBe(401)
  })

  it.each(DOCUMENTS)("%s is not on the global host: 404", async (path) => {
    expect((await send("global", path, { token: null, headers: clientAt() })).status).toBe(404)
  })
})

describe("on the global host", () => {
  it.each([...BLOCKED, "/api/controlPlane/v1/project/"])("no rule of the regions holds: 404 for %s", async (path) => {
    expect((await send("global", path, { headers: clientAt(), redirect: "manual" })).status).toBe(404)
    expect((await send("global", path, { token: null, headers: clientAt(), redirect: "manual" })).status).toBe(401)
  })
})
