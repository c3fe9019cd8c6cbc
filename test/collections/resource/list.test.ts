import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send } from "../../support/client.ts"
import { commitFiles, failure, listFiles, newProject, newService, resourcePath } from "../../support/keptn.ts"

describe("listing files", () => {
  it("has the counts that Keptn's own tests assert", async () => {
    const project = await newProject("dev")
    const stage = { project, stage: "dev" }
    await newService(project, "carts")
    await newService(project, "orders")
    const carts = { ...stage, service: "carts" }

    await commitFiles(carts, { "a.txt": "a" })
    expect((await listFiles(carts)).totalCount).toBe(2)
    await commitFiles(carts, { "b.txt": "b" })
    expect((await listFiles(carts)).totalCount).toBe(3)
  })

  it("counts 2 in a fresh project with one resource beside the shipyard, and in a fresh stage with one", async () => {
    const project = await newProject("dev")
    expect((await listFiles({ project })).totalCount).toBe(2)
    await commitFiles({ project, stage: "dev" }, { "a.txt": "a" })
    expect((await listFiles({ project, stage: "dev" })).totalCount).toBe(2)
  })

  it("counts 7 in a stage with two files and two services of one file each", async () => {
    const project = await newProject("dev")
    const stage = { project, stage: "dev" }
    for (const service of ["carts", "orders"]) {
      await newService(project, service)
      await commitFiles({ ...stage, service }, { "r.txt": service })
    }
    const commit = await commitFiles(stage, { "one.txt": "1", "two.txt": "2" })
    expect(await listFiles(stage)).toEqual({
      uris: [
        "/carts/metadata.yaml",
        "/carts/r.txt",
        "/metadata.yaml",
        "/one.txt",
        "/orders/metadata.yaml",
        "/orders/r.txt",
        "/two.txt",
      ],
      versions: [commit],
      nextPageKey: "0",
      totalCount: 7,
    })
  })

  it("shows the newest commit of the branch as version of every file, in every scope", async () => {
    const project = await newProject("dev", "prod")
    await newService(project, "carts")
    const dev = { project, stage: "dev" }
    const other = await listFiles({ project, stage: "prod" })
    await commitFiles(dev, { "a.txt": "a" })
    const commit = await commitFiles(dev, { "b.txt": "b" })
    expect((await listFiles(dev)).versions).toEqual([commit])
    expect((await listFiles({ ...dev, service: "carts" })).versions).toEqual([commit])
    expect((await listFiles({ project, stage: "prod" })).versions).toEqual(other.versions)
  })

  it("shows a service's files only, not those of one whose name begins alike", async () => {
    const project = await newProject("dev")
    for (const service of ["carts", "carts-db", "carts0", "cart"]) {
      await newService(project, service)
      await commitFiles({ project, stage: "dev", service }, { [`${service}.txt`]: service, "sub/x.txt": "x" })
    }
    expect(await listFiles({ project, stage: "dev", service: "carts" })).toMatchObject({
      uris: ["/carts.txt", "/metadata.yaml", "/sub/x.txt"],
      totalCount: 3,
    })
  })

  it("does not grow when files are overwritten", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    for (const text of ["1", "2", "3"]) await commitFiles(place, { "d/a.txt": text, "d/b.txt": "same" })
    expect(await listFiles(place)).toMatchObject({ uris: ["/d/a.txt", "/d/b.txt", "/metadata.yaml"], totalCount: 3 })
  })
})

describe("the order of a list", () => {
  it("is that of a directory walk: names by their bytes, a folder where its name stands", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const sorted = [
      ".a",
      "A.txt",
      "a/z.txt",
      "a-b.txt",
      "a.txt",
      "a0/b.txt",
      "b/a/c.txt",
      "b/a-c/d.txt",
      "b/a.txt",
      "metadata.yaml",
      "z",
      "ä.txt",
    ]
    const files = sorted.filter((name) => name !== "metadata.yaml").toReversed()
    await commitFiles(place, Object.fromEntries(files.map((name) => [name, name])))
    expect((await listFiles(place)).uris).toEqual(sorted.map((name) => `/${name}`))
  })
})

describe("the pages of a list", () => {
  const place = { project: "paged", stage: "dev" }
  const all = Array.from({ length: 24 }, (_, index) => `/f${index + 10}.txt`).concat("/metadata.yaml")

  beforeAll(async () => {
    await createProject("eu", "paged", "dev")
    await commitFiles(place, Object.fromEntries(all.slice(0, 24).map((name) => [name, name])))
  })

  it.each([
    { query: "", shown: all.slice(0, 20), next: "20" },
    { query: "nextPageKey=20", shown: all.slice(20), next: "0" },
    { query: "pageSize=25", shown: all, next: "0" },
    { query: "pageSize=24", shown: all.slice(0, 24), next: "24" },
    { query: "pageSize=10&nextPageKey=10", shown: all.slice(10, 20), next: "20" },
    { query: "pageSize=2&nextPageKey=x", shown: all.slice(0, 2), next: "2" },
    { query: "pageSize=0", shown: [], next: "0" },
    { query: "pageSize=-5", shown: [], next: "0" },
    { query: "nextPageKey=25", shown: [], next: "0" },
    { query: "pageSize=100000", shown: all, next: "0" },
    { query: "disableUpstreamSync=true&pageSize=1", shown: all.slice(0, 1), next: "1" },
  ])("?$query ends with the key $next", async ({ query, shown, next }) => {
    const page = await listFiles(place, query)
    expect({ uris: page.uris, next: page.nextPageKey, total: page.totalCount }).toEqual({
      uris: shown,
      next,
      total: 25,
    })
  })

  it.each(["x", "1.5", "10x"])("answers 400 to the page size %j", async (size) => {
    const refused = await failure(await send("eu", `${resourcePath(place)}?pageSize=${size}`))
    expect(refused).toMatchObject({ status: 400, code: 400 })
    expect(refused.message).toMatch(/^Invalid request format/)
  })
})
