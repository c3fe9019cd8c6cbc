import { describe, expect, it } from "vitest"
import { base64, shipyard } from "../../support/client.ts"
import { listMessages } from "../../support/history.ts"
import { auditProject } from "../../support/integrity.ts"
import { failure, fetchFile, listFiles, newProject, newService } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import { getProject, listStages, putProject } from "../../support/projects.ts"

/** A shipyard whose stage `prod` is triggered by `dev`, in this order of its stages. */
function chained(...stages: string[]): string {
  const trigger =
    "\n      sequences:\n        - name: delivery\n          triggeredOn: [{ event: dev.delivery.finished }]"
  return stages.reduce((text, stage) => {
    return `${text}\n    - name: ${stage}${stage === "prod" ? trigger : ""}`
  }, "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nmetadata:\n  name: changed\nspec:\n  stages:")
}

async function stageNames(project: string): Promise<string[]> {
  return (await getProject(project)).stages.map((stage) => stage.stageName)
}

describe("changing a project's shipyard", () => {
  it("answers 201 with an empty body", async () => {
    const name = await newProject("dev")
    const response = await putProject({ name, shipyard: base64(shipyard("dev")) })
    expect([response.status, await response.text()]).toEqual([201, ""])
  })

  it("changes what is answered, and commits the file to the project's branch", async () => {
    const name = await newProject("dev", "prod")
    const text = chained("dev", "prod")
    expect((await putProject({ name, shipyard: base64(text) })).status).toBe(201)
    expect(await getProject(name)).toMatchObject({ shipyard: text, shipyardVersion: "spec.keptn.sh/0.2.3" })
    expect((await fetchFile({ project: name }, "shipyard.yaml")).text).toBe(text)
    expect((await listMessages(name))[0]).toBe("Update shipyard.yaml")
    const histories = await auditProject(name)
    expect(histories["main"]).toEqual(["Initialize project", "Add shipyard.yaml", "Update shipyard.yaml"])
    expect(histories["dev"]).toEqual(["Initialize project"])
  })

  it("may reorder the stages; their services stay", async () => {
    const name = await newProject("dev", "prod", "hardening")
    await newService(name, "carts")
    expect((await putProject({ name, shipyard: base64(chained("prod", "hardening", "dev")) })).status).toBe(201)
    expect(await stageNames(name)).toEqual(["prod", "hardening", "dev"])
    expect((await getProject(name)).stages.map(({ services }) => services.length)).toEqual([1, 1, 1])
    expect((await listStages(name)).names).toEqual(["dev", "hardening", "prod"])
  })

  it("sets the stages that trigger others, and takes them away", async () => {
    const name = await newProject("dev", "prod")
    const parents = async () => (await getProject(name)).stages.map((stage) => stage.parentStages)
    await putProject({ name, shipyard: base64(chained("dev", "prod")) })
    expect(await parents()).toEqual([undefined, ["dev"]])
    await putProject({ name, shipyard: base64(shipyard("dev", "prod")) })
    expect(await parents()).toEqual([undefined, undefined])
  })

  it("to what it is makes no commit: 201", async () => {
    const name = await newProject("dev")
    const before = await listMessages(name)
    expect((await putProject({ name, shipyard: base64(shipyard("dev")) })).status).toBe(201)
    expect(await listMessages(name)).toEqual(before)
  })

  it.each([
    { what: "added", stages: ["dev", "prod", "hardening"] },
    { what: "removed", stages: ["dev"] },
    { what: "renamed", stages: ["dev", "production"] },
    { what: "replaced", stages: ["a", "b", "c"] },
  ])("is refused with 400 when a stage is $what, and changes nothing", async ({ stages }) => {
    const name = await newProject("dev", "prod")
    const before = await getProject(name)
    const refused = await failure(await putProject({ name, shipyard: base64(shipyard(...stages)) }))
    expect(refused).toEqual({ status: 400, code: 400, message: "stage name cannot be changed or removed" })
    expect(await getProject(name)).toEqual(before)
    expect((await listFiles({ project: name, stage: "prod" })).uris).toEqual(["/metadata.yaml"])
  })

  it("of five at once ends with one of them, in the row as in the file", async () => {
    const name = await newProject("dev")
    const texts = Array.from({ length: 5 }, (_, n) => `${shipyard("dev")}\n# ${n}`)
    const responses = await Promise.all(texts.map((text) => putProject({ name, shipyard: base64(text) })))
    for (const { status } of responses) expect([201, 409]).toContain(status)
    expect((await fetchFile({ project: name }, "shipyard.yaml")).text).toBe((await getProject(name)).shipyard)
    await auditProject(name)
  })
})

describe("a change of a project", () => {
  it.each([{}, { shipyard: null }, { shipyard: "" }, { gitCredentials: null }])(
    "that says nothing changes nothing: 201 for %j",
    async (members) => {
      const name = await newProject("dev")
      const before = await getProject(name)
      expect((await putProject({ name, ...members })).status).toBe(201)
      expect(await getProject(name)).toEqual(before)
      expect(await listMessages(name)).toHaveLength(2)
    },
  )

  it.each([
    { members: { stages: [] }, field: "stages" },
    { members: { gitToken: "t" }, field: "gitToken" },
    { members: { gitCredentials: { remoteURL: "https://a", token: "t" } }, field: "token" },
  ])("with the unknown field $field is refused with 400", async ({ members, field }) => {
    const name = await newProject("dev")
    const message = `Invalid request format: json: unknown field "${field}"`
    expect(await failure(await putProject({ name, ...members }))).toEqual({ status: 400, code: 400, message })
  })

  it.each([
    { body: {}, text: "project name missing" },
    { body: { name: "" }, text: "project name missing" },
    { body: { name: "Up" }, text: "provided project name is not a valid Keptn entity name" },
    { body: { name: "p", shipyard: "%" }, text: "could not decode shipyard content" },
    { body: { name: "p", shipyard: base64("- a") }, text: "could not unmarshal provided shipyard content" },
    {
      body: { name: "p", shipyard: base64("apiVersion: spec.keptn.sh/0.2.0") },
      text: "provided shipyard file is not valid: it must contain at least one stage",
    },
  ])("that is no project is refused with 400: $text", async ({ body, text }) => {
    // Who may change nothing is told of the name alone, so this is asked by who may.
    const refused = await failure(await putProject(body))
    expect(refused).toEqual({ status: 400, code: 400, message: `Could not validate payload: ${text}` })
  })

  it.each([{}, { shipyard: base64(shipyard("dev")) }])(
    "of an unknown project is refused with 404: %j",
    async (members) => {
      const refused = await failure(await putProject({ name: "nowhere", ...members }))
      expect(refused).toEqual({ status: 404, code: 404, message: "project not found" })
    },
  )

  it("is for Admins: 403 for a Contributor, 404 for who does not see the project", async () => {
    const name = await newProject("dev")
    const body = { name, shipyard: base64(`${shipyard("dev")}\n# changed`) }
    const admin = await tokenWith({ roleName: "Admin", entityId: name })
    const contributor = await tokenWith({ roleName: "Contributor", entityId: name })
    const stranger = await tokenWith({ roleName: "Admin", entityId: "other" })
    expect(await failure(await putProject(body, { token: contributor }))).toEqual({
      status: 403,
      code: 403,
      message: `missing role Admin on project '${name}' in region 'eu'`,
    })
    expect(await failure(await putProject(body, { token: stranger }))).toEqual({
      status: 404,
      code: 404,
      message: "project not found",
    })
    expect(await listMessages(name)).toHaveLength(2)
    expect((await putProject(body, { token: admin })).status).toBe(201)
  })
})
