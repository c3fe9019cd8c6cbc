/** The API as Keptn up to 0.17 named it: the same files, the answers of that time. */
import { utf8 } from "../../../src/lib/bytes.ts"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { send, storageCounts } from "../../support/client.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  answer,
  failure,
  fetchFile,
  listFiles,
  newProject,
  newScopes,
  type Place,
  putFile,
  putRaw,
  readFile,
  readRaw,
  removeFile,
  resourcePath,
  writeFiles,
} from "../../support/keptn.ts"
import { documentPaths } from "../../support/documents.ts"

const legacy = (place: Place): Place => ({ ...place, api: "configuration-service" })

/** What a write of that time answers, beside what it answers now. */
function answered(place: Place, commitID: string) {
  return {
    commitID,
    metadata: { upstreamURL: "", version: commitID },
    version: commitID,
    branch: place.stage ?? "main",
    upstreamURL: "",
  }
}

const putList = { method: "PUT" }

describe("the deprecated name of the API", () => {
  it("answers POST and PUT with 201, and the version at the top of the answer, in every scope", async () => {
    const places = await newScopes()
    for (const place of places) {
      for (const [n, write] of [
        () => writeFiles(legacy(place), { "a.txt": "0" }),
        () => writeFiles(legacy(place), { "a.txt": "1" }, putList),
        () => putFile(legacy(place), "a.txt", "2"),
        () => putRaw(legacy(place), "a.txt", utf8("3")),
      ].entries()) {
        const response = await write()
        expect(response.status).toBe(201)
        const { version, text } = await fetchFile(place, "a.txt")
        expect(text).toBe(String(n))
        expect(await response.json()).toEqual(answered(place, version))
      }
    }
    await auditProject(places[0].project)
  })

  it("answers identical content with 201 and the commit that stands", async () => {
    const [, place] = await newScopes()
    const shape = z.looseObject({ version: z.string() })
    const { version } = await answer(await putFile(legacy(place), "a.txt", "a"), shape, 201)
    const again = await answer(await putFile(legacy(place), "a.txt", "a"), shape, 201)
    expect(again).toEqual(answered(place, version))
  })

  it("answers DELETE with 204 and no body, in every scope", async () => {
    const places = await newScopes()
    for (const place of places) {
      await writeFiles(legacy(place), { "a.txt": "a" })
      const response = await removeFile(legacy(place), "a.txt")
      expect([response.status, await response.text()]).toEqual([204, ""])
      expect((await readFile(place, "a.txt")).status).toBe(404)
    }
    await auditProject(places[0].project)
  })

  it("reads and lists what the resource service does, with the same tags", async () => {
    for (const place of await newScopes()) {
      await writeFiles(place, { "d/a.txt": "a" })
      expect(await fetchFile(legacy(place), "d%2Fa.txt")).toEqual(await fetchFile(place, "d%2Fa.txt"))
      expect(await listFiles(legacy(place), "pageSize=1")).toEqual(await listFiles(place, "pageSize=1"))
      const etag = (await send("eu", resourcePath(place))).headers.get("etag") ?? ""
      const known = { headers: { "if-none-match": etag } }
      expect((await send("eu", resourcePath(legacy(place)), known)).status).toBe(304)
      expect(await (await readRaw(legacy(place), "d/a.txt")).arrayBuffer()).toEqual(utf8("a").buffer)
    }
  })

  it("honours conditions", async () => {
    const place = legacy({ project: await newProject("dev"), stage: "dev" })
    const etag = (await putFile(place, "a.txt", "a")).headers.get("etag") ?? ""
    const wrong = { headers: { "if-match": '"other"' } }
    expect((await putFile(place, "a.txt", "b", wrong)).status).toBe(412)
    expect((await removeFile(place, "a.txt", wrong)).status).toBe(412)
    expect((await putFile(place, "a.txt", "b", { headers: { "if-match": etag } })).status).toBe(201)
    expect((await fetchFile(place, "a.txt")).text).toBe("b")
  })

  it("refuses as the resource service does", async () => {
    const project = await newProject("dev")
    const requests: ((place: Place) => Promise<Response>)[] = [
      (place) => readFile({ ...place, stage: "none" }, "a.txt"),
      (place) => putFile({ ...place, stage: "dev", service: "none" }, "a.txt", "a"),
      (place) => removeFile(place, "none.txt"),
      (place) => putFile(place, "a~", "a"),
      (place) => send("eu", resourcePath(place), { json: { resources: [] } }),
      (place) => readFile({ ...place, project: "none" }, "a.txt"),
    ]
    for (const request of requests) {
      const expected = await failure(await request({ project }))
      expect(expected.status).toBeGreaterThanOrEqual(400)
      expect(await failure(await request(legacy({ project })))).toEqual(expected)
    }
  })

  it("takes files of more than a mebibyte as they are", async () => {
    const place = legacy({ project: await newProject("dev") })
    const bytes = new Uint8Array(1_500_000).fill(7)
    const response = await putRaw(place, "large.bin", bytes)
    expect(response.status).toBe(201)
    expect(storageCounts(response).r2).toBeGreaterThan(2)
    expect((await readRaw(place, "large.bin")).headers.get("content-length")).toBe("1500000")
  })

  it("takes the queries that clients of that time send", async () => {
    const place = legacy({ project: await newProject("dev"), stage: "dev" })
    await writeFiles(place, { "a.txt": "a" })
    expect((await listFiles(place, "disableUpstreamSync=true&pageSize=20")).uris).toEqual(["/a.txt", "/metadata.yaml"])
    expect((await fetchFile(place, "a.txt?disableUpstreamSync=true")).text).toBe("a")
  })

  it("is documented as deprecated, operation by operation", async () => {
    const path = "/api/openapi/configuration-service.json"
    expect(await documentPaths("eu")).toContain(path)
    const operation = z.looseObject({ deprecated: z.boolean().optional() })
    const document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), operation)) })
    const { paths } = await answer(await send("eu", path), document)
    const operations = Object.values(paths).flatMap((item) => Object.values(item))
    expect(operations.length).toBeGreaterThanOrEqual(18)
    for (const { deprecated } of operations) expect(deprecated).toBe(true)
  })
})
