import { describe, expect, it } from "vitest"
import { createProject, send } from "../../support/client.ts"
import { findEvents, sendEvent } from "../../support/events.ts"
import { commitFiles, failure, fetchFile, listFiles, newService, readFile } from "../../support/keptn.ts"
import { deleteProject, getProject, listProjects, projectsPath } from "../../support/projects.ts"

describe("deleting a project", () => {
  it("answers 200 with a message and the project is gone", async () => {
    await createProject("eu", "gone", "dev")
    expect(await deleteProject("gone")).toContain("gone was deleted")
    expect((await send("eu", `${projectsPath}/gone`)).status).toBe(404)
    expect((await send("eu", `${projectsPath}/gone/stage`)).status).toBe(404)
    expect((await readFile({ project: "gone" }, "shipyard.yaml")).status).toBe(404)
    expect((await listProjects("")).names).not.toContain("gone")
  })

  it("answers 200 for a project that never was, and says so", async () => {
    expect(await deleteProject("never")).toContain("Project never cannot be retrieved anymore")
  })

  it("answers the second deletion like that of one that never was", async () => {
    await createProject("eu", "twice", "dev")
    await deleteProject("twice")
    expect(await deleteProject("twice")).toContain("cannot be retrieved anymore")
  })

  it("takes its events along, and no others", async () => {
    await createProject("eu", "noisy", "dev")
    await createProject("eu", "quiet", "dev")
    const shkeptncontext = await sendEvent({ data: { project: "noisy" } })
    await sendEvent({ data: { project: "quiet" }, shkeptncontext })
    await deleteProject("noisy")
    expect(await findEvents("project=noisy")).toEqual({ events: [], pageSize: 20 })
    expect((await findEvents("project=quiet")).totalCount).toBe(3)
    expect((await findEvents(`keptnContext=${shkeptncontext}`)).totalCount).toBe(1)
  })

  it("leaves other projects as they were", async () => {
    await createProject("eu", "neighbour", "dev")
    await createProject("eu", "neighbour-2", "dev")
    const content = "the same bytes in both"
    for (const project of ["neighbour", "neighbour-2"]) await commitFiles({ project }, { "a.txt": content })
    const before = await getProject("neighbour-2")
    await deleteProject("neighbour")
    expect(await getProject("neighbour-2")).toEqual(before)
    expect((await fetchFile({ project: "neighbour-2" }, "a.txt")).text).toBe(content)
  })
})

describe("a name that is used again", () => {
  it("is a new project: nothing of the old one is left", async () => {
    await createProject("eu", "phoenix", "dev", "prod")
    await newService("phoenix", "carts")
    const old = await commitFiles({ project: "phoenix", stage: "dev", service: "carts" }, { "slo.yaml": "old" })
    await deleteProject("phoenix")

    await createProject("eu", "phoenix", "dev")
    expect((await getProject("phoenix")).stages).toEqual([{ stageName: "dev", services: [] }])
    expect((await findEvents("project=phoenix")).totalCount).toBe(2)
    expect((await listFiles({ project: "phoenix", stage: "dev" })).uris).toEqual(["/metadata.yaml"])
    const at = await readFile({ project: "phoenix", stage: "dev" }, `metadata.yaml?gitCommitID=${old}`)
    expect(await failure(at)).toEqual({ status: 500, code: 500, message: "Internal server error" })
  })

  it("can be used at once, over and over, and keeps what is written: 201", async () => {
    for (const round of ["first", "second", "third", "fourth", "fifth"]) {
      await createProject("eu", "again", "dev")
      await commitFiles({ project: "again", stage: "dev" }, { "round.txt": round, "same.txt": "same" })
      expect((await fetchFile({ project: "again", stage: "dev" }, "round.txt")).text).toBe(round)
      expect((await fetchFile({ project: "again", stage: "dev" }, "same.txt")).text).toBe("same")
      expect((await fetchFile({ project: "again" }, "shipyard.yaml")).text).toContain("name: dev")
      await deleteProject("again")
    }
  })
})
