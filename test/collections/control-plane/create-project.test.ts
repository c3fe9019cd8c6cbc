import { describe, expect, it } from "vitest"
import { base64, shipyard } from "../../support/client.ts"
import { findEvents } from "../../support/events.ts"
import { failure, fetchFile, listFiles } from "../../support/keptn.ts"
import { getProject, postProject } from "../../support/projects.ts"

const file = shipyard("dev", "hardening", "a-prod")

describe("creating a project", () => {
  it("answers 201 with an empty body", async () => {
    const response = await postProject({ name: "empty-body", shipyard: base64(file) })
    expect(response.status).toBe(201)
    expect(await response.text()).toBe("")
  })

  it("makes a project that can be got, with its stages in the order of the shipyard", async () => {
    const before = Date.now()
    await postProject({ name: "sockshop", shipyard: base64(file) })
    const project = await getProject("sockshop")
    expect(project).toEqual({
      projectName: "sockshop",
      creationDate: expect.any(String),
      shipyard: file,
      shipyardVersion: "spec.keptn.sh/0.2.2",
      stages: [
        { stageName: "dev", services: [] },
        { stageName: "hardening", services: [] },
        { stageName: "a-prod", services: [] },
      ],
      isUpstreamAutoProvisioned: true,
    })
    expect(Number(project.creationDate.slice(0, -6))).toBeGreaterThanOrEqual(before)
    expect(Number(project.creationDate.slice(0, -6))).toBeLessThanOrEqual(Date.now())
  })

  it("puts metadata.yaml into the project and every stage, and shipyard.yaml into the project only", async () => {
    await postProject({ name: "files", shipyard: base64(file) })
    expect((await listFiles({ project: "files" })).uris).toEqual(["/metadata.yaml", "/shipyard.yaml"])
    expect((await listFiles({ project: "files", stage: "dev" })).uris).toEqual(["/metadata.yaml"])
    expect((await listFiles({ project: "files", stage: "a-prod" })).uris).toEqual(["/metadata.yaml"])
    expect((await fetchFile({ project: "files" }, "shipyard.yaml")).text).toBe(file)
    expect((await fetchFile({ project: "files" }, "metadata.yaml")).text).toMatch(/^projectName: files$/m)
  })

  it("publishes that it was started and finished, in a context of its own", async () => {
    await postProject({ name: "news", shipyard: base64(file) })
    const { events } = await findEvents("project=news")
    const [finished, started] = events
    expect(events.map((event) => event.type)).toEqual([
      "sh.keptn.event.project.create.finished",
      "sh.keptn.event.project.create.started",
    ])
    expect(started?.shkeptncontext).toBe(finished?.shkeptncontext)
    expect(finished).toMatchObject({
      source: "shipyard-controller",
      data: {
        project: "news",
        status: "succeeded",
        result: "pass",
        createdProject: { projectName: "news", gitRemoteURL: "", shipyard: base64(file) },
      },
    })
  })

  it("takes a body for JSON whatever its content type says: 201", async () => {
    const body = JSON.stringify({ name: "lenient", shipyard: base64(file) })
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    expect((await postProject(undefined, { method: "POST", body, headers })).status).toBe(201)
  })

  it.each(["a", "a1", "a-b-c", "x".repeat(200)])("accepts the name %s: 201", async (name) => {
    expect((await postProject({ name, shipyard: base64(file) })).status).toBe(201)
  })

  it("keeps a shipyard of nearly a megabyte, letters beyond ASCII included: 201", async () => {
    const large = `${file}\n# ${"é".repeat(499_000)}\n`
    expect((await postProject({ name: "large", shipyard: base64(large) })).status).toBe(201)
    expect((await getProject("large")).shipyard === large).toBe(true)
    expect((await fetchFile({ project: "large" }, "shipyard.yaml")).text === large).toBe(true)
  })

  it("refuses a shipyard beyond a megabyte with 400", async () => {
    const refused = await failure(
      await postProject({ name: "larger", shipyard: base64(`${file}\n#${" ".repeat(1e6)}`) }),
    )
    expect(refused).toMatchObject({ status: 400, message: expect.stringContaining("larger than 1000000 bytes") })
  })

  it("accepts gitCredentials that are null: 201", async () => {
    const response = await postProject({ name: "null-credentials", shipyard: base64(file), gitCredentials: null })
    expect(response.status).toBe(201)
  })

  it("answers 409 for a name that is taken and leaves the project as it was", async () => {
    await postProject({ name: "taken", shipyard: base64(file) })
    const before = await getProject("taken")
    const refused = await failure(await postProject({ name: "taken", shipyard: base64(shipyard("other")) }))
    expect(refused).toEqual({
      status: 409,
      code: 409,
      message: "could not create project 'taken': project already exists",
    })
    expect(await getProject("taken")).toEqual(before)
    expect((await findEvents("project=taken")).totalCount).toBe(2)
    expect((await fetchFile({ project: "taken" }, "shipyard.yaml")).text).toBe(file)
  })
})
