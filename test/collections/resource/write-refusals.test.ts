import { describe, expect, it } from "vitest"
import { base64, send } from "../../support/client.ts"
import {
  commitFiles,
  failure,
  fetchFile,
  listFiles,
  newProject,
  newService,
  resourcePath,
  writeFiles,
} from "../../support/keptn.ts"

const good = { resourceURI: "good.txt", resourceContent: base64("good") }

/** Posts a body; what the scope held before must be all that it holds afterwards, under the same version. */
async function refusal(json: unknown): Promise<{ status: number; code: number; message: string }> {
  const place = { project: await newProject("dev") }
  const before = await listFiles(place)
  const refused = await failure(await send("eu", resourcePath(place), { json }))
  expect(await listFiles(place)).toEqual(before)
  return refused
}

describe("a write that is refused", () => {
  it.each([
    "../x",
    "a/../b",
    "a/..",
    "a..b",
    "~/x",
    "x~",
    ".git",
    ".git/config",
    "a/.GIT/x",
    "",
    "/",
    ".",
    "a/",
    "a/./b",
    "a\nb",
    "a\tb",
    "a\u0000b",
    "a\u007fb",
    "x".repeat(256),
    `${"long/".repeat(205)}x`,
  ])("answers 400 to the name %j and writes nothing, not the good file beside it either", async (resourceURI) => {
    const bad = { resourceURI, resourceContent: base64("bad") }
    const refused = { status: 400, code: 400, message: "invalid resource uri" }
    expect(await refusal({ resources: [good, bad] })).toEqual(refused)
  })

  it("answers 400 to half a character in a name", async () => {
    expect(await refusal({ resources: [{ ...good, resourceURI: "\ud800.txt" }] })).toMatchObject({ status: 400 })
  })

  it.each(["not base64!", "YQ", "YQ=", "YWJj=", "_-8=", "YR=="])(
    "answers 400 to the content %j, which is not base64, and writes nothing",
    async (resourceContent) => {
      const message = "resource content is not base64 encoded"
      const bad = { resourceURI: "bad.txt", resourceContent }
      expect(await refusal({ resources: [good, bad] })).toEqual({ status: 400, code: 400, message })
    },
  )

  it.each([
    {},
    { resources: null },
    { resources: "x" },
    { resources: [] },
    { resources: [{ resourceURI: "a", resourceContent: null }] },
    { resources: [{ resourceContent: "YQ==" }] },
    { resources: [{ resourceURI: 1, resourceContent: "YQ==" }] },
    { resources: [good, null] },
    [good],
  ])("answers 400 to a body of another shape: %j", async (json) => {
    const { status, code, message } = await refusal(json)
    expect({ status, code }).toEqual({ status: 400, code: 400 })
    expect(message).toMatch(/^Invalid request format: /)
  })

  it.each(["{", "", "resources=x"])("answers 400 to the body %j, which is no JSON", async (body) => {
    const path = resourcePath({ project: await newProject("dev") })
    const refused = await failure(await send("eu", path, { method: "POST", body }))
    expect(refused).toMatchObject({ status: 400, code: 400 })
    expect(refused.message).toMatch(/^Invalid request format/)
  })

  it("answers 413 to a body beyond 5 MiB", async () => {
    const response = await writeFiles({ project: await newProject("dev") }, { big: new Uint8Array(4_000_000) })
    expect(response.status).toBe(413)
  })
})

describe("content types", () => {
  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
  ])("are not asked: %j is accepted with 201", async (type) => {
    const place = { project: await newProject("dev") }
    const body = new TextEncoder().encode(JSON.stringify({ resources: [{ ...good, unknown: 1 }], also: "unknown" }))
    const headers = type === "" ? {} : { "content-type": type }
    expect((await send("eu", resourcePath(place), { method: "POST", body, headers })).status).toBe(201)
    expect((await fetchFile(place, "good.txt")).text).toBe("good")
  })
})

describe("a file and a folder of one name", () => {
  it("answers 409 to a file below a file", async () => {
    const place = { project: await newProject("dev") }
    await commitFiles(place, { "a/b": "file" })
    const before = await listFiles(place)
    const refused = await failure(await writeFiles(place, { "good.txt": "good", "a/b/c/d": "below" }))
    expect(refused).toMatchObject({ status: 409, code: 409 })
    expect(refused.message).toMatch(/^'a\/b' is a file, /)
    expect(await listFiles(place)).toEqual(before)
  })

  it("answers 409 to a file that is a folder", async () => {
    const place = { project: await newProject("dev") }
    await commitFiles(place, { "a/b/c": "file" })
    const before = await listFiles(place)
    const refused = await failure(await writeFiles(place, { "good.txt": "good", "a/b": "file" }))
    expect(refused).toMatchObject({ status: 409, code: 409 })
    expect(refused.message).toMatch(/^'a\/b' is a folder, /)
    expect(await listFiles(place)).toEqual(before)
  })

  it("answers 409 when both are in one request, in either order", async () => {
    const place = { project: await newProject("dev") }
    expect((await writeFiles(place, { a: "file", "a/b": "below" })).status).toBe(409)
    expect((await writeFiles(place, { "a/b": "below", a: "file" })).status).toBe(409)
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml", "/shipyard.yaml"])
  })

  it("answers 409 to a file with the name of a service", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    expect((await writeFiles({ project, stage: "dev" }, { carts: "file" })).status).toBe(409)
  })
})

describe("what is too much", () => {
  it("answers 400 to more than 1,000 files in one request, and writes none", async () => {
    const resources = Array.from({ length: 1001 }, (_, index) => ({ ...good, resourceURI: `${index}.txt` }))
    expect(await refusal({ resources })).toMatchObject({ status: 400, message: expect.stringContaining("1,000") })
  })

  it("answers 413 to a folder that would outgrow what a row holds, and writes none of the request", async () => {
    const place = { project: await newProject("dev") }
    const write = (page: number) => {
      const names = Array.from({ length: 900 }, (_, index) => `many/${page}-${index}-${"x".repeat(240)}`)
      const resources = names.map((resourceURI) => ({ ...good, resourceURI }))
      return send("eu", resourcePath(place), { json: { resources } })
    }
    for (const page of [1, 2, 3]) expect((await write(page)).status).toBe(201)
    const before = await listFiles(place)
    expect(await failure(await write(4))).toMatchObject({ status: 413, message: expect.stringContaining("'many'") })
    expect(await listFiles(place)).toEqual(before)
  })
})
