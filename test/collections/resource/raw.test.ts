/** Files as they are: without JSON, of any size. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { objectId } from "../../../src/git/objects.ts"
import { utf8 } from "../../../src/lib/bytes.ts"
import { adminToken, send, storageCounts, type TestRequest } from "../../support/client.ts"
import { noise, sameBytes } from "../../support/bytes.ts"
import { edgeWith } from "../../support/edge.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
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
  resourcePath,
  statuses,
} from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import { storedBlobs } from "../../support/storage.ts"
import { eventually } from "../../support/eventually.ts"

/** Files up to this size are held whole. */
const SMALL = 1024 * 1024
const LARGE = noise(3 * SMALL + 1)

const contents = [
  { what: "an empty file", bytes: new Uint8Array() },
  { what: "a small file", bytes: noise(1000) },
  { what: "the largest file that is held whole", bytes: noise(SMALL) },
  { what: "the smallest file that is streamed", bytes: noise(SMALL + 1) },
  { what: "a file of three mebibytes", bytes: LARGE },
]

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await response.arrayBuffer())
}

/** Where no upload of a project is left; one is removed after the response. */
async function expectNoUploads(project: string): Promise<void> {
  await eventually(async () => {
    expect((await env.BLOBS_EU.list({ prefix: `projects/${project}/uploads/` })).objects).toEqual([])
  })
}

/** A body in pieces, whose length is not known when it is sent. */
function chunked(pieces: number, size: number): { body: ReadableStream<Uint8Array>; sent: () => number } {
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === pieces) return controller.close()
      sent++
      controller.enqueue(new Uint8Array(size))
    },
  })
  return { body, sent: () => sent }
}

describe("the bytes of a file", () => {
  it.each(contents)(
    "come back as they were sent, as they are and in JSON, in every scope: $what",
    async ({ bytes }) => {
      const places = await newScopes()
      for (const place of places) {
        const response = await putRaw(place, "d%2Ffile.bin", bytes)
        const etag = `"${await objectId("blob", bytes)}"`
        expect(response.headers.get("etag")).toBe(etag)
        const commit = await commitOf(response)
        for (const escaped of ["d/file.bin", "d/file.bin", `d/file.bin?gitCommitID=${commit}`]) {
          const read = await readRaw(place, escaped)
          expect([read.status, read.headers.get("content-type")]).toEqual([200, "application/octet-stream"])
          expect([read.headers.get("content-length"), read.headers.get("etag")]).toEqual([String(bytes.length), etag])
          expect(sameBytes(await bytesOf(read), bytes)).toBe(true)
        }
        const json = await fetchFile(place, "d/file.bin")
        expect({ uri: json.uri, version: json.version }).toEqual({ uri: "d/file.bin", version: commit })
        expect(sameBytes(json.bytes, bytes)).toBe(true)
      }
      await auditProject(places[0].project)
      await expectNoUploads(places[0].project)
    },
  )

  it("are the same file whether they came as JSON or as they are: no second commit", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const large = noise(2_000_000)
    for (const bytes of [noise(1000), large]) {
      const commit = await commitOf(await putFile(place, "a.bin", bytes))
      expect(await commitOf(await putRaw(place, "a.bin", bytes))).toBe(commit)
    }
    expect(await objectId("blob", large)).toBe((await readRaw(place, "a.bin")).headers.get("etag")?.replaceAll('"', ""))
    await expectNoUploads(place.project)
  })

  it("may be more than a JSON body can carry", async () => {
    const place = { project: await newProject("dev") }
    const bytes = noise(7_000_000)
    await commitOf(await putRaw(place, "large.bin", bytes))
    expect(sameBytes(await bytesOf(await readRaw(place, "large.bin")), bytes)).toBe(true)
    expect((await storedBlobs(place.project)).get(await objectId("blob", bytes))).toBe(bytes.length)
  })

  it("come in JSON as standard base64, whatever their length leaves over", async () => {
    const place = { project: await newProject("dev") }
    for (const length of [SMALL + 1, SMALL + 2, SMALL + 3]) {
      const bytes = noise(length)
      await commitOf(await putRaw(place, "a&%22b.bin", bytes))
      const response = await readFile(place, "a&%22b.bin")
      expect(response.headers.get("content-type")).toBe("application/json")
      const shape = z.strictObject({ resourceURI: z.string(), resourceContent: z.string(), metadata: z.unknown() })
      const answer = shape.parse(await response.json())
      expect(answer.resourceURI).toBe("a&%22b.bin")
      expect(answer.resourceContent === bytes.toBase64()).toBe(true)
    }
  })
})

describe("the form of an answer", () => {
  it.each([
    ["application/octet-stream", "application/octet-stream"],
    ["application/octet-stream, */*;q=0.1", "application/octet-stream"],
    ["application/json;q=0.5, application/octet-stream", "application/octet-stream"],
    ["*/*", "application/json"],
    ["", "application/json"],
    ["text/html", "application/json"],
    ["application/json", "application/json"],
    ["application/*", "application/json"],
    ["application/json, application/octet-stream;q=0.5", "application/json"],
    ["application/octet-stream;q=0", "application/json"],
  ])("follows Accept: %j is answered with %s", async (accept, type) => {
    const place = { project: await newProject("dev") }
    const response = await readFile(place, "metadata.yaml", { headers: { accept } })
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type])
    expect(response.headers.get("vary")).toBe("Accept")
    await response.arrayBuffer()
  })

  it("is that of an error in JSON all the same", async () => {
    const place = { project: await newProject("dev") }
    const response = await readRaw(place, "none.bin")
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await failure(response)).toEqual({ status: 404, code: 404, message: "Resource not found" })
  })

  it.each([
    ["plain.yaml", "attachment; filename=plain.yaml"],
    ["folder/plain.yaml", "attachment; filename=plain.yaml"],
    ["with%20blank.txt", 'attachment; filename="with blank.txt"'],
    ["quote%22.txt", String.raw`attachment; filename="quote\".txt"`],
    ["%C3%A4%E2%82%AC.txt", "attachment; filename=\"??.txt\"; filename*=UTF-8''%C3%A4%E2%82%AC.txt"],
  ])("names the file for those who save it: %s", async (escaped, disposition) => {
    const place = { project: await newProject("dev") }
    await commitOf(await putRaw(place, escaped, noise(10)))
    expect((await readRaw(place, escaped)).headers.get("content-disposition")).toBe(disposition)
    expect((await readFile(place, escaped)).headers.get("content-disposition")).toBeNull()
  })

  it("is left out with 304 for who has the file", async () => {
    const place = { project: await newProject("dev") }
    const etag = (await putRaw(place, "a.bin", LARGE)).headers.get("etag") ?? ""
    const response = await readRaw(place, "a.bin", { headers: { "if-none-match": etag } })
    expect([response.status, (await bytesOf(response)).length]).toEqual([304, 0])
    expect(storageCounts(response)).toMatchObject({ r2: 0, kv: 0 })
  })
})

describe.each([
  { what: "small", bytes: noise(1000) },
  { what: "large", bytes: LARGE },
])("a part of a $what file", ({ bytes }) => {
  const { length } = bytes

  async function ask(headers: Record<string, string>, request: TestRequest = {}) {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitOf(await putRaw(place, "a.bin", bytes))
    return readRaw(place, "a.bin", { headers, ...request })
  }

  it.each([
    { range: "bytes=0-0", from: 0, to: 0 },
    { range: "bytes=0-99", from: 0, to: 99 },
    { range: "bytes=500-599", from: 500, to: 599 },
    { range: "bytes=-10", from: length - 10, to: length - 1 },
    { range: "bytes=990-", from: 990, to: length - 1 },
    { range: `bytes=${length - 1}-`, from: length - 1, to: length - 1 },
    { range: `bytes=10-${length + 10}`, from: 10, to: length - 1 },
    { range: `bytes=-${length + 10}`, from: 0, to: length - 1 },
    { range: "bytes=0-", from: 0, to: length - 1 },
    // Those that meet are one.
    { range: "bytes=0-9,10-19", from: 0, to: 19 },
  ])("is answered with 206: $range", async ({ range, from, to }) => {
    const response = await ask({ range })
    expect(response.status).toBe(206)
    expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to}/${length}`)
    expect(response.headers.get("content-length")).toBe(String(to - from + 1))
    expect(response.headers.get("etag")).toBe(`"${await objectId("blob", bytes)}"`)
    expect(sameBytes(await bytesOf(response), bytes.subarray(from, to + 1))).toBe(true)
  })

  it.each(["bytes=0-9,20-29", "bytes=", "bytes=a-b", "bytes", "lines=0-9", "lines=9999999-", "0-9", ""])(
    "is the whole with 200 when several or none are asked for: %j",
    async (range) => {
      const response = await ask({ range })
      expect(response.status).toBe(200)
      expect(response.headers.get("accept-ranges")).toBe("bytes")
      expect(response.headers.get("content-range")).toBeNull()
      expect(response.headers.get("content-length")).toBe(String(length))
      expect(sameBytes(await bytesOf(response), bytes)).toBe(true)
    },
  )

  it.each([`bytes=${length}-`, `bytes=${length + 5}-${length + 9}`, "bytes=-0"])(
    "that the file does not have is answered with 416 and its size: %s",
    async (range) => {
      const response = await ask({ range })
      expect(response.headers.get("content-range")).toBe(`bytes */${length}`)
      expect(storageCounts(response)).toMatchObject({ r2: 0, kv: 0 })
      const message = `the file has ${length} bytes`
      expect(await failure(response)).toEqual({ status: 416, code: 416, message })
    },
  )

  it("is answered if the file is the one of If-Range, and the whole if it is not", async () => {
    const etag = `"${await objectId("blob", bytes)}"`
    const range = "bytes=1-2"
    expect((await ask({ range, "if-range": etag })).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, etag.slice(1, -1), "Wed, 21 Oct 2026 07:28:00 GMT"]) {
      const response = await ask({ range, "if-range": other })
      expect([response.status, (await bytesOf(response)).length]).toEqual([200, length])
    }
    expect((await ask({ range: `bytes=${length}-`, "if-range": '"other"' })).status).toBe(200)
  })

  it("is not what HEAD is about", async () => {
    for (const range of ["bytes=0-9", `bytes=${length}-`]) {
      const response = await ask({ range }, { method: "HEAD" })
      expect([response.status, response.headers.get("content-length")]).toEqual([200, String(length)])
      expect(response.headers.get("content-range")).toBeNull()
    }
  })

  it("is no part of a JSON answer", async () => {
    const response = await ask({ range: "bytes=0-9", accept: "application/json" })
    expect([response.status, response.headers.get("content-range")]).toEqual([200, null])
    await response.arrayBuffer()
  })

  it("is that of the commit that is asked for", async () => {
    const place = { project: await newProject("dev") }
    const commit = await commitOf(await putRaw(place, "a.bin", bytes))
    await commitOf(await putRaw(place, "a.bin", noise(10)))
    const response = await readRaw(place, `a.bin?gitCommitID=${commit}`, { headers: { range: "bytes=5-9" } })
    expect(sameBytes(await bytesOf(response), bytes.subarray(5, 10))).toBe(true)
  })
})

describe("an empty file", () => {
  it("has no part: 416", async () => {
    const place = { project: await newProject("dev") }
    await commitOf(await putRaw(place, "empty.bin", new Uint8Array()))
    const response = await readRaw(place, "empty.bin", { headers: { range: "bytes=0-" } })
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */0"])
  })
})

describe("HEAD", () => {
  it.each(contents)("tells of $what as it is without reading it, with its length", async ({ bytes }) => {
    const place = { project: await newProject("dev") }
    await commitOf(await putRaw(place, "a.bin", bytes))
    const response = await readRaw(place, "a.bin", { method: "HEAD" })
    expect([response.status, (await bytesOf(response)).length]).toEqual([200, 0])
    expect(response.headers.get("content-type")).toBe("application/octet-stream")
    expect(response.headers.get("content-length")).toBe(String(bytes.length))
    expect(response.headers.get("accept-ranges")).toBe("bytes")
    expect(response.headers.get("etag")).toBe(`"${await objectId("blob", bytes)}"`)
    expect(storageCounts(response)).toMatchObject({ d1: 1, r2: 0, kv: 0 })
  })

  it.each(contents)("tells of $what in JSON without reading it, with its length", async ({ bytes }) => {
    const place = { project: await newProject("dev") }
    await commitOf(await putRaw(place, "a.bin", bytes))
    const response = await readFile(place, "a.bin", { method: "HEAD" })
    expect([response.status, (await bytesOf(response)).length]).toEqual([200, 0])
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(response.headers.get("etag")).toBe(`"${await objectId("blob", bytes)}"`)
    expect(storageCounts(response)).toMatchObject({ d1: 1, r2: 0, kv: 0 })
    const whole = await bytesOf(await readFile(place, "a.bin"))
    expect(response.headers.get("content-length")).toBe(String(whole.length))
  })

  it("answers 404 where no file is", async () => {
    const place = { project: await newProject("dev") }
    for (const response of [
      await readRaw(place, "none.bin", { method: "HEAD" }),
      await readFile(place, "none.bin", { method: "HEAD" }),
    ]) {
      expect([response.status, await response.text()]).toEqual([404, ""])
    }
  })
})

describe("sending a file as it is", () => {
  const file = "/a.bin"

  it.each(["application/octet-stream", "Application/Octet-Stream", "application/octet-stream; charset=binary"])(
    "is meant by the content type %s",
    async (type) => {
      const place = { project: await newProject("dev") }
      const bytes = utf8('{"resourceContent":"YQ=="}')
      await commitOf(await putRaw(place, "a.bin", bytes, { headers: { "content-type": type } }))
      expect((await fetchFile(place, "a.bin")).text).toBe('{"resourceContent":"YQ=="}')
    },
  )

  it.each(["application/octet-streams", "text/plain", "application/json"])("is not meant by %s", async (type) => {
    const place = { project: await newProject("dev") }
    const body = utf8('{"resourceContent":"YQ=="}')
    await commitOf(await putRaw(place, "a.bin", body, { headers: { "content-type": type } }))
    expect((await fetchFile(place, "a.bin")).text).toBe("a")
  })

  it("takes the name from the path, decoded once", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitOf(await putRaw(place, "d%252Fe%20f.bin", noise(10)))
    await commitOf(await putRaw(place, "g/h.bin", LARGE))
    expect((await listFiles(place)).uris).toEqual(["/d%2Fe f.bin", "/g/h.bin", "/metadata.yaml"])
    for (const name of ["..%2Fa", "a~", ".git%2Fconfig"]) {
      for (const bytes of [noise(10), LARGE]) {
        const response = await putRaw(place, name, bytes)
        expect(storageCounts(response).r2).toBe(0)
        expect(await failure(response)).toEqual({ status: 400, code: 400, message: "invalid resource uri" })
      }
    }
  })

  it("is answered with 411 without a length, before a byte of it is read", async () => {
    const place = { project: await newProject("dev") }
    const edge = edgeWith({})
    const headers = { "content-type": "application/octet-stream", "x-token": adminToken }
    const { body, sent } = chunked(100, 65_536)
    const response = await edge(`http://eu.api.localhost${resourcePath(place)}${file}`, {
      method: "PUT",
      headers,
      body,
    })
    expect(await failure(response)).toEqual({
      status: 411,
      code: 411,
      message: "send the size of the file as Content-Length (curl -T does)",
    })
    expect(sent()).toBeLessThanOrEqual(1)
    expect((await readFile(place, "a.bin")).status).toBe(404)
  })

  it("is answered with 401 without a token, before a byte of it is read", async () => {
    const edge = edgeWith({})
    const { body, sent } = chunked(100, 65_536)
    const headers = { "content-type": "application/octet-stream" }
    const response = await edge(`http://eu.api.localhost${resourcePath({ project: "p" })}${file}`, {
      method: "PUT",
      headers,
      body,
    })
    expect([response.status, sent() <= 1]).toEqual([401, true])
  })

  it("is answered with 413 beyond the limit, and with 200 at it", async () => {
    const place = { project: await newProject("dev") }
    const edge = edgeWith({ maxRawBytes: 2000 })
    const sendRaw = (size: number) => {
      const headers = { "content-type": "application/octet-stream", "x-token": adminToken }
      const request = { method: "PUT", headers: { ...headers, "content-length": String(size) }, body: noise(size) }
      return edge(`http://eu.api.localhost${resourcePath(place)}${file}`, request)
    }
    expect((await sendRaw(2000)).status).toBe(200)
    const message = "the body is larger than 2000 bytes"
    expect(await failure(await sendRaw(2001))).toEqual({ status: 413, code: 413, message })
  })

  it("is limited like JSON where a list is meant, or another collection: 413", async () => {
    const project = await newProject("resource")
    const body = noise(Number(env.MAX_BODY_BYTES) + 1)
    const headers = { "content-type": "application/octet-stream" }
    for (const place of [{ project }, { project, stage: "resource" }]) {
      for (const method of ["POST", "PUT"]) {
        expect((await send("eu", resourcePath(place), { method, body, headers })).status).toBe(413)
      }
    }
    expect((await send("eu", "/api/v1/event", { method: "POST", body, headers })).status).toBe(413)
  })

  it("is refused to who may only read: 403, and nothing is uploaded", async () => {
    const place = { project: await newProject("dev") }
    const token = await tokenWith({ roleName: "Viewer", entityId: place.project })
    for (const bytes of [noise(10), LARGE]) {
      const response = await putRaw(place, "a.bin", bytes, { token })
      expect([response.status, storageCounts(response).r2]).toEqual([403, 0])
    }
    expect((await putRaw(place, "a.bin", LARGE, { token: await tokenWith() })).status).toBe(404)
    await expectNoUploads(place.project)
  })
})

/** Expects a refusal of a large file, before anything of it went to the bucket. */
async function expectRefused(place: Place, headers: Record<string, string>, status: number, message: string) {
  const response = await putRaw(place, "a.bin", LARGE, { headers })
  expect(storageCounts(response).r2).toBe(0)
  expect(await failure(response)).toEqual({ status, code: status, message })
  expect((await env.BLOBS_EU.list({ prefix: `projects/${place.project}/uploads/` })).objects).toEqual([])
  expect((await storedBlobs(place.project)).has(await objectId("blob", LARGE))).toBe(false)
}

describe("a large file that cannot be written", () => {
  it("is refused with 404 before it is uploaded, in a scope that does not exist", async () => {
    const project = await newProject("dev")
    await expectRefused({ project: "none" }, {}, 404, "Could not find credentials for upstream repository")
    await expectRefused({ project, stage: "none" }, {}, 404, "Stage not found")
    await expectRefused({ project, stage: "dev", service: "none" }, {}, 404, "Service not found")
  })

  it("is refused with 412 before it is uploaded, when the condition fails", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const message = "what is stored is not what If-Match or If-None-Match expects: read it again, and decide anew"
    await expectRefused(place, { "if-match": "*" }, 412, message)
    const commit = await commitFiles(place, { "a.bin": "small" })
    await expectRefused(place, { "if-match": '"other"' }, 412, message)
    await expectRefused(place, { "if-none-match": "*" }, 412, message)
    expect((await listFiles(place)).versions).toEqual([commit])
  })

  it("leaves no upload behind when it turns out to be in the way: 409", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const commit = await commitFiles(place, { "a/b": "file" })
    for (const [name, text] of [
      ["a/b/c", /^'a\/b' is a file, /],
      ["a", /^'a' is a folder, /],
    ] as const) {
      const refused = await failure(await putRaw(place, name, LARGE))
      expect(refused).toMatchObject({ status: 409, message: expect.stringMatching(text) })
    }
    expect((await listFiles(place)).versions).toEqual([commit])
    await expectNoUploads(place.project)
  })

  it("is written once by several who saw the same: the others are refused with 412", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const etag = (await putFile(place, "a.bin", "first")).headers.get("etag") ?? ""
    const files = [1, 2, 3].map(() => noise(SMALL + 10))
    const responses = await Promise.all(
      files.map((bytes) => putRaw(place, "a.bin", bytes, { headers: { "if-match": etag } })),
    )
    expect(statuses(responses)).toEqual([200, 412, 412])
    const winner = files[responses.findIndex(({ ok }) => ok)]
    expect(sameBytes(await bytesOf(await readRaw(place, "a.bin")), winner ?? new Uint8Array())).toBe(true)
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + 2)
    await expectNoUploads(place.project)
  })
})
