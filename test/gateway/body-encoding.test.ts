/** What headers say about a body is either carried out or refused: never is a part, or a compressed form, taken for the whole. */
import { describe, expect, it } from "vitest"
import { concat, streamOf, toBase64, utf8 } from "../../src/lib/bytes.ts"
import { createProject, send, shipyard } from "../support/client.ts"
import { fetchFile, newProject, readFile, resourcePath } from "../support/keptn.ts"

const OCTETS = { "content-type": "application/octet-stream" }

async function compressed(bytes: Uint8Array, format: "gzip" | "deflate"): Promise<Uint8Array<ArrayBuffer>> {
  const stream = streamOf([bytes]).pipeThrough(new CompressionStream(format))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

describe("a part of a file", () => {
  it.each([OCTETS, { "content-type": "application/json" }])("is not taken for the file: 400 (%j)", async (type) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const path = `${resourcePath(place)}/x.txt`
    const whole = { method: "PUT", headers: OCTETS, body: "the whole file" }
    expect((await send("eu", path, whole)).status).toBe(200)
    const headers = { ...type, "content-range": "bytes 4-13/14" }
    const response = await send("eu", path, { ...whole, headers, body: "whole file" })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("Content-Range")])
    expect((await fetchFile(place, "x.txt")).text).toBe("the whole file")
  })

  it("is not taken for the file when it is empty, either", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const path = `${resourcePath(place)}/x.txt`
    expect((await send("eu", path, { method: "PUT", headers: OCTETS, body: "the whole file" })).status).toBe(200)
    const headers = { ...OCTETS, "content-range": "bytes */14", "content-length": "0" }
    expect((await send("eu", path, { method: "PUT", headers })).status).toBe(400)
    expect((await fetchFile(place, "x.txt")).text).toBe("the whole file")
  })
})

describe("a compressed body", () => {
  it.each([
    ["gzip", "gzip"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["deflate", "deflate"],
    ["identity, gzip", "gzip"],
  ] as const)("is decoded before it becomes a file: %s", async (coding, format) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const content = "text that repeats ".repeat(100)
    const body = await compressed(utf8(content), format)
    const headers = { ...OCTETS, "content-encoding": coding }
    expect((await send("eu", `${resourcePath(place)}/x.txt`, { method: "PUT", headers, body })).status).toBe(200)
    expect((await fetchFile(place, "x.txt")).text).toBe(content)
  })

  it("is decoded before JSON is read", async () => {
    const json = JSON.stringify({ name: "compressed", shipyard: toBase64(utf8(shipyard("dev"))) })
    const headers = { "content-type": "application/json", "content-encoding": "gzip" }
    const body = await compressed(utf8(json), "gzip")
    expect((await send("eu", "/api/controlPlane/v1/project", { method: "POST", headers, body })).status).toBe(201)
    const team = await compressed(utf8(JSON.stringify({ name: "compressed" })), "gzip")
    expect((await send("global", "/v3/teams", { method: "POST", headers, body: team })).status).toBe(201)
  })

  it.each(["br", "zstd", "compress", "gzip, gzip", "gzip, br", "none"])(
    "in a coding that is not known is refused with what is: %s",
    async (coding) => {
      const place = { project: await newProject("dev"), stage: "dev" }
      for (const type of [OCTETS, { "content-type": "application/json" }]) {
        const request = { method: "PUT", headers: { ...type, "content-encoding": coding }, body: "x" }
        const response = await send("eu", `${resourcePath(place)}/x.txt`, request)
        expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "gzip, deflate"])
      }
      expect((await readFile(place, "x.txt")).status).toBe(404)
    },
  )

  it("that is not what its header says is refused with 400, and so is one that goes on after its end", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const whole = await compressed(utf8("content"), "gzip")
    for (const body of [utf8("no gzip at all"), whole.subarray(0, 12), concat([whole, utf8("more")])]) {
      const headers = { ...OCTETS, "content-encoding": "gzip" }
      const response = await send("eu", `${resourcePath(place)}/x.txt`, { method: "PUT", headers, body })
      expect(response.status).toBe(400)
    }
    expect((await readFile(place, "x.txt")).status).toBe(404)
  })

  it("is bounded by what it makes: 413", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const body = await compressed(new Uint8Array(64 * 1024 * 1024), "gzip")
    for (const type of [OCTETS, { "content-type": "application/json" }]) {
      const headers = { ...type, "content-encoding": "gzip" }
      const response = await send("eu", `${resourcePath(place)}/x.txt`, { method: "PUT", headers, body })
      expect(response.status).toBe(413)
    }
    expect((await readFile(place, "x.txt")).status).toBe(404)
  })
})

describe("JSON that is not UTF-8", () => {
  it("is refused with 400, where the platform would change what it cannot read", async () => {
    const project = await newProject("dev")
    const body = concat([utf8('{"serviceName":"a'), Uint8Array.of(0xff), utf8('"}')])
    const headers = { "content-type": "application/json" }
    for (const [label, path] of [
      ["eu", `/api/controlPlane/v1/project/${project}/service`],
      ["eu", "/api/secrets/v1/secret"],
      ["global", "/v3/teams"],
    ] as const) {
      const response = await send(label, path, { method: "POST", headers, body })
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("not UTF-8")])
    }
  })
})

describe("a shipyard", () => {
  it("with a byte order mark is stored with it", async () => {
    const bytes = utf8(`\ufeff${shipyard("dev")}`)
    const json = { name: "marked", shipyard: toBase64(bytes) }
    expect((await send("eu", "/api/controlPlane/v1/project", { json })).status).toBe(201)
    const raw = { headers: { accept: "application/octet-stream" } }
    const file = await send("eu", "/api/resource-service/v1/project/marked/resource/shipyard.yaml", raw)
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes)
    const changed = utf8(`\ufeff# changed\n${shipyard("dev")}`)
    const update = { method: "PUT", json: { name: "marked", shipyard: toBase64(changed) } }
    expect((await send("eu", "/api/controlPlane/v1/project", update)).status).toBe(201)
    const now = await send("eu", "/api/resource-service/v1/project/marked/resource/shipyard.yaml", raw)
    expect(new Uint8Array(await now.arrayBuffer())).toEqual(changed)
  })

  it.each([
    ["Latin-1", Uint8Array.of(0x23, 0xe9, 0x0a)],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0x00)],
    ["half of a character", Uint8Array.of(0x23, 0xc3, 0x0a)],
  ])("in %s is refused, and nothing is stored", async (_, bytes) => {
    const json = { name: "not-utf8", shipyard: toBase64(concat([bytes, utf8(shipyard("dev"))])) }
    const response = await send("eu", "/api/controlPlane/v1/project", { json })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("not UTF-8")])
    await createProject("eu", "not-utf8", "dev")
    const update = await send("eu", "/api/controlPlane/v1/project", { method: "PUT", json })
    expect(update.status).toBe(400)
    await send("eu", "/api/controlPlane/v1/project/not-utf8", { method: "DELETE" })
  })
})
