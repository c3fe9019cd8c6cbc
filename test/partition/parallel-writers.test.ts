import { describe, expect, it } from "vitest"
import { auditProject } from "../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  fetchFile,
  listFiles,
  newProject,
  newService,
  readFile,
  statuses,
  writeFiles,
} from "../support/keptn.ts"
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

/** The file of a writer. */
function fileOf(n: number): string {
  return `folder-${n % 5}/${n}.txt`
}

describe("64 writers at once on one branch", () => {
  it("are each told 201, or 409 and when to try again; the history holds exactly those who were told 201", async () => {
    const project = await newProject("dev")
    const place = { project, stage: "dev" }
    const crowd = Array.from({ length: 64 }, (_, index) => index)
    const responses = await Promise.all(crowd.map((n) => writeFiles(place, { [fileOf(n)]: `of ${n}` })))
    const made: string[] = []
    for (const [n, response] of responses.entries()) {
      if (response.status === 201) {
        const commit = await commitOf(response, 201)
        expect((await fetchFile(place, `${fileOf(n)}?gitCommitID=${commit}`)).text).toBe(`of ${n}`)
        expect((await fetchFile(place, fileOf(n))).text).toBe(`of ${n}`)
        made.push(fileOf(n))
      } else {
        expect([n, response.status, response.headers.get("retry-after")]).toEqual([n, 409, "1"])
        expect((await readFile(place, fileOf(n))).status).toBe(404)
      }
    }
    expect(made.length).toBeGreaterThan(0)
    const { dev } = await auditProject(project)
    expect(dev?.slice(1).toSorted()).toEqual(made.map((file) => `Write ${file}`).toSorted())
    const uris = [...made.map((file) => `/${file}`), "/metadata.yaml"]
    expect((await listFiles(place, "pageSize=100")).uris.toSorted()).toEqual(uris.toSorted())
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
