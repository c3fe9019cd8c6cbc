/**
 * OWASP API5:2023. Functions that a caller may not use, by another method, another path, or a role that it gives itself. Which role takes
 * which operation is in test/battery.test.ts.
 */
import { beforeAll, describe, expect, it } from "vitest"
import { clientAt } from "../support/address.ts"
import { createProject, send } from "../support/client.ts"
import { ask, newAccount, page } from "../support/identity.ts"
import { readOperations } from "../support/openapi.ts"
import { createTeam, createUser, issueToken, joinSystemTeam, tokenWith } from "../support/people.ts"
import { projectsPath } from "../support/projects.ts"

const operations = [...(await readOperations("eu")), ...(await readOperations("global"))]
const reads = operations.filter(({ method, requires }) => method === "GET" && requires.on !== "token")

let nobody = ""

beforeAll(async () => {
  await createProject("eu", "target", "dev")
  nobody = await tokenWith()
})

describe("HEAD is refused as GET is", () => {
  it.each(reads.map((one): [string, (typeof reads)[number]] => [one.operationId, one]))("%s", async (_, operation) => {
    const { path, ...request } = operation.request()
    const get = await send(operation.host, path, { ...request, token: nobody })
    const head = await send(operation.host, path, { ...request, token: nobody, method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([get.status, ""])
  })
})

describe("a method that a header or a query names instead is not taken", () => {
  const names = ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method", "_method"]

  it.each(names)("%s: DELETE", async (name) => {
    for (const method of ["GET", "POST"]) {
      const headers = { [name]: "DELETE" }
      await send("eu", `${projectsPath}/target?${name}=DELETE&_method=DELETE`, { method, headers })
    }
    expect((await send("eu", `${projectsPath}/target`)).status).toBe(200)
  })

  it.each(names)("%s: GET, to read with the body of a form what only an administrator may", async (name) => {
    const request = { token: nobody, method: "POST", headers: { [name]: "GET" }, body: "_method=GET" }
    for (const path of ["/v3/users", "/v3/teams", "/v3/audit-log", "/v3/status"]) {
      const { status } = await send("global", path, request)
      expect([403, 404, 405]).toContain(status)
    }
  })

  it.each(["x-original-url", "x-rewrite-url", "x-forwarded-path", "x-forwarded-prefix", "x-envoy-original-path"])(
    "nor the path that %s names",
    async (name) => {
      const response = await send("global", "/v3/users/me", { token: nobody, headers: { [name]: "/v3/users" } })
      expect(response.status).toBe(200)
      expect(Object.keys(Object(await response.json()))).not.toContain("data")
    },
  )

  it.each(["x-principal-id", "x-user-id", "x-remote-user", "x-consumer-id", "x-authenticated-userid", "x-roles"])(
    "nor the caller that %s names",
    async (name) => {
      const headers = { [name]: "organization-admin" }
      expect((await send("global", "/v3/users", { token: nobody, headers })).status).toBe(403)
      expect((await send("eu", `${projectsPath}/target`, { token: nobody, headers })).status).toBe(404)
    },
  )
})

describe("another way to write a path is no other way to a function", () => {
  it.each([
    "/v3/teams/",
    "//v3//teams",
    "/V3/teams",
    "/v3/TEAMS",
    "/v3/%74eams",
    "/%76%33/teams",
    "/v3%2Fteams",
    "/v3/teams;a=b",
    "/v3/teams%00",
    "/v3/teams%20",
    "/v3/teams.json",
    "/v3/teams%3f",
    "/v3/users/me/../../teams",
    "/v3/users/me/..%2F..%2Fteams",
    "/v3/./teams",
    "/v2/teams",
    "/v2//teams",
    "/v3/v2/teams",
    "/v2/v3/teams",
    "/api/../v3/teams",
    "/api/assets/..%2F..%2Fv3/teams",
    "/health/..%2Fv3%2Fteams",
  ])("%s", async (path) => {
    for (const token of [nobody, null]) {
      const headers = token === null ? clientAt() : {}
      const { status } = await send("global", path, { token, headers, redirect: "manual" })
      // Below an open prefix there is nothing: 404 for everybody.
      const isOpen = path.startsWith("/api/assets/..%2F")
      expect(token === null && !isOpen ? [401] : [403, 404]).toContain(status)
    }
  })
})

/** What would make somebody an administrator, or let it act as one. */
async function escalations(self: string): Promise<[method: string, path: string, json?: unknown][]> {
  const { data } = await ask("/v3/teams?filter[name]=organization-admin", page)
  const admins = String(data[0]?.["id"])
  const account = await newAccount(`bait-${crypto.randomUUID()}`)
  const role = { role_name: "Admin", entity_id: "*", entity_type_name: "Projects", entity_region: "*" }
  const own = await createTeam("its own", self)
  const accountTokens = `/v3/system-accounts/${account.id}/access-tokens`
  return [
    ["POST", `/v3/users/${self}/assigned-roles`, role],
    ["POST", `/v3/system-accounts/${self}/assigned-roles`, role],
    ["POST", `/v3/teams/${own}/assigned-roles`, role],
    ["POST", `/v3/teams/${admins}/users`, { id: self }],
    ["POST", `/v3/teams/${admins}/system-accounts`, { id: self }],
    ["POST", `/v3/teams/${own}/users`, { id: self }],
    ["PATCH", `/v3/teams/${own}`, { name: "organization-admin" }],
    ["POST", "/v3/teams", { name: "organization-admin" }],
    ["POST", "/v3/system-accounts", { name: "mine" }],
    ["POST", "/v3/invites", { email: "me-again@example.com" }],
    ["POST", accountTokens, { name: "mine", ttl_seconds: 3600 }],
    ["POST", `${accountTokens}/import`, { name: "mine", token: "q7Zt0pXw3Lr9Vb2K-mine", ttl_seconds: 3600 }],
    ["POST", `${accountTokens}/${account.tokenId}/rotate`, { grace_seconds: 0 }],
    ["PATCH", `${accountTokens}/${account.tokenId}/revoke`],
    ["DELETE", `/v3/users/${await createUser()}`],
    ["DELETE", `/v3/teams/${own}`],
    ["DELETE", `/v3/users/${self}`],
  ]
}

describe("nobody makes itself more than it is", () => {
  it("a user without roles, and one with all roles on all projects of all regions: 403", async () => {
    const roles = ["Viewer", "Integration", "Contributor", "Admin", "Creator"]
    for (const given of [[], roles]) {
      const self = await createUser()
      const token = await issueToken(self)
      for (const roleName of given) {
        const json = { role_name: roleName, entity_id: "*", entity_type_name: "Projects", entity_region: "*" }
        await ask(`/v3/users/${self}/assigned-roles`, page.partial(), { json }, 201)
      }
      for (const [method, path, json] of await escalations(self)) {
        const { status } = await send("global", path, { token, method, ...(json !== undefined && { json }) })
        expect([method, path, status]).toEqual([method, path, 403])
      }
      expect((await send("global", "/v3/users", { token })).status).toBe(403)
    }
  })

  it("a system account, which has no right to itself either: 403", async () => {
    const { id, token, tokenId } = await newAccount("itself")
    const own = `/v3/system-accounts/${id}`
    const more: [string, string, unknown?][] = [
      ["GET", own],
      ["PATCH", own, { name: "other" }],
      ["GET", `${own}/access-tokens`],
      ["GET", `${own}/access-tokens/${tokenId}`],
      ["GET", `/v3/users/${id}/access-tokens`],
    ]
    for (const [method, path, json] of [...more.slice(0, 4), ...(await escalations(id)).slice(0, -1)]) {
      const { status } = await send("global", path, { token, method, ...(json !== undefined && { json }) })
      expect([method, path, status]).toEqual([method, path, 403])
    }
    // To be the one that a path names is what it takes there: but there is no such user.
    for (const path of [`/v3/users/${id}`, `/v3/users/${id}/access-tokens`]) {
      expect((await send("global", path, { token })).status).toBe(404)
    }
    const json = { name: "mine", ttl_seconds: 3600 }
    expect((await send("global", `/v3/users/${id}/access-tokens`, { token, json })).status).toBe(404)
  })

  it("one who may read everything: 403", async () => {
    const self = await createUser()
    await joinSystemTeam("organization-admin-read-only", self)
    const token = await issueToken(self)
    for (const [method, path, json] of await escalations(self)) {
      const { status } = await send("global", path, { token, method, ...(json !== undefined && { json }) })
      expect([method, path, status]).toEqual([method, path, 403])
    }
  })

  it("a team that an administrator calls organization-admin makes nobody an administrator", async () => {
    const self = await createUser()
    const token = await issueToken(self)
    const response = await send("global", "/v3/teams", { json: { name: "organization-admin" } })
    if (response.status === 201) {
      const { id } = Object(await response.json())
      await send("global", `/v3/teams/${String(id)}/users`, { json: { id: self } })
    }
    expect((await send("global", "/v3/users", { token })).status).toBe(403)
  })
})
