import { describe, expect, it } from "vitest"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  fetchFile,
  listFiles,
  newProject,
  newScopes,
  readFile,
  removeFile,
  statuses,
  writeFiles,
} from "../../support/keptn.ts"

describe("deleting a file", () => {
  it("answers 200 with the commit in which it is gone, in every scope", async () => {
    const places = await newScopes()
    for (const place of places) {
      const written = await commitFiles(place, { "a.txt": "a", "b.txt": "b" })
      const deleted = await commitOf(await removeFile(place, "a.txt"))
      expect(deleted).not.toBe(written)
      expect(await failure(await readFile(place, "a.txt"))).toMatchObject({
        status: 404,
        message: "Resource not found",
      })
      expect(await fetchFile(place, "b.txt")).toMatchObject({ text: "b", version: deleted })
    }
    const histories = await auditProject(places[0].project)
    expect(histories["main"]?.at(-1)).toBe("Delete a.txt")
    expect(histories["dev"]?.filter((message) => message.startsWith("Delete"))).toHaveLength(2)
  })

  it("leaves it to be read as of earlier commits, and not as of later ones", async () => {
    for (const place of await newScopes()) {
      const first = await commitFiles(place, { "a.txt": "one" })
      const second = await commitFiles(place, { "a.txt": "two" })
      const deleted = await commitOf(await removeFile(place, "a.txt"))
      const third = await commitFiles(place, { "a.txt": "three" })
      const texts = []
      for (const commit of [first, second, third]) {
        texts.push((await fetchFile(place, `a.txt?gitCommitID=${commit}`)).text)
      }
      expect(texts).toEqual(["one", "two", "three"])
      expect((await readFile(place, `a.txt?gitCommitID=${deleted}`)).status).toBe(404)
    }
  })

  it("takes it out of the lists and their counts", async () => {
    const [project, stage, service] = await newScopes()
    for (const place of [project, stage, service]) {
      const before = await listFiles(place)
      await commitFiles(place, { "x/a.txt": "a" })
      expect((await listFiles(place)).totalCount).toBe((before.totalCount ?? 0) + 1)
      const version = await commitOf(await removeFile(place, "x/a.txt"))
      expect(await listFiles(place)).toEqual({ ...before, versions: [version] })
    }
  })

  it("lets emptied folders vanish, up to the first that holds something else", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitFiles(place, { "a/b/c/d.txt": "d", "a/e.txt": "e" })
    await commitOf(await removeFile(place, "a/b/c/d.txt"))
    expect((await listFiles(place)).uris).toEqual(["/a/e.txt", "/metadata.yaml"])
    // Only where no folder stands can a file be written.
    expect((await writeFiles(place, { a: "file" })).status).toBe(409)
    expect((await writeFiles(place, { "a/b": "file" })).status).toBe(201)
    await commitOf(await removeFile(place, "a/b"))
    await commitOf(await removeFile(place, "a/e.txt"))
    expect((await writeFiles(place, { a: "file" })).status).toBe(201)
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + 6)
  })

  it("can be done to all files of a scope, which can be written again", async () => {
    const places = await newScopes()
    for (const place of places.toReversed()) {
      for (const uri of (await listFiles(place)).uris) await commitOf(await removeFile(place, uri.slice(1)))
      expect((await listFiles(place)).uris).toEqual([])
    }
    await auditProject(places[0].project)
    for (const place of places) {
      await commitFiles(place, { "again.txt": "again" })
      expect((await fetchFile(place, "again.txt")).text).toBe("again")
    }
    await auditProject(places[0].project)
  })

  it.each(["d/e%20f.txt", "d%2Fe%20f.txt", "d%252Fe%2520f.txt", "/d//e%20f.txt"])(
    "takes its name as a read does: %s",
    async (sent) => {
      for (const place of await newScopes()) {
        await commitFiles(place, { "d/e f.txt": "content" })
        await commitOf(await removeFile(place, sent))
        expect((await readFile(place, "d/e%20f.txt")).status).toBe(404)
      }
    },
  )

  it("leaves the same content under other names and in other scopes", async () => {
    const places = await newScopes()
    for (const place of places) await commitFiles(place, { "a.txt": "same", "b.txt": "same" })
    await commitOf(await removeFile(places[1], "a.txt"))
    expect((await fetchFile(places[1], "b.txt")).text).toBe("same")
    for (const place of [places[0], places[2]]) expect((await fetchFile(place, "a.txt")).text).toBe("same")
    await auditProject(places[0].project)
  })

  it("is done once by several at once: one is answered 200, the others 404", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitFiles(place, { "a.txt": "a" })
    const responses = await Promise.all([1, 2, 3, 4].map(() => removeFile(place, "a.txt")))
    expect(statuses(responses)).toEqual([200, 404, 404, 404])
    expect((await auditProject(place.project))["dev"]?.slice(1)).toEqual(["Write a.txt", "Delete a.txt"])
  })
})

describe("what cannot be deleted", () => {
  it.each(["never.txt", "folder", "folder%2Fx", "a.txt/b", "A.txt"])(
    "is answered with 404, and makes no commit: %s",
    async (name) => {
      for (const place of await newScopes()) {
        const commit = await commitFiles(place, { "a.txt": "a", "folder/b.txt": "b" })
        const expected = { status: 404, code: 404, message: "Resource not found" }
        expect(await failure(await removeFile(place, name))).toEqual(expected)
        expect((await listFiles(place)).versions).toEqual([commit])
      }
    },
  )

  it("is answered with 404 the second time", async () => {
    const place = { project: await newProject("dev") }
    await commitFiles(place, { "a.txt": "a" })
    const commit = await commitOf(await removeFile(place, "a.txt"))
    expect((await removeFile(place, "a.txt")).status).toBe(404)
    expect((await listFiles(place)).versions).toEqual([commit])
  })

  it("is answered with 404 in a scope that does not exist, and where another scope has the file", async () => {
    const [{ project }] = await newScopes()
    await commitFiles({ project }, { "p.txt": "p" })
    for (const [place, message] of [
      [{ project: "none" }, "Could not find credentials for upstream repository"],
      [{ project, stage: "none" }, "Stage not found"],
      [{ project, stage: "main" }, "Stage not found"],
      [{ project, stage: "dev", service: "none" }, "Service not found"],
      [{ project, stage: "dev" }, "Resource not found"],
      [{ project, stage: "dev", service: "carts" }, "Resource not found"],
    ] as const) {
      expect(await failure(await removeFile(place, "p.txt"))).toEqual({ status: 404, code: 404, message })
    }
    expect((await fetchFile({ project }, "p.txt")).text).toBe("p")
  })

  it.each(["..%2Fa", "a~", ".git%2Fconfig"])(
    "is answered with 400 when no file can have its name: %s",
    async (name) => {
      const place = { project: await newProject("dev") }
      const refused = { status: 400, code: 400, message: "invalid resource uri" }
      expect(await failure(await removeFile(place, name))).toEqual(refused)
    },
  )
})
