/** Who may send what to an origin: for a collection what its operations ask, for everything else the role of the upstream. */
import { beforeAll, describe, expect, it } from "vitest"
import { COLLECTION_PATHS } from "../../src/lib/collections.ts"
import { clientAt } from "../support/address.ts"
import { readOperations } from "../support/openapi.ts"
import { edgeBefore, originThat } from "../support/origin.ts"
import { createUser, issueToken, joinSystemTeam, type TestRole, tokenWith } from "../support/people.ts"

const collections = Object.keys(COLLECTION_PATHS)
const edge = edgeBefore(
  ...collections.map((collection) => ({ collection })),
  ...["none", "Viewer", "Integration", "Contributor", "Admin"].map((role) => ({ prefix: `/${role}`, role })),
)

/** A role on one project. */
function one(roleName: string): TestRole {
  return { roleName, entityId: "mine" }
}

/** The status that the edge gives a request of somebody with these roles, and whether the origin saw it. */
async function outcome(roles: TestRole[], method: string, path: string): Promise<string> {
  const requests = originThat(() => new Response("from the origin"))
  const response = await edge(path, { method, token: await tokenWith(...roles), headers: clientAt() })
  return `${response.status}${requests.length > 0 ? " origin" : ""}`
}

describe("every operation of a collection that an origin serves", async () => {
  const operations = (await readOperations("eu")).filter(({ path }) =>
    Object.values(COLLECTION_PATHS).some((prefix) => path.startsWith(`${prefix}/`)),
  )
  let reader: string
  beforeAll(async () => {
    const user = await createUser()
    await joinSystemTeam("organization-admin-read-only", user)
    reader = await issueToken(user)
  })

  it("is there to be asked", () => {
    expect(operations.length).toBeGreaterThan(70)
  })

  it.each(operations)("$operationId goes to the origin for an administrator", async (operation) => {
    const requests = originThat(() => new Response("from the origin"))
    const { path, method = "GET" } = operation.request()
    const response = await edge(path, { method })
    expect([response.status, await response.text()]).toEqual([200, "from the origin"])
    expect(requests.map((request) => request.method)).toEqual([method])
  })

  it.each(operations)(
    "$operationId takes what it takes here: roles that change nothing send no change",
    async (operation) => {
      const requests = originThat(() => new Response("from the origin"))
      const { path, method = "GET" } = operation.request()
      const { requires } = operation
      const reads = requires.on === "token" || requires.action === "read"
      const response = await edge(path, { method, token: reader, headers: clientAt() })
      expect([response.status, requests.length]).toEqual(reads ? [200, 1] : [403, 0])
    },
  )

  it.each(operations)(
    "$operationId is refused with 401 without a token, and the origin is not asked",
    async (operation) => {
      const requests = originThat(() => new Response("from the origin"))
      const { path, method = "GET" } = operation.request()
      const response = await edge(path, { method, token: null, headers: clientAt() })
      expect([response.status, requests]).toEqual([401, []])
    },
  )

  it.each(operations)("$operationId refuses somebody without roles as it does here", async (operation) => {
    const { path, method = "GET" } = operation.request()
    if (operation.requires.on === "token") return expect(await outcome([], method, path)).toBe("200 origin")
    const requests = originThat(() => new Response())
    const asked = { method, token: await tokenWith(), headers: clientAt() }
    const [there, here] = [await edge(path, asked), await edge(path, { ...asked, label: "us" })]
    // What a list leaves out here is not left out by an origin; what a body names is not read.
    const isNarrowed = ["projects", "body"].includes(operation.requires.on)
    expect([there.status, requests]).toEqual([isNarrowed ? 403 : here.status, []])
  })
})

describe("an operation on one project", () => {
  const FILE = "/api/resource-service/v1/project/mine/resource/a.yaml"
  it.each<[TestRole, string, string, string]>([
    [{ roleName: "Viewer", entityId: "mine" }, "GET", FILE, "200 origin"],
    [{ roleName: "Viewer", entityId: "mine" }, "HEAD", FILE, "200 origin"],
    [{ roleName: "Viewer", entityId: "mine" }, "PUT", FILE, "403"],
    [{ roleName: "Viewer", entityId: "other" }, "GET", FILE, "404"],
    [{ roleName: "Viewer", entityId: "mine", entityRegion: "us" }, "GET", FILE, "404"],
    [{ roleName: "Contributor", entityId: "mine" }, "PUT", FILE, "200 origin"],
    [{ roleName: "Viewer", entityId: "mine" }, "GET", FILE.replace("mine", "m%69ne"), "200 origin"],
    [{ roleName: "Viewer", entityId: "mine" }, "GET", FILE.replace("mine", "mine%2F..%2Fother"), "403"],
  ])("with the role %o: %s %s is %s", async (role, method, path, expected) => {
    expect(await outcome([role], method, path)).toBe(expected)
  })
})

describe("what only a handler here could narrow down takes the role on all projects", () => {
  it.each<[TestRole, string, string, string]>([
    [one("Admin"), "GET", "/api/controlPlane/v1/project", "403"],
    [{ roleName: "Viewer" }, "GET", "/api/controlPlane/v1/project", "200 origin"],
    [one("Viewer"), "GET", "/api/mongodb-datastore/event?project=mine", "403"],
    [{ roleName: "Viewer" }, "GET", "/api/mongodb-datastore/event?project=mine", "200 origin"],
    [one("Contributor"), "POST", "/api/v1/event", "403"],
    [{ roleName: "Integration" }, "POST", "/api/v1/event", "403"],
    [{ roleName: "Contributor" }, "POST", "/api/v1/event", "200 origin"],
    [{ roleName: "Contributor" }, "POST", "/api/v1/import?project=mine", "403"],
    [{ roleName: "Admin" }, "POST", "/api/v1/import?project=mine", "403"],
    [{ roleName: "Creator" }, "POST", "/api/controlPlane/v1/project", "200 origin"],
    [one("Creator"), "POST", "/api/controlPlane/v1/project", "403"],
  ])("with %o: %s %s is %s", async (role, method, path, expected) => {
    expect(await outcome([role], method, path)).toBe(expected)
  })
})

it("an import, which may hold secrets, takes Admin on those besides", async () => {
  const roles = [{ roleName: "Admin" }, { roleName: "Admin", entityTypeName: "Secrets" }]
  expect(await outcome(roles, "POST", "/api/v1/import?project=mine")).toBe("200 origin")
  expect(await outcome(roles.slice(1), "POST", "/api/v1/import?project=mine")).toBe("403")
})

describe("a path of a collection that this edge does not know takes Admin on all projects, or the role of the upstream", () => {
  const PATH = "/api/controlPlane/v1/sequence/mine"
  it.each<[TestRole, string]>([
    [{ roleName: "Contributor" }, "403"],
    [{ roleName: "Admin", entityId: "mine" }, "403"],
    [{ roleName: "Admin" }, "200 origin"],
  ])("%o is %s", async (role, expected) => {
    expect(await outcome([role], "GET", PATH)).toBe(expected)
  })

  it("a role that the upstream names is enough", async () => {
    const requests = originThat(() => new Response())
    const other = edgeBefore({ collection: "control-plane", role: "Viewer" })
    const response = await other(PATH, { token: await tokenWith({ roleName: "Viewer" }) })
    expect([response.status, requests.length]).toEqual([200, 1])
  })
})

describe("below a prefix", () => {
  const ladder = ["Viewer", "Integration", "Contributor", "Admin"]
  const cases = ladder.flatMap((required, least) =>
    ladder.map((role, rank): [string, string, string] => [role, required, rank >= least ? "200 origin" : "403"]),
  )
  it.each(cases)("somebody with %s on all projects, where %s is asked: %s", async (roleName, required, expected) => {
    expect(await outcome([{ roleName }], "GET", `/${required}/x`)).toBe(expected)
  })

  it("a role on one project is not enough: 403, and the answer says what is", async () => {
    originThat(() => new Response())
    const token = await tokenWith({ roleName: "Admin", entityId: "mine" })
    const response = await edge("/Viewer/x", { token })
    expect(response.status).toBe(403)
    expect(await response.json()).toEqual({
      code: 403,
      message: "missing role Viewer, Integration, Contributor or Admin on all projects in region 'eu'",
    })
  })

  it("any token is enough where no role is asked, and none is not", async () => {
    expect(await outcome([], "GET", "/none/x")).toBe("200 origin")
    const requests = originThat(() => new Response())
    expect([(await edge("/none/x", { token: null })).status, requests.length]).toEqual([401, 0])
  })
})
