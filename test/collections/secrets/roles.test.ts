/** Who may do what with secrets: roles on Secrets say so, and no role on projects. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { clientAt } from "../../support/address.ts"
import { send } from "../../support/client.ts"
import { ask, newAccount, refused, statusFor, withId } from "../../support/identity.ts"
import { createUser, issueToken, joinSystemTeam, type TestRole, tokenWith } from "../../support/people.ts"
import { newName, secretPath } from "../../support/secrets.ts"

const ON_SECRETS = { entityTypeName: "Secrets" }

/** What a token may do with secrets in both regions. */
async function rightsOf(token: string): Promise<string[]> {
  const rights: string[] = []
  for (const label of ["eu", "us"]) {
    const request = { token, headers: clientAt() }
    const json = { name: newName(), data: {} }
    const list = await send(label, secretPath, request)
    const write = await send(label, secretPath, { ...request, json })
    expect([list.status, write.status]).toEqual([list.ok ? 200 : 403, write.ok ? 201 : 403])
    if (list.ok) rights.push(`read ${label}`)
    if (write.ok) rights.push(`write ${label}`)
  }
  return rights
}

describe("roles on secrets", () => {
  const cases: [string, TestRole[], string[]][] = [
    ["none", [], []],
    ["Viewer", [{ ...ON_SECRETS, roleName: "Viewer" }], ["read eu"]],
    ["Admin", [{ ...ON_SECRETS, roleName: "Admin" }], ["read eu", "write eu"]],
    ["Viewer everywhere", [{ ...ON_SECRETS, roleName: "Viewer", entityRegion: "*" }], ["read eu", "read us"]],
    [
      "that differ by region",
      [
        { ...ON_SECRETS, roleName: "Viewer" },
        { ...ON_SECRETS, roleName: "Admin", entityRegion: "us" },
      ],
      ["read eu", "read us", "write us"],
    ],
    ["on one secret", [{ ...ON_SECRETS, roleName: "Admin", entityId: "secret-1" }], []],
    [
      "that there are not",
      [
        { ...ON_SECRETS, roleName: "Contributor" },
        { ...ON_SECRETS, roleName: "Creator" },
      ],
      [],
    ],
    ["on projects", [{ roleName: "Admin", entityRegion: "*" }], []],
  ]

  it.each(cases)("%s", async (_, roles, rights) => {
    expect(await rightsOf(await tokenWith(...roles))).toEqual(rights)
  })

  it.each([
    ["organization-admin", ["read eu", "write eu", "read us", "write us"]],
    ["organization-admin-read-only", ["read eu", "read us"]],
  ])("the system team %s has all of them, or those to read", async (team, rights) => {
    const user = await createUser()
    await joinSystemTeam(team, user)
    expect(await rightsOf(await issueToken(user))).toEqual(rights)
  })

  it.each([
    ["GET", secretPath, "Viewer or Admin"],
    ["GET", "/api/secrets/v1/scope", "Viewer or Admin"],
    ["POST", secretPath, "Admin"],
    ["PUT", secretPath, "Admin"],
    ["DELETE", `${secretPath}?name=a&scope=keptn-default`, "Admin"],
  ])("are named where one is missing: %s %s, before anything is read", async (method, path, roles) => {
    const token = await tokenWith({ roleName: "Admin" })
    const response = await send("eu", path, {
      method,
      token,
      headers: clientAt(),
      ...(method[0] === "P" && { body: "{" }),
    })
    const message = `missing role ${roles} on secrets in region 'eu'`
    expect([response.status, await response.json()]).toEqual([403, { code: 403, message }])
  })
})

describe("the identity API", () => {
  const viewer = { role_name: "Viewer", entity_type_name: "Secrets", entity_id: "*", entity_region: "eu" }

  it("assigns roles on secrets, which count at once", async () => {
    const { id, token } = await newAccount("secret reader")
    expect(await statusFor(token, "eu", secretPath)).toBe(403)
    const path = `/v3/system-accounts/${id}/assigned-roles`
    const assigned = await ask(path, withId, { json: viewer }, 201)
    expect(assigned).toEqual({ id: assigned.id, ...viewer })
    expect([await statusFor(token, "eu", secretPath), await statusFor(token, "us", secretPath)]).toEqual([200, 403])
    await ask(`${path}/${assigned.id}`, z.null(), { method: "DELETE" }, 204)
    expect(await statusFor(token, "eu", secretPath)).toBe(403)
  })

  it("takes the short form of them", async () => {
    const { id } = await newAccount("secret short form")
    const json = { role: "Admin", entity_id: "*", entity_type: "secrets", entity_region: "*" }
    expect(await ask(`/v3/system-accounts/${id}/assigned-roles`, withId, { json }, 201)).toMatchObject({
      role_name: "Admin",
      entity_type_name: "Secrets",
    })
  })

  it.each([
    [{ entity_id: "dynatrace" }, ["entity_id enum"]],
    [{ role_name: "Contributor" }, ["role_name enum"]],
    [{ role_name: "Creator", entity_id: "x" }, ["role_name enum", "entity_id enum"]],
    [{ role_name: "Boss" }, ["role_name enum"]],
    [{ entity_region: "mars" }, ["entity_region enum"]],
    [{ entity_type_name: "secrets" }, ["entity_type_name enum"]],
  ])("assigns none with %j: 400", async (part, wrong) => {
    const { id } = await newAccount(`wrong ${crypto.randomUUID()}`)
    const request = { json: { ...viewer, ...part } }
    const [status, , found] = await refused(`/v3/system-accounts/${id}/assigned-roles`, request)
    expect([status, found]).toEqual([400, wrong])
  })

  it("has them in its catalogue", async () => {
    const catalogue = await ask("/v3/roles", z.record(z.string(), z.unknown()))
    expect(catalogue).toMatchObject({
      projects: { name: "Projects" },
      secrets: { name: "Secrets", roles: { admin: { name: "Admin" }, viewer: { name: "Viewer" } } },
    })
  })
})
