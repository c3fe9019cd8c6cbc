import { describe, expect, it } from "vitest"
import { utf8 } from "../../../src/lib/bytes.ts"
import { send } from "../../support/client.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  fetchFile,
  listFiles,
  newScopes,
  type Place,
  putFile,
  putRaw,
  readFile,
  removeFile,
  resourcePath,
  statuses,
  writeFiles,
} from "../../support/keptn.ts"

/** Where the file `a.txt` with the text `one` stands. */
async function stored() {
  const place: Place = (await newScopes())[1]
  const commit = await commitFiles(place, { "a.txt": "one", "b.txt": "other" })
  const fileTag = (await readFile(place, "a.txt")).headers.get("etag") ?? ""
  const listTag = (await send("eu", resourcePath(place))).headers.get("etag") ?? ""
  return { place, commit, fileTag, listTag }
}

/** What can be done to `a.txt` under a condition about it. */
const onFile: { what: string; send: (place: Place, headers: Record<string, string>) => Promise<Response> }[] = [
  { what: "PUT of a file", send: (place, headers) => putFile(place, "a.txt", "two", { headers }) },
  { what: "PUT of the file itself", send: (place, headers) => putRaw(place, "a.txt", utf8("two"), { headers }) },
  { what: "DELETE of a file", send: (place, headers) => removeFile(place, "a.txt", { headers }) },
]

/** What can be done to `a.txt` under a condition about its branch. */
const onBranch: typeof onFile = [
  { what: "POST of a list", send: (place, headers) => writeFiles(place, { "a.txt": "two" }, { headers }) },
  {
    what: "PUT of a list",
    send: (place, headers) => writeFiles(place, { "a.txt": "two" }, { method: "PUT", headers }),
  },
]

/** Expects a refusal, and that everything is as it was. */
async function expectUnchanged(place: Place, commit: string, response: Response): Promise<void> {
  expect(await failure(response)).toEqual({
    status: 412,
    code: 412,
    message: "what is stored is not what If-Match or If-None-Match expects: read it again, and decide anew",
  })
  expect((await listFiles(place)).versions).toEqual([commit])
  expect((await fetchFile(place, "a.txt")).text).toBe("one")
}

describe("the ETag of a list", () => {
  it("is the commit at the head of the branch, in every scope and for every page", async () => {
    const [project, stage, service] = await newScopes()
    for (const place of [project, stage, service]) {
      const commit = await commitFiles(place, { "a.txt": place.service ?? place.stage ?? "p" })
      for (const query of ["", "?pageSize=1", "?pageSize=0", "?nextPageKey=1"]) {
        const response = await send("eu", `${resourcePath(place)}${query}`)
        expect(response.headers.get("etag")).toBe(`"${commit}"`)
        expect(response.headers.get("cache-control")).toBe("private, no-cache")
      }
    }
  })

  it("answers 304 without a body until something is written on the branch", async () => {
    const { place, listTag } = await stored()
    const ask = (header: string) => send("eu", resourcePath(place), { headers: { "if-none-match": header } })
    for (const header of [listTag, `W/${listTag}`, `"other", ${listTag}`, "*"]) {
      const response = await ask(header)
      expect([response.status, await response.text()]).toEqual([304, ""])
      expect(response.headers.get("etag")).toBe(listTag)
    }
    for (const header of ['"other"', listTag.slice(1, -1), ""]) expect((await ask(header)).status).toBe(200)
    await commitFiles({ ...place, service: "carts" }, { "c.txt": "c" })
    expect((await ask(listTag)).status).toBe(200)
  })

  it("answers 304 to HEAD, too", async () => {
    const { place, listTag } = await stored()
    const request = { method: "HEAD", headers: { "if-none-match": listTag } }
    expect((await send("eu", resourcePath(place), request)).status).toBe(304)
  })
})

describe.each([
  ...onFile.map((one) => ({ ...one, tag: "fileTag" as const })),
  ...onBranch.map((one) => ({ ...one, tag: "listTag" as const })),
])("a $what", ({ send: request, tag }) => {
  it("is made when If-Match names what stands there, in whatever form", async () => {
    for (const form of [
      (etag: string) => etag,
      (etag: string) => `W/${etag}`,
      (etag: string) => `"other", ${etag}`,
      (etag: string) => `"other",${etag},"another"`,
      () => "*",
    ]) {
      const { place, commit, ...tags } = await stored()
      const response = await request(place, { "if-match": form(tags[tag]) })
      expect(await commitOf(response, response.status === 201 ? 201 : 200)).not.toBe(commit)
    }
  })

  it("is made when If-None-Match names something else", async () => {
    const { place } = await stored()
    expect((await request(place, { "if-none-match": '"other", W/"another"' })).ok).toBe(true)
    expect((await listFiles(place)).versions).toHaveLength(1)
    await auditProject(place.project)
  })

  it.each(['"other"', 'W/"other"', '""', "other"])(
    "is refused with 412 and changes nothing when If-Match names something else: %s",
    async (header) => {
      const { place, commit } = await stored()
      await expectUnchanged(place, commit, await request(place, { "if-match": header }))
    },
  )

  it("is refused with 412 and changes nothing when If-Match has no quotes, or names another kind of thing", async () => {
    const { place, commit, ...tags } = await stored()
    const other = tag === "fileTag" ? tags.listTag : tags.fileTag
    for (const header of [tags[tag].slice(1, -1), other]) {
      await expectUnchanged(place, commit, await request(place, { "if-match": header }))
    }
  })

  it("is refused with 412 and changes nothing when If-None-Match names what stands there", async () => {
    const { place, commit, ...tags } = await stored()
    for (const header of ["*", tags[tag], `W/${tags[tag]}`, `"other", ${tags[tag]}`]) {
      await expectUnchanged(place, commit, await request(place, { "if-none-match": header }))
    }
  })

  it("is refused with 412 when one of both conditions fails", async () => {
    const { place, commit, ...tags } = await stored()
    const both = { "if-match": tags[tag], "if-none-match": tags[tag] }
    await expectUnchanged(place, commit, await request(place, both))
  })

  it("is made by exactly one of several who saw the same: the others are refused with 412", async () => {
    const { place, ...tags } = await stored()
    const responses = await Promise.all([1, 2, 3, 4].map(() => request(place, { "if-match": tags[tag] })))
    const made = responses.filter((response) => response.ok)
    expect(made).toHaveLength(1)
    // Who deletes what is gone meanwhile may also hear that.
    for (const response of responses.filter(({ ok }) => !ok)) expect([404, 412]).toContain(response.status)
    expect((await auditProject(place.project))["dev"]).toHaveLength(2 + 1 + 1)
  })
})

describe("If-Match: *", () => {
  it("refuses the creation of a file with 412", async () => {
    const { place, commit } = await stored()
    const headers = { "if-match": "*" }
    await expectUnchanged(place, commit, await putFile(place, "new.txt", "new", { headers }))
    await expectUnchanged(place, commit, await putRaw(place, "new.txt", utf8("new"), { headers }))
    expect((await readFile(place, "new.txt")).status).toBe(404)
  })

  it("does not turn a folder into a file", async () => {
    const { place } = await stored()
    await commitFiles(place, { "folder/x.txt": "x" })
    expect((await putFile(place, "folder", "x", { headers: { "if-match": "*" } })).status).toBe(412)
  })

  it("leaves a deletion of what is not there at 404", async () => {
    const { place } = await stored()
    for (const header of ["*", '"other"']) {
      expect((await removeFile(place, "new.txt", { headers: { "if-match": header } })).status).toBe(404)
    }
  })
})

describe("If-None-Match: *", () => {
  const create = { headers: { "if-none-match": "*" } }

  it("creates a file, and only once", async () => {
    for (const place of await newScopes()) {
      const commit = await commitOf(await putFile(place, "new.txt", "one", create))
      expect((await putFile(place, "new.txt", "two", create)).status).toBe(412)
      expect((await putRaw(place, "new.txt", utf8("three"), create)).status).toBe(412)
      expect(await fetchFile(place, "new.txt")).toMatchObject({ text: "one", version: commit })
    }
  })

  it("creates again what was deleted", async () => {
    const { place } = await stored()
    await commitOf(await removeFile(place, "a.txt"))
    expect((await putFile(place, "a.txt", "again", create)).status).toBe(200)
  })

  it("lets exactly one of several create a file", async () => {
    const [, place] = await newScopes()
    const writers = [1, 2, 3, 4]
    const responses = await Promise.all(writers.map((n) => putFile(place, "lock", `of ${n}`, create)))
    expect(statuses(responses)).toEqual([200, 412, 412, 412])
    const winner = writers[responses.findIndex(({ ok }) => ok)]
    expect((await fetchFile(place, "lock")).text).toBe(`of ${winner}`)
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + 1 + 1)
  })
})

describe("a condition about one file", () => {
  it("does not care for others, nor for those of other scopes", async () => {
    const { place, fileTag } = await stored()
    await commitFiles(place, { "b.txt": "changed" })
    await commitFiles({ project: place.project }, { "a.txt": "of the project" })
    const match = { headers: { "if-match": fileTag } }
    expect((await putFile(place, "a.txt", "two", match)).status).toBe(200)
    expect((await putFile({ ...place, service: "carts" }, "a.txt", "two", match)).status).toBe(412)
  })

  it("holds for content that stands there already, too", async () => {
    const { place, commit } = await stored()
    await expectUnchanged(place, commit, await putFile(place, "a.txt", "one", { headers: { "if-match": '"other"' } }))
  })

  it("comes after the scope: 404 in one that does not exist", async () => {
    const { place } = await stored()
    const headers = { "if-match": '"other"' }
    expect((await putFile({ ...place, stage: "none" }, "a.txt", "a", { headers })).status).toBe(404)
    expect((await writeFiles({ ...place, service: "none" }, { a: "a" }, { headers })).status).toBe(404)
  })
})

describe("a condition about a branch", () => {
  it("fails when another scope of the branch was written, and not when another branch was", async () => {
    const { place, listTag } = await stored()
    const match = { headers: { "if-match": listTag } }
    await commitFiles({ project: place.project }, { "a.txt": "of the project" })
    expect((await writeFiles(place, { "a.txt": "two" }, match)).status).toBe(201)
    const fresh = (await send("eu", resourcePath(place))).headers.get("etag") ?? ""
    await commitFiles({ ...place, service: "carts" }, { "c.txt": "c" })
    expect((await writeFiles(place, { "a.txt": "three" }, { headers: { "if-match": fresh } })).status).toBe(412)
  })

  it("is the same seen from a service and from its stage", async () => {
    const { place, listTag } = await stored()
    const service = { ...place, service: "carts" }
    expect((await writeFiles(service, { "c.txt": "c" }, { headers: { "if-match": listTag } })).status).toBe(201)
  })
})
