/** Every path has the methods that its document says, and no other: the refusal lists exactly those. */
import { describe, expect, it } from "vitest"
import { send } from "../support/client.ts"
import { readOperations } from "../support/openapi.ts"

/** Keptn's gateway keeps these from everybody, which comes first. */
const BLOCKED = /^(DELETE \/api\/controlPlane\/v1\/log|(?!OPTIONS).* \/api\/mongodb-datastore\/event)$/

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "MKCOL"]

/** The paths of a host with their methods, as `Allow` lists them, and an example of each path. */
async function pathsOf(label: string): Promise<Map<string, { methods: string[]; example: string }>> {
  const paths = new Map<string, { methods: string[]; example: string }>()
  for (const operation of await readOperations(label)) {
    const { path, method } = operation
    const { methods } = paths.get(path) ?? { methods: [] }
    const all = [...methods, method, ...(method === "GET" ? ["HEAD"] : [])]
    paths.set(path, { methods: all.toSorted(), example: operation.request().path.split("?")[0] ?? "" })
  }
  return paths
}

describe.each(["eu", "global"])("on %s", (label) => {
  it("a method that a path is not documented with is 405, and Allow lists those that it is documented with", async () => {
    const paths = await pathsOf(label)
    const answers: unknown[] = []
    const expected: unknown[] = []
    for (const [path, { methods, example }] of paths) {
      for (const method of METHODS.filter((one) => !methods.includes(one) && !BLOCKED.test(`${one} ${path}`))) {
        const { status, headers } = await send(label, example, { method })
        answers.push([method, path, status, headers.get("allow")])
        expected.push([method, path, 405, methods.join(", ")])
      }
    }
    expect(answers).toEqual(expected)
    expect(answers.length).toBeGreaterThan(100)
  })
})

it.each([
  ["PATCH", "/v3/users/me", "GET, HEAD"],
  ["DELETE", "/v2/users/me", "GET, HEAD"],
  ["GET", "/v3/system-accounts/00000000-0000-4000-8000-000000000000/access-tokens/import", "POST"],
])("%s %s is not the operation of the template that covers the path", async (method, path, allow) => {
  const response = await send("global", path, { method })
  expect([response.status, response.headers.get("allow")]).toEqual([405, allow])
})

describe("a path that is not there", () => {
  it.each([
    ["eu", "/api/controlPlane/v1/projects", "/api/controlPlane/v1/project"],
    ["eu", "/api/controlPlane/v1/porject/shop/stages", "/api/controlPlane/v1/project/shop/stage"],
    ["eu", "/api/controlplane/v1/project", "/api/controlPlane/v1/project"],
    ["eu", "/api/controlPlane/project", "/api/controlPlane/v1/project"],
    ["eu", "/api/v1/metadata/", "/api/v1/metadata"],
    ["eu", "/api/secrets/v1/secrets", "/api/secrets/v1/secret"],
    ["eu", "/api/v1/events", "/api/v1/event"],
    [
      "eu",
      "/api/resource-service/v1/project/p/resources/a/b.yaml",
      "/api/resource-service/v1/project/p/resource/a/b.yaml",
    ],
    ["global", "/v3/user/me", "/v3/users/me"],
    ["global", "/v3/audit-logs", "/v3/audit-log"],
  ])("of %s, %s, leads to %s", async (label, path, near) => {
    const response = await send(label, path)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ message: `path ${path} was not found: did you mean ${near}?` })
  })

  it.each(["/nowhere", "/api/v1/x", "/api/sprockets/v1/sprocket", `/api/v1/${"x".repeat(300)}`])(
    "and like none, %s, leads nowhere",
    async (path) => {
      const response = await send("eu", path)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ message: `path ${path} was not found` })
    },
  )
})
