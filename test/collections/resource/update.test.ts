import { describe, expect, it } from "vitest"
import { base64, send } from "../../support/client.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  fetchFile,
  listFiles,
  newProject,
  newScopes,
  putFile,
  readFile,
  resourcePath,
  writeFiles,
} from "../../support/keptn.ts"

const put = { method: "PUT" }

describe("PUT of a list", () => {
  it("creates and overwrites in one commit, which it answers with 200, in every scope", async () => {
    const places = await newScopes()
    for (const place of places) {
      const first = await commitFiles(place, { "old.txt": "one", "kept.txt": "kept" })
      const second = await commitOf(await writeFiles(place, { "old.txt": "two", "new/a.txt": "new" }, put))
      expect(second).not.toBe(first)
      expect(await fetchFile(place, "old.txt")).toMatchObject({ text: "two", version: second })
      expect(await fetchFile(place, "new/a.txt")).toMatchObject({ text: "new", version: second })
      expect((await fetchFile(place, "kept.txt")).text).toBe("kept")
      expect((await fetchFile(place, `old.txt?gitCommitID=${first}`)).text).toBe("one")
    }
    const histories = await auditProject(places[0].project)
    expect(histories["dev"]?.filter((message) => message === "Write 2 resources")).toHaveLength(4)
  })

  it("answers identical content with 200 and the commit that stands", async () => {
    for (const place of await newScopes()) {
      const commit = await commitFiles(place, { "a.txt": "a", "b/c.txt": "c" })
      expect(await commitOf(await writeFiles(place, { "b/c.txt": "c", "a.txt": "a" }, put))).toBe(commit)
      expect((await listFiles(place)).versions).toEqual([commit])
    }
  })

  it("drops leading slashes, as POST does", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitOf(await writeFiles(place, { "/a.txt": "a", "//b//c.txt": "c" }, put))
    expect((await listFiles(place)).uris).toEqual(["/a.txt", "/b/c.txt", "/metadata.yaml"])
  })

  it.each([
    { what: "no resources", json: {}, message: /^Invalid request format: / },
    { what: "an empty list", json: { resources: [] }, message: /^Invalid request format: / },
    {
      what: "no base64",
      json: { resources: [{ resourceURI: "a", resourceContent: "!" }] },
      message: /^resource content is not base64 encoded$/,
    },
    {
      what: "a name that no file can have",
      json: { resources: [{ resourceURI: "../a", resourceContent: "YQ==" }] },
      message: /^invalid resource uri$/,
    },
  ])("answers 400 to $what, and writes nothing", async ({ json, message }) => {
    const place = { project: await newProject("dev") }
    const before = await listFiles(place)
    const refused = await failure(await send("eu", resourcePath(place), { ...put, json }))
    expect(refused).toMatchObject({ status: 400, code: 400, message: expect.stringMatching(message) })
    expect(await listFiles(place)).toEqual(before)
  })

  it("answers 409 to a file below a file", async () => {
    const place = { project: await newProject("dev") }
    await commitFiles(place, { a: "file" })
    expect(await failure(await writeFiles(place, { "a/b": "below" }, put))).toMatchObject({ status: 409, code: 409 })
  })

  it.each(["application/octet-stream", "text/plain"])("is read as JSON when it is sent as %s", async (type) => {
    // A stage of this name makes the address of the list look like that of a file.
    const project = await newProject("resource")
    const body = JSON.stringify({ resources: [{ resourceURI: "a.txt", resourceContent: base64("a") }] })
    for (const place of [{ project }, { project, stage: "resource" }]) {
      const request = { ...put, body, headers: { "content-type": type } }
      await commitOf(await send("eu", resourcePath(place), request))
      expect((await fetchFile(place, "a.txt")).text).toBe("a")
    }
  })
})

describe("PUT of one file", () => {
  it("creates, then overwrites, each in a commit of its own that it answers with 200, in every scope", async () => {
    const places = await newScopes()
    for (const place of places) {
      const first = await commitOf(await putFile(place, "one.txt", "one"))
      expect(await fetchFile(place, "one.txt")).toMatchObject({ text: "one", version: first })
      const second = await commitOf(await putFile(place, "one.txt", "two"))
      expect(second).not.toBe(first)
      expect(await fetchFile(place, "one.txt")).toMatchObject({ text: "two", version: second })
      expect((await fetchFile(place, `one.txt?gitCommitID=${first}`)).text).toBe("one")
    }
    const histories = await auditProject(places[0].project)
    expect(histories["main"]?.slice(-2)).toEqual(["Write one.txt", "Write one.txt"])
  })

  it("answers identical content with 200 and the commit that stands", async () => {
    for (const place of await newScopes()) {
      const commit = await commitFiles(place, { "a.txt": "a", "b.txt": "b" })
      expect(await commitOf(await putFile(place, "a.txt", "a"))).toBe(commit)
      expect((await listFiles(place)).versions).toEqual([commit])
    }
  })

  it("takes the name from the path and ignores the one in the body", async () => {
    for (const place of await newScopes()) {
      for (const resourceURI of ["body.txt", "../../no", "", 1, null]) {
        const json = { resourceURI, resourceContent: base64(`not ${resourceURI}`) }
        await commitOf(await readFile(place, "path.txt", { ...put, json }))
        expect((await fetchFile(place, "path.txt")).text).toBe(`not ${resourceURI}`)
        expect((await readFile(place, "body.txt")).status).toBe(404)
      }
    }
  })

  it.each([
    { sent: "d/e/f.txt", file: "/d/e/f.txt" },
    { sent: "d%2Fe%2Ff.txt", file: "/d/e/f.txt" },
    { sent: "d%252Fe%252Ff.txt", file: "/d/e/f.txt" },
    { sent: "%2Fd/e%2Ff.txt", file: "/d/e/f.txt" },
    { sent: "//d//f.txt", file: "/d/f.txt" },
    { sent: "a+b.txt", file: "/a+b.txt" },
    { sent: "c%252Bb.txt", file: "/c+b.txt" },
    { sent: "%C3%A4.txt", file: "/ä.txt" },
    { sent: "resource/x.txt", file: "/resource/x.txt" },
  ])("writes $file where the path says $sent", async ({ sent, file }) => {
    for (const place of await newScopes()) {
      const before = (await listFiles(place)).uris
      await commitOf(await putFile(place, sent, "content"))
      expect((await listFiles(place)).uris.filter((uri) => !before.includes(uri))).toEqual([file])
      expect((await fetchFile(place, sent)).text).toBe("content")
    }
  })

  it("answers the ETag of the file, with which it can be read and written on", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const etag = (await putFile(place, "a.txt", "content")).headers.get("etag") ?? ""
    // `printf 'content' | git hash-object --stdin`.
    expect(etag).toBe('"6b584e8ece562ebffc15d38808cd6b98fc3d97ea"')
    expect((await readFile(place, "a.txt", { headers: { "if-none-match": etag } })).status).toBe(304)
    expect((await putFile(place, "a.txt", "more", { headers: { "if-match": etag } })).status).toBe(200)
  })

  it("writes an empty file", async () => {
    const place = { project: await newProject("dev") }
    await commitOf(await putFile(place, "empty.txt", ""))
    expect((await fetchFile(place, "empty.txt")).text).toBe("")
  })

  it.each([
    { what: "content that is null", json: { resourceContent: null }, message: /^Invalid request format: / },
    { what: "no text", json: { resourceContent: 1 }, message: /^Invalid request format: / },
    { what: "no object", json: [], message: /^Invalid request format: / },
    { what: "no base64", json: { resourceContent: "a" }, message: /^resource content is not base64 encoded$/ },
  ])("answers 400 to $what, and writes nothing", async ({ json, message }) => {
    const place = { project: await newProject("dev") }
    const before = await listFiles(place)
    const refused = await failure(await readFile(place, "a.txt", { ...put, json }))
    expect(refused).toMatchObject({ status: 400, code: 400, message: expect.stringMatching(message) })
    expect(await listFiles(place)).toEqual(before)
  })

  it.each(["..%2Fa", "a~", ".git%2Fconfig", "%252e%252e%252fa", "a/"])(
    "answers 400 to a name that no file can have: %s",
    async (sent) => {
      const place = { project: await newProject("dev") }
      const refused = { status: 400, code: 400, message: "invalid resource uri" }
      expect(await failure(await putFile(place, sent, "a"))).toEqual(refused)
    },
  )

  it("answers 409 to a file below a file, to a folder and to a service", async () => {
    const [, stage] = await newScopes()
    await commitFiles(stage, { "a/b": "file" })
    const before = await listFiles(stage)
    for (const [name, text] of [
      ["a/b/c", /^'a\/b' is a file, /],
      ["a", /^'a' is a folder, /],
      ["carts", /^'carts' is a folder, /],
    ] as const) {
      const refused = await failure(await putFile(stage, name, "content"))
      expect(refused).toMatchObject({ status: 409, code: 409, message: expect.stringMatching(text) })
    }
    expect(await listFiles(stage)).toEqual(before)
  })
})

describe("a scope that does not exist", () => {
  it("is answered with 404 to every PUT", async () => {
    const project = await newProject("dev")
    for (const [place, message] of [
      [{ project: "none" }, "Could not find credentials for upstream repository"],
      [{ project, stage: "none" }, "Stage not found"],
      [{ project, stage: "dev", service: "none" }, "Service not found"],
    ] as const) {
      const expected = { status: 404, code: 404, message }
      expect(await failure(await writeFiles(place, { a: "a" }, put))).toEqual(expected)
      expect(await failure(await putFile(place, "a", "a"))).toEqual(expected)
    }
  })
})
