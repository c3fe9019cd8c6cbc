import { describe, expect, it } from "vitest"
import { base64, createProject, send, shipyard } from "../support/client.ts"
import { findEvents } from "../support/events.ts"
import { auditProject } from "../support/integrity.ts"
import { failure, fetchFile, listFiles, newService, readFile, statuses, writeFiles } from "../support/keptn.ts"
import { deleteProject, getProject, postProject, projectsPath } from "../support/projects.ts"
import { countRows } from "../support/storage.ts"

/** Creates a project of this name so many times at once, to be won by one; answers by how many rows each table grew. */
async function grown(name: string, times: number): Promise<unknown[]> {
  const before = await countRows()
  const json = { name, shipyard: base64(shipyard("dev", "prod")) }
  const responses = await Promise.all(Array.from({ length: times }, () => postProject(json)))
  expect(responses.filter(({ status }) => status === 201)).toHaveLength(1)
  return Object.entries(await countRows()).map(([table, rows]) => [table, rows - (before[table] ?? 0)])
}

describe("two creations of one name at once", () => {
  it("are won by one, whole: 201 and 409", async () => {
    for (const round of ["a", "b", "c", "d", "e"]) {
      const name = `raced-${round}`
      const shipyards = ["one", "two", "three"].map((stage) => shipyard(stage, `${stage}-prod`))
      const responses = await Promise.all(shipyards.map((file) => postProject({ name, shipyard: base64(file) })))
      expect(statuses(responses)).toEqual([201, 409, 409])

      const project = await getProject(name)
      expect(project.shipyard).toBe(shipyards[responses.findIndex((response) => response.status === 201)])
      expect((await fetchFile({ project: name }, "shipyard.yaml")).text).toBe(project.shipyard)
      const [first] = project.stages
      expect(project.stages.map((stage) => stage.stageName)).toEqual([first?.stageName, `${first?.stageName}-prod`])
      expect(Object.keys(await auditProject(name))).toHaveLength(3)
      expect((await findEvents(`project=${name}`)).totalCount).toBe(2)
    }
  })

  it("leave no rows of the one that lost", async () => {
    expect(await grown("raced", 4)).toEqual(await grown("alone", 1))
  })
})

describe("writes that race the deletion of their project", () => {
  const writes = Array.from({ length: 8 }, (_, index) => index)

  it("are answered 201 or 404, and nothing of the project is left", async () => {
    for (const round of ["a", "b", "c"]) {
      const project = `dying-${round}`
      const before = await countRows()
      await createProject("eu", project, "dev")
      const responses = await Promise.all([
        ...writes.slice(0, 4).map((n) => writeFiles({ project, stage: "dev" }, { [`${n}.txt`]: `of ${n}` })),
        send("eu", `${projectsPath}/${project}`, { method: "DELETE" }),
        ...writes.slice(4).map((n) => writeFiles({ project, stage: "dev" }, { [`${n}.txt`]: `of ${n}` })),
      ])
      expect(responses[4]?.status).toBe(200)
      for (const response of responses) {
        expect([200, 201, 404]).toContain(response.status)
        if (response.status === 404) {
          const text = "Could not find credentials for upstream repository"
          expect((await failure(response)).message).toBe(text)
        }
      }
      expect((await send("eu", `${projectsPath}/${project}`)).status).toBe(404)
      expect(await countRows()).toEqual(before)
    }
  })

  it("and its creation anew leave no file without its bytes", async () => {
    const project = "reborn"
    const place = { project, stage: "dev" }
    await createProject("eu", project, "dev")
    for (const round of ["a", "b", "c", "d", "e", "f"]) {
      const responses = await Promise.all([
        ...writes.map((n) =>
          writeFiles(place, { [`${n}.txt`]: "the same in every round", "round.txt": `${round} ${n}` }),
        ),
        deleteProject(project).then(() => createProject("eu", project, "dev")),
        ...writes.map((n) => writeFiles(place, { [`after-${n}.txt`]: "the same in every round" })),
      ])
      for (const response of responses) if (response) expect([201, 404]).toContain(response.status)
      // The audit asks for the bytes of every version; reading asks for them as a client does.
      await auditProject(project)
      for (const uri of (await listFiles(place, "pageSize=100")).uris) {
        expect((await readFile(place, uri.slice(1))).status).toBe(200)
      }
    }
  })

  it("as services do: 200 or 500 with Keptn's text, and none is left", async () => {
    const project = "dying-services"
    const before = await countRows()
    await createProject("eu", project, "dev", "prod")
    await newService(project, "first")
    const path = `${projectsPath}/${project}`
    const [deleted, ...created] = await Promise.all([
      send("eu", path, { method: "DELETE" }),
      ...writes.map((n) => send("eu", `${path}/service`, { json: { serviceName: `s${n}` } })),
    ])
    expect(deleted.status).toBe(200)
    for (const response of created) expect([200, 500]).toContain(response.status)
    for (const response of created.filter(({ status }) => status === 500)) {
      expect((await failure(response)).message).toContain("could not get stages of project")
    }
    expect(await countRows()).toEqual(before)
  })
})
