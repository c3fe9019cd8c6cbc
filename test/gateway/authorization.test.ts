/** What roles add up to: directly or through teams, on one project or all, in one region or all. */
import { beforeAll, describe, expect, it } from "vitest"
import { clientAt } from "../support/address.ts"
import { base64, createProject, send } from "../support/client.ts"
import { readOperations } from "../support/openapi.ts"
import {
  assignRole,
  createSystemAccount,
  createTeam,
  createUser,
  issueToken,
  joinSystemTeam,
  type TestRole,
  tokenWith,
} from "../support/people.ts"

const READ = "/api/controlPlane/v1/project/mine"
const WRITE = "/api/resource-service/v1/project/mine/resource"

beforeAll(async () => {
  for (const label of ["eu", "us"]) await createProject(label, "mine", "dev")
})

async function mayRead(label: string, token: string): Promise<boolean> {
  const response = await send(label, READ, { token, headers: clientAt() })
  expect([200, 404]).toContain(response.status)
  return response.status === 200
}

async function mayWrite(label: string, token: string): Promise<boolean> {
  const json = { resources: [{ resourceURI: "a", resourceContent: base64("a") }] }
  const response = await send(label, WRITE, { token, json, headers: clientAt() })
  expect([201, 403, 404]).toContain(response.status)
  return response.status === 201
}

/** What a token may do in both regions. */
async function rightsOf(token: string): Promise<string[]> {
  const rights: string[] = []
  for (const label of ["eu", "us"]) {
    if (await mayRead(label, token)) rights.push(`read ${label}`)
    if (await mayWrite(label, token)) rights.push(`write ${label}`)
  }
  return rights
}

describe("roles", () => {
  const cases: [string, TestRole[], string[]][] = [
    ["none", [], []],
    ["on the project", [{ roleName: "Viewer", entityId: "mine" }], ["read eu"]],
    ["on all projects", [{ roleName: "Viewer" }], ["read eu"]],
    [
      "on the project in all regions",
      [{ roleName: "Viewer", entityId: "mine", entityRegion: "*" }],
      ["read eu", "read us"],
    ],
    ["on all projects in all regions", [{ roleName: "Viewer", entityRegion: "*" }], ["read eu", "read us"]],
    ["in the other region", [{ roleName: "Contributor", entityRegion: "us" }], ["read us", "write us"]],
    [
      "that differ by region",
      [
        { roleName: "Viewer", entityId: "mine" },
        { roleName: "Contributor", entityRegion: "us" },
      ],
      ["read eu", "read us", "write us"],
    ],
    [
      "that add up",
      [
        { roleName: "Viewer", entityRegion: "*" },
        { roleName: "Contributor", entityId: "mine" },
      ],
      ["read eu", "write eu", "read us"],
    ],
    ["that create only", [{ roleName: "Creator", entityRegion: "*" }], []],
    ["on another project", [{ roleName: "Admin", entityId: "mine-too" }], []],
    ["on a project whose name begins the same", [{ roleName: "Admin", entityId: "min" }], []],
    ["on a project in other letters", [{ roleName: "Admin", entityId: "Mine" }], []],
    ["of another entity type", [{ roleName: "Admin", entityTypeName: "Secrets" }], []],
    ["that there are not", [{ roleName: "admin" }, { roleName: "Owner" }, { roleName: "constructor" }], []],
    ["in a region that there is not", [{ roleName: "Admin", entityRegion: "EU" }], []],
  ]

  it.each(cases)("%s", async (_, roles, rights) => {
    expect(await rightsOf(await tokenWith(...roles))).toEqual(rights)
  })

  it("of a team are those of its members", async () => {
    const [member, other] = [await createUser(), await createUser()]
    const team = await createTeam("developers", member)
    await assignRole(team, { roleName: "Contributor", entityId: "mine" })
    expect(await rightsOf(await issueToken(member))).toEqual(["read eu", "write eu"])
    expect(await rightsOf(await issueToken(other))).toEqual([])
  })

  it("of several teams and of the member itself add up", async () => {
    const member = await createUser()
    await assignRole(await createTeam("readers", member), { roleName: "Viewer", entityRegion: "*" })
    await assignRole(await createTeam("writers", member), { roleName: "Contributor", entityRegion: "us" })
    await assignRole(member, { roleName: "Integration" })
    expect(await rightsOf(await issueToken(member))).toEqual(["read eu", "read us", "write us"])
  })

  it("of a system account and its teams count as those of a user", async () => {
    const account = await createSystemAccount()
    await assignRole(account, { roleName: "Viewer", entityId: "mine" })
    await assignRole(await createTeam("robots", account), { roleName: "Contributor", entityRegion: "us" })
    expect(await rightsOf(await issueToken(account))).toEqual(["read eu", "read us", "write us"])
  })
})

describe("the system teams", () => {
  it.each([
    ["organization-admin", ["read eu", "write eu", "read us", "write us"]],
    ["organization-admin-read-only", ["read eu", "read us"]],
  ])("%s", async (team, rights) => {
    const user = await createUser()
    await joinSystemTeam(team, user)
    expect(await rightsOf(await issueToken(user))).toEqual(rights)
  })

  it("give nothing to a team that only has the name of one", async () => {
    const user = await createUser()
    await createTeam("organization-admin", user)
    expect(await rightsOf(await issueToken(user))).toEqual([])
  })
})

/** The battery holds every operation to what it declares; here the declarations are held to the design. */
describe("the operations declare", async () => {
  const operations = [...(await readOperations("eu")), ...(await readOperations("global"))]

  it.each([
    ["checkAuthentication", "token", undefined],
    ["getMetadata", "token", undefined],
    ["getStatus", "organization", "read"],
    ["sendEvent", "body", "integrate", "contribute"],
    ["importPackage", "body", "contribute", "administer", true],
    ["listEvents", "projects", "read"],
    ["listProjects", "projects", "read"],
    ["createProject", "body", "create"],
    ["getProject", "project", "read"],
    ["deleteProject", "project", "administer"],
    ["updateProject", "body", "administer"],
    ["listStages", "project", "read"],
    ["getStage", "project", "read"],
    ["listServices", "project", "read"],
    ["getService", "project", "read"],
    ["createService", "project", "contribute"],
    ["deleteService", "project", "contribute"],
    ["triggerEvaluation", "project", "contribute"],
    ["listTriggeredEvents", "token", undefined],
    ["listEventsOfType", "projects", "read"],
    ["exportEvents", "body", "read"],
    ["importEvents", "body", "administer"],
    ["listProjectResources", "project", "read"],
    ["readServiceResource", "project", "read"],
    ["writeProjectResources", "project", "contribute"],
    ["writeStageResources", "project", "contribute"],
    ["writeServiceResources", "project", "contribute"],
    ["updateProjectResources", "project", "contribute"],
    ["updateProjectResource", "project", "contribute"],
    ["updateStageResources", "project", "contribute"],
    ["updateStageResource", "project", "contribute"],
    ["updateServiceResources", "project", "contribute"],
    ["updateServiceResource", "project", "contribute"],
    ["deleteProjectResource", "project", "contribute"],
    ["deleteStageResource", "project", "contribute"],
    ["deleteServiceResource", "project", "contribute"],
    ["listSecrets", "secrets", "read"],
    ["listSecretScopes", "secrets", "read"],
    ["createSecret", "secrets", "administer"],
    ["updateSecret", "secrets", "administer"],
    ["deleteSecret", "secrets", "administer"],
    ["registerIntegration", "any-project", "integrate"],
    ["listIntegrations", "any-project", "read"],
    ["pingIntegration", "any-project", "integrate"],
    ["unregisterIntegration", "any-project", "integrate"],
    ["listSubscriptions", "any-project", "read"],
    ["createSubscription", "any-project", "integrate"],
    ["getSubscription", "any-project", "read"],
    ["putSubscription", "any-project", "integrate"],
    ["deleteSubscription", "any-project", "integrate"],
    ["createLogs", "any-project", "integrate"],
    ["listLogs", "any-project", "read"],
    ["getStatistics", "projects", "read"],
    ["legacyWriteProjectResources", "project", "contribute"],
    ["legacyWriteStageResources", "project", "contribute"],
    ["legacyWriteServiceResources", "project", "contribute"],
    ["legacyUpdateProjectResources", "project", "contribute"],
    ["legacyUpdateStageResources", "project", "contribute"],
    ["legacyUpdateServiceResources", "project", "contribute"],
    ["legacyUpdateProjectResource", "project", "contribute"],
    ["legacyUpdateStageResource", "project", "contribute"],
    ["legacyUpdateServiceResource", "project", "contribute"],
    ["legacyDeleteProjectResource", "project", "contribute"],
    ["legacyDeleteStageResource", "project", "contribute"],
    ["legacyDeleteServiceResource", "project", "contribute"],
  ])("for %s: %s %s", (operationId, on, action, atMost?: string, secrets?: boolean) => {
    const found = operations.find((operation) => operation.operationId === operationId)
    expect(found?.requires).toEqual({
      on,
      ...(action && { action }),
      ...(atMost && { atMost }),
      ...(secrets && { secrets }),
    })
  })

  it("more than a token or the right to read where something is changed", () => {
    const changing = operations.filter(({ method }) => method !== "GET")
    const weak = changing.filter(({ requires }) => requires.on === "token" || requires.action === "read")
    expect(changing.length).toBeGreaterThan(5)
    // Keptn's clients post nothing to the first: it is a question. So is what git posts to fetch.
    const checks = ["checkAuthentication", ...["Put", "Patch", "Delete"].map((verb) => `checkAuthenticationBy${verb}`)]
    const questions = [...checks, "gitUploadPack", "activateMe"]
    expect(weak.map(({ operationId }) => operationId)).toEqual(questions)
  })
})

describe("a project that a caller may not see", () => {
  it.each([
    ["GET", "/api/controlPlane/v1/project/{}", undefined],
    ["DELETE", "/api/controlPlane/v1/project/{}", undefined],
    ["GET", "/api/controlPlane/v1/project/{}/stage", undefined],
    ["GET", "/api/controlPlane/v1/project/{}/stage/dev", undefined],
    ["GET", "/api/controlPlane/v1/project/{}/stage/dev/service", undefined],
    ["POST", "/api/controlPlane/v1/project/{}/service", { serviceName: "carts" }],
    ["DELETE", "/api/controlPlane/v1/project/{}/service/carts", undefined],
    ["GET", "/api/controlPlane/v1/event/triggered/x?project={}", undefined],
    ["GET", "/api/mongodb-datastore/event/export?project={}", undefined],
    ["POST", "/api/mongodb-datastore/event/import?project={}", {}],
    ["GET", "/api/resource-service/v1/project/{}/resource", undefined],
    ["POST", "/api/resource-service/v1/project/{}/resource", { resources: [] }],
  ])("is answered by %s %s like one that does not exist", async (method, path, json) => {
    const token = await tokenWith({ roleName: "Admin", entityId: "another" })
    const answers: [number, string][] = []
    for (const project of ["mine", "nobodys"]) {
      const options = { method, token, headers: clientAt(), ...(json && { json }) }
      const response = await send("eu", path.replace("{}", project), options)
      answers.push([response.status, (await response.text()).replaceAll(project, "{}")])
    }
    expect(answers[0]?.[0]).toBeGreaterThanOrEqual(404)
    expect(answers[0]).toEqual(answers[1])
  })
})
