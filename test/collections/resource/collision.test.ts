/** Two contents of one git object id cannot be made at will: here the bucket is told that the other one is there. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { objectId } from "../../../src/git/objects.ts"
import { utf8 } from "../../../src/lib/bytes.ts"
import { noise, sameBytes } from "../../support/bytes.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitOf,
  failure,
  fetchFile,
  listFiles,
  newScopes,
  type Place,
  putFile,
  putRaw,
  readFile,
  readRaw,
  writeFiles,
} from "../../support/keptn.ts"
import { storedBlobs } from "../../support/storage.ts"
import { eventually } from "../../support/eventually.ts"

const CONTENT = utf8("content")
const LARGE = noise(1024 * 1024 + 1)

/** Puts `stored` where the bucket has the bytes `of` of a project, with the checksum that the Worker gives. */
async function plant(project: string, of: Uint8Array<ArrayBuffer>, stored: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = `projects/${project}/blobs/${await objectId("blob", of)}`
  await env.BLOBS_EU.put(key, stored, { sha256: await crypto.subtle.digest("SHA-256", stored) })
  return key
}

const writes: {
  what: string
  bytes: Uint8Array<ArrayBuffer>
  status: number
  send: (place: Place) => Promise<Response>
}[] = [
  { what: "POST of a list", bytes: CONTENT, status: 201, send: (place) => writeFiles(place, { "a.bin": CONTENT }) },
  {
    what: "POST of a list with others",
    bytes: CONTENT,
    status: 201,
    send: (place) => writeFiles(place, { "other.bin": "other", "a.bin": CONTENT }),
  },
  {
    what: "PUT of a list",
    bytes: CONTENT,
    status: 200,
    send: (place) => writeFiles(place, { "a.bin": CONTENT }, { method: "PUT" }),
  },
  { what: "PUT of one file", bytes: CONTENT, status: 200, send: (place) => putFile(place, "a.bin", CONTENT) },
  { what: "PUT of the file itself", bytes: CONTENT, status: 200, send: (place) => putRaw(place, "a.bin", CONTENT) },
  { what: "PUT of a large file itself", bytes: LARGE, status: 200, send: (place) => putRaw(place, "a.bin", LARGE) },
]

describe.each(writes)("a $what", ({ bytes, status, send }) => {
  it("is refused with 409 when other bytes are stored under the git id, and nothing is written or overwritten", async () => {
    for (const place of await newScopes()) {
      const others = noise(20)
      const key = await plant(place.project, bytes, others)
      const before = await listFiles(place)
      const refused = await failure(await send(place))
      expect(refused).toEqual({
        status: 409,
        code: 409,
        message: "other content is stored under the git object id of this content: it is refused",
      })
      expect(await listFiles(place)).toEqual(before)
      expect((await readFile(place, "a.bin")).status).toBe(404)
      const stored = await env.BLOBS_EU.get(key)
      expect(sameBytes(new Uint8Array((await stored?.arrayBuffer()) ?? []), others)).toBe(true)
      const { project } = place
      await eventually(async () => {
        expect((await env.BLOBS_EU.list({ prefix: `projects/${project}/uploads/` })).objects).toEqual([])
      })
    }
  })

  it("is made when the same bytes are stored already", async () => {
    const [place] = await newScopes()
    await plant(place.project, bytes, bytes)
    await commitOf(await send(place), status)
    expect(sameBytes(new Uint8Array(await (await readRaw(place, "a.bin")).arrayBuffer()), bytes)).toBe(true)
    await auditProject(place.project)
  })
})

describe("a collision in one project", () => {
  it("is none in another", async () => {
    const [place] = await newScopes()
    const [other] = await newScopes()
    await plant(place.project, CONTENT, noise(20))
    expect((await putFile(place, "a.bin", CONTENT)).status).toBe(409)
    await commitOf(await putFile(other, "a.bin", CONTENT))
    expect((await fetchFile(other, "a.bin")).text).toBe("content")
    expect((await storedBlobs(other.project)).get(await objectId("blob", CONTENT))).toBe(CONTENT.length)
  })
})
