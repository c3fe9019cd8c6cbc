import { describe, expect, it } from "vitest"
import { findEvents } from "../../support/events.ts"
import { commitFiles, failure, fetchFile, listFiles, newProject, newService } from "../../support/keptn.ts"
import { getProject, postService } from "../../support/projects.ts"

describe("creating a service", () => {
  it("answers 200 with an empty message", async () => {
    const response = await postService(await newProject("dev"), { serviceName: "carts" })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ message: "" })
  })

  it("creates it in every stage, with one commit that adds its metadata.yaml", async () => {
    const project = await newProject("dev", "prod")
    const before = await listFiles({ project, stage: "prod" })
    await newService(project, "carts")
    for (const stage of (await getProject(project)).stages) {
      expect(stage.services).toEqual([
        { serviceName: "carts", creationDate: expect.any(String), openRemediations: null },
      ])
    }
    for (const stage of ["dev", "prod"]) {
      const place = { project, stage, service: "carts" }
      expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
      expect((await fetchFile(place, "metadata.yaml")).text).toMatch(/^servicename: "carts"$/m)
    }
    expect((await listFiles({ project, stage: "prod" })).versions).not.toEqual(before.versions)
  })

  it("publishes that it was started and finished, in a context of its own", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const { events } = await findEvents(`project=${project}&service=carts`)
    expect(events.map((event) => event.type)).toEqual([
      "sh.keptn.event.service.create.finished",
      "sh.keptn.event.service.create.started",
    ])
    expect(events[0]).toMatchObject({ data: { project, service: "carts", status: "succeeded", result: "pass" } })
    expect(new Set(events.map((event) => event.shkeptncontext)).size).toBe(1)
    expect((await findEvents(`project=${project}&root=true`)).totalCount).toBe(2)
  })

  it("answers 409 when it is there already, and changes nothing", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const before = await listFiles({ project, stage: "dev" })
    const refused = await failure(await postService(project, { serviceName: "carts" }))
    expect(refused).toEqual({ status: 409, code: 409, message: "service already exists" })
    expect(await listFiles({ project, stage: "dev" })).toEqual(before)
    expect((await findEvents(`project=${project}&service=carts`)).totalCount).toBe(2)
  })

  it("answers 409 when a file of a stage has its name, and creates it in no stage", async () => {
    const project = await newProject("dev", "prod")
    await commitFiles({ project, stage: "prod" }, { carts: "a file" })
    const refused = await failure(await postService(project, { serviceName: "carts" }))
    expect(refused).toMatchObject({ status: 409, code: 409 })
    expect(refused.message).toContain("'prod'")
    expect((await getProject(project)).stages.flatMap((stage) => stage.services)).toEqual([])
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/metadata.yaml"])
  })

  it("keeps the files that a stage has in a folder of its name", async () => {
    const project = await newProject("dev")
    await commitFiles({ project, stage: "dev" }, { "carts/helm/chart.yaml": "chart" })
    await newService(project, "carts")
    const { uris } = await listFiles({ project, stage: "dev", service: "carts" })
    expect(uris).toEqual(["/helm/chart.yaml", "/metadata.yaml"])
  })

  it("answers 500 with Keptn's text when the project does not exist", async () => {
    expect(await failure(await postService("nowhere", { serviceName: "carts" }))).toEqual({
      status: 500,
      code: 500,
      message: "could not get stages of project nowhere: project not found",
    })
  })
})

describe("the name of a service", () => {
  it.each(["a", "carts-db", "Carts", "1", "a.b", "a_b", "x".repeat(43), ".hidden", "ä b"])(
    "may be %j",
    async (name) => {
      const project = await newProject("dev")
      await newService(project, name)
      const place = { project, stage: "dev", service: encodeURIComponent(name) }
      expect((await fetchFile(place, "metadata.yaml")).text).toContain(name)
    },
  )

  it.each([{}, { serviceName: "" }, { serviceName: null }])("must be given: 400 for %j", async (body) => {
    expect(await failure(await postService(await newProject("dev"), body))).toEqual({
      status: 400,
      code: 400,
      message: "Invalid request format: must provide a service name",
    })
  })

  it.each([".", "..", "a/b", "a>b", "a<b", "a|b", "a:b", "a&b", "a\\b", "a~b", ".git", ".GIT", "a\nb", "a\u0000b"])(
    "cannot be %j: 400",
    async (serviceName) => {
      const project = await newProject("dev")
      const { status, code, message } = await failure(await postService(project, { serviceName }))
      expect({ status, code }).toEqual({ status: 400, code: 400 })
      expect(message).toMatch(/^Invalid request format: Service name contains special character\(s\)\. /)
      expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/metadata.yaml"])
    },
  )

  it("cannot be longer than 43 characters: 400", async () => {
    const refused = await failure(await postService(await newProject("dev"), { serviceName: "x".repeat(44) }))
    expect(refused).toMatchObject({ status: 400, message: expect.stringContaining("43 characters") })
  })
})

describe("the body of a service's creation", () => {
  it("may have members that nobody knows: 200", async () => {
    const response = await postService(await newProject("dev"), { serviceName: "carts", helmChart: "x", gitCommit: 1 })
    expect(response.status).toBe(200)
  })

  it("is taken for JSON whatever its content type says: 200", async () => {
    const request = { method: "POST", body: '{"serviceName":"carts"}', headers: { "content-type": "text/plain" } }
    expect((await postService(await newProject("dev"), undefined, request)).status).toBe(200)
  })

  it.each(["{", "", "carts"])("is refused with 400 when it is no JSON: %j", async (body) => {
    const refused = await failure(await postService(await newProject("dev"), undefined, { method: "POST", body }))
    expect(refused).toMatchObject({ status: 400, code: 400 })
    expect(refused.message).toMatch(/^Invalid request format/)
  })

  it("is refused with 400 when the name is no text", async () => {
    const refused = await failure(await postService(await newProject("dev"), { serviceName: 7 }))
    expect(refused).toMatchObject({ status: 400, message: expect.stringMatching(/^Invalid request format: /) })
  })
})
