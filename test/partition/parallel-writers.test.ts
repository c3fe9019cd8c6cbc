import { describe, expect, it } from "vitest"
import { auditProject } from "../support/integrity.ts"
import { commitFiles, fetchFile, listFiles, newProject, newService, statuses, writeFiles } from "../support/keptn.ts"
import { postService } from "../support/projects.ts"

const writers = Array.from({ length: 20 }, (_, index) => index)

describe("20 writers at once", () => {
  it("to different files of one stage make 20 commits in one line, and nothing is lost", async () => {
    const project = await newProject("dev", "prod")
    const place = { project, stage: "dev" }
    const commits = await Promise.all(
      writers.map((n) => commitFiles(place, { [`folder-${n % 3}/${n}.txt`]: `of ${n}` })),
    )
    expect(new Set(commits).size).toBe(20)

    const histories = await auditProject(project)
    const messages = writers.map((n) => `Write folder-${n % 3}/${n}.txt`)
    expect(histories["dev"]?.slice(1).toSorted()).toEqual(messages.toSorted())
    expect(histories["prod"]).toHaveLength(1)

    expect((await listFiles(place)).totalCount).toBe(21)
    for (const [n, commit] of commits.entries()) {
      const name = `folder-${n % 3}/${n}.txt`
      expect((await fetchFile(place, name)).text).toBe(`of ${n}`)
      expect((await fetchFile(place, `${name}?gitCommitID=${commit}`)).text).toBe(`of ${n}`)
    }
  })

  it("to one file make 20 commits, each with the content of its writer", async () => {
    const project = await newProject("dev")
    const place = { project, stage: "dev" }
    const commits = await Promise.all(writers.map((n) => commitFiles(place, { "same.txt": `of ${n}` })))
    for (const [n, commit] of commits.entries()) {
      expect((await fetchFile(place, `same.txt?gitCommitID=${commit}`)).text).toBe(`of ${n}`)
    }
    const { dev } = await auditProject(project)
    expect(dev).toHaveLength(21)
    const last = await fetchFile(place, "same.txt")
    expect(commits).toContain(last.version)
    expect(last.text).toBe(`of ${commits.indexOf(last.version)}`)
  })

  it("of the same content make one commit", async () => {
    const project = await newProject("dev")
    const place = { project, stage: "dev" }
    const commits = await Promise.all(writers.map(() => commitFiles(place, { "same.txt": "same" })))
    expect(new Set(commits).size).toBe(1)
    expect((await auditProject(project))["dev"]).toHaveLength(2)
  })

  it("to all scopes of a project do not disturb each other", async () => {
    const project = await newProject("dev", "prod")
    await newService(project, "carts")
    const places = [
      { project },
      { project, stage: "dev" },
      { project, stage: "prod" },
      { project, stage: "dev", service: "carts" },
    ]
    await Promise.all(writers.map((n) => commitFiles(places[n % 4] ?? { project }, { [`${n}.txt`]: `of ${n}` })))
    const histories = await auditProject(project)
    expect(Object.values(histories).reduce((sum, history) => sum + history.length, 0)).toBe(2 + 1 + 1 + 2 + 20)
    for (const n of writers) {
      expect((await fetchFile(places[n % 4] ?? { project }, `${n}.txt`)).text).toBe(`of ${n}`)
    }
  })

  it("beside new services lose neither files nor services", async () => {
    const project = await newProject("dev", "prod")
    const place = { project, stage: "dev" }
    const services = ["carts", "orders", "users"]
    const [created] = await Promise.all([
      Promise.all(services.map((serviceName) => postService(project, { serviceName }))),
      Promise.all(writers.map((n) => commitFiles(place, { [`${n}.txt`]: `of ${n}` }))),
    ])
    expect(created.map((response) => response.status)).toEqual([200, 200, 200])
    expect((await listFiles(place, "pageSize=50")).totalCount).toBe(1 + 20 + 3)
    expect((await auditProject(project))["dev"]).toHaveLength(1 + 20 + 3)
  })
})

describe("writers whose files get in each other's way", () => {
  it("leave a file or a folder: one is answered 201 and the other 409", async () => {
    const project = await newProject("dev")
    const place = { project, stage: "dev" }
    const responses = await Promise.all([
      writeFiles(place, { a: "a file" }),
      writeFiles(place, { "a/b": "below a folder" }),
    ])
    expect(statuses(responses)).toEqual([201, 409])
    expect((await auditProject(project))["dev"]).toHaveLength(2)
  })
})

describe("one service created twice at once", () => {
  it("is created once: 200 and 409", async () => {
    const project = await newProject("dev", "prod")
    const responses = await Promise.all([1, 2, 3].map(() => postService(project, { serviceName: "carts" })))
    expect(statuses(responses)).toEqual([200, 409, 409])
    const histories = await auditProject(project)
    expect([histories["dev"]?.length, histories["prod"]?.length]).toEqual([2, 2])
  })
})
