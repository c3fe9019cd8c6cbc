import { describe, expect, it } from "vitest"
import { findEvents } from "../../support/events.ts"
import { listMessages } from "../../support/history.ts"
import { auditProject } from "../../support/integrity.ts"
import { commitFiles, failure, fetchFile, listFiles, newProject, newService, readFile } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import { getProject, postService, removeService } from "../../support/projects.ts"

/** Fifty files, some of them three folders deep. */
const fifty = Object.fromEntries(
  Array.from({ length: 50 }, (_, n) => [n % 3 === 0 ? `helm/templates/t${n % 2}/${n}.yaml` : `${n}.yaml`, `file ${n}`]),
)

async function serviceNames(project: string): Promise<string[][]> {
  return (await getProject(project)).stages.map(({ services }) => services.map((service) => service.serviceName))
}

describe("deleting a service", () => {
  it("answers 200 with an empty message", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const response = await removeService(project, "carts")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ message: "" })
  })

  it("removes it with its files from every stage, as one commit each", async () => {
    const project = await newProject("dev", "prod")
    await newService(project, "carts")
    await newService(project, "carts-db")
    const place = { project, stage: "dev", service: "carts" }
    await commitFiles(place, fifty)
    await commitFiles({ project, stage: "dev" }, { "carts.txt": "beside", "zulu/a.txt": "beside" })
    expect((await removeService(project, "carts")).status).toBe(200)
    expect(await serviceNames(project)).toEqual([["carts-db"], ["carts-db"]])
    const devFiles = ["/carts-db/metadata.yaml", "/carts.txt", "/metadata.yaml", "/zulu/a.txt"]
    expect((await listFiles({ project, stage: "dev" })).uris.toSorted()).toEqual(devFiles)
    const prodFiles = ["/carts-db/metadata.yaml", "/metadata.yaml"]
    expect((await listFiles({ project, stage: "prod" })).uris.toSorted()).toEqual(prodFiles)
    const histories = await auditProject(project)
    expect(histories["dev"]).toHaveLength(6)
    expect(histories["prod"]).toHaveLength(4)
    expect([histories["dev"]?.at(-1), histories["prod"]?.at(-1)]).toEqual(Array(2).fill("Delete service carts"))
    expect(histories["main"]).toHaveLength(2)
  })

  it("leaves its files to be read at an earlier commit", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    const commit = await commitFiles(place, fifty)
    await removeService(project, "carts")
    expect((await readFile(place, "1.yaml")).status).toBe(404)
    const inStage = { project, stage: "dev" }
    expect((await fetchFile(inStage, `carts/1.yaml?gitCommitID=${commit}`)).text).toBe("file 1")
    const deep = `carts/helm/templates/t0/6.yaml?gitCommitID=${commit}`
    expect((await fetchFile(inStage, deep)).text).toBe("file 6")
  })

  it("of a branch that holds nothing else leaves what is at its root", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    await commitFiles(place, { "a/b/c/d/e.txt": "deep" })
    await removeService(project, "carts")
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/metadata.yaml"])
    await auditProject(project)
  })

  it("publishes that it was started and finished, in a context of its own", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    await removeService(project, "carts")
    const { events } = await findEvents(`project=${project}&service=carts&pageSize=2`)
    expect(events.map((event) => event.type)).toEqual([
      "sh.keptn.event.service.delete.finished",
      "sh.keptn.event.service.delete.started",
    ])
    expect(events[0]).toMatchObject({ data: { project, service: "carts", status: "succeeded", result: "pass" } })
    expect(new Set(events.map((event) => event.shkeptncontext)).size).toBe(1)
  })

  it("lets it be created again, without its former files", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    await commitFiles(place, { "a.txt": "former" })
    await removeService(project, "carts")
    expect((await postService(project, { serviceName: "carts" })).status).toBe(200)
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
    await commitFiles(place, { "a.txt": "new" })
    expect((await fetchFile(place, "a.txt")).text).toBe("new")
    await auditProject(project)
  })

  it.each([
    ["a b", "a%20b"],
    ["ä", "%C3%A4"],
    ["100%", "100%25"],
    ["Carts", "Carts"],
  ])("takes its name as it is: %j", async (name, escaped) => {
    const project = await newProject("dev")
    await newService(project, name)
    await newService(project, "carts")
    expect((await removeService(project, escaped)).status).toBe(200)
    expect(await serviceNames(project)).toEqual([["carts"]])
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/carts/metadata.yaml", "/metadata.yaml"])
  })

  it("removes it also where all its files were deleted", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    expect((await readFile(place, "metadata.yaml", { method: "DELETE" })).status).toBe(200)
    expect((await removeService(project, "carts")).status).toBe(200)
    expect(await serviceNames(project)).toEqual([[]])
    await auditProject(project)
  })

  it("while files are written to it leaves all of them or none", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    const writes = Array.from({ length: 4 }, (_, n) =>
      readFile(place, `${n}.txt`, { method: "PUT", json: { resourceContent: "YQ==" } }),
    )
    const [deletion, ...written] = await Promise.all([removeService(project, "carts"), ...writes])
    expect([200, 409]).toContain(deletion.status)
    for (const { status } of written) expect([200, 201, 404, 409]).toContain(status)
    await auditProject(project)
    if (deletion.status === 200) {
      expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/metadata.yaml"])
    }
  })
})

describe("deleting what is not there", () => {
  it.each(["carts", "metadata.yaml", "folder"])(
    "answers 200 for the service %s, and changes and publishes nothing",
    async (name) => {
      const project = await newProject("dev")
      await commitFiles({ project, stage: "dev" }, { "folder/a.txt": "a" })
      const before = await listFiles({ project, stage: "dev" })
      const response = await removeService(project, name)
      expect([response.status, await response.text()]).toEqual([200, '{"message":""}'])
      expect(await listFiles({ project, stage: "dev" })).toEqual(before)
      expect(await listMessages(project, "stage=dev")).toHaveLength(2)
      expect((await findEvents(`project=${project}&service=${name}`)).events).toEqual([])
    },
  )

  it("answers 500 with Keptn's text for an unknown project", async () => {
    expect(await failure(await removeService("nowhere", "carts"))).toEqual({
      status: 500,
      code: 500,
      message: "could not get stages of project nowhere: project not found",
    })
  })

  it("answers 500 to who does not see the project, and 403 to who may only read it", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const stranger = await tokenWith()
    const viewer = await tokenWith({ roleName: "Viewer", entityId: project })
    expect((await failure(await removeService(project, "carts", { token: stranger }))).status).toBe(500)
    expect((await failure(await removeService(project, "carts", { token: viewer }))).status).toBe(403)
    expect(await serviceNames(project)).toEqual([["carts"]])
  })
})
