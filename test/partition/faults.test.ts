/**
 * Every call to storage that a write makes fails once, in turn: before it is done, or after it is done so that only its answer is lost.
 * A write that was answered with success is whole; any other is whole or was never made; and it can be tried again.
 */
import { describe, expect, it } from "vitest"
import { FILE_MODE, TREE_MODE } from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import { noise, sameBytes } from "../support/bytes.ts"
import { adminToken, base64 } from "../support/client.ts"
import { edgeWith, type SendToEdge } from "../support/edge.ts"
import { headOf, pushBody } from "../support/git.ts"
import { Fault, intercept, type StorageCall } from "../support/intercept.ts"
import { auditProject } from "../support/integrity.ts"
import { commitFiles, commitOf, newProject, type Place, readRaw, removeFile, resourcePath } from "../support/keptn.ts"
import { captureLog } from "../support/log.ts"
import { blobOf, commitOf as madeCommit, packOf, treeOf } from "../support/packs.ts"
import { euBindings } from "../support/partition.ts"

/** The files of a stage as a write finds them or leaves them; null for one that is not there. */
type Files = Record<string, Uint8Array | null>

/** A request that writes to a stage. */
interface Prepared {
  path: string
  init: RequestInit
}

interface Write {
  what: string
  /** How many calls it makes at least. */
  calls: number
  before: Files
  after: Files
  /** Brings the stage to `before`, and answers the request that brings it to `after`. */
  prepare: (place: Place) => Promise<Prepared>
  /** The status of the request when it is sent again although it was made. */
  again: number
}

const [one, two, three] = [utf8("one"), utf8("two"), utf8("three")]
const large = noise(2 * 1024 * 1024)

function json(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
}

const writes: Write[] = [
  {
    what: "writing three files",
    calls: 5,
    before: { "a.txt": one, "d/b.txt": null, "d/e/c.txt": null },
    after: { "a.txt": three, "d/b.txt": two, "d/e/c.txt": utf8("four") },
    again: 201,
    async prepare(place) {
      await commitFiles(place, { "a.txt": one })
      const files = Object.entries(this.after).flatMap(([path, bytes]) => (bytes === null ? [] : [{ path, bytes }]))
      const resources = files.map(({ path, bytes }) => ({ resourceURI: path, resourceContent: base64(bytes) }))
      return { path: resourcePath(place), init: json({ resources }) }
    },
  },
  {
    what: "uploading a file of two mebibytes",
    calls: 8,
    before: { "d/large.bin": one },
    after: { "d/large.bin": large },
    again: 200,
    async prepare(place) {
      await commitFiles(place, { "d/large.bin": one })
      const headers = { "content-type": "application/octet-stream", "content-length": String(large.length) }
      return { path: `${resourcePath(place)}/d/large.bin`, init: { method: "PUT", headers, body: large } }
    },
  },
  {
    what: "deleting a file",
    calls: 2,
    before: { "d/a.txt": one },
    after: { "d/a.txt": null },
    again: 404,
    async prepare(place) {
      await commitFiles(place, { "d/a.txt": one })
      return { path: `${resourcePath(place)}/d/a.txt`, init: { method: "DELETE" } }
    },
  },
  {
    what: "reverting a commit",
    calls: 6,
    before: { "a.txt": two, "d/b.txt": three },
    after: { "a.txt": one, "d/b.txt": null },
    again: 409,
    async prepare(place) {
      await commitFiles(place, { "a.txt": one })
      const id = await commitFiles(place, { "a.txt": two, "d/b.txt": three })
      const path = `/api/resource-service/v1/project/${place.project}/commit/${id}/revert?stage=${place.stage}`
      return { path, init: { method: "POST" } }
    },
  },
  {
    what: "reverting a deletion",
    calls: 6,
    before: { "d/a.txt": null },
    after: { "d/a.txt": one },
    again: 409,
    async prepare(place) {
      await commitFiles(place, { "d/a.txt": one })
      const id = await commitOf(await removeFile(place, "d/a.txt"))
      const path = `/api/resource-service/v1/project/${place.project}/commit/${id}/revert?stage=${place.stage}`
      return { path, init: { method: "POST" } }
    },
  },
  {
    what: "pushing two commits",
    calls: 8,
    before: { "a.txt": null, "d/b.txt": null },
    after: { "a.txt": one, "d/b.txt": two },
    again: 200,
    async prepare({ project }) {
      const from = await headOf(project, "dev")
      const [a, b] = [await blobOf(one), await blobOf(two)]
      const first = await treeOf({ mode: FILE_MODE, name: "a.txt", id: a.id })
      const inner = await treeOf({ mode: FILE_MODE, name: "b.txt", id: b.id })
      const second = await treeOf(
        { mode: FILE_MODE, name: "a.txt", id: a.id },
        { mode: TREE_MODE, name: "d", id: inner.id },
      )
      const base = await madeCommit({ tree: first.id, parents: [from] })
      const tip = await madeCommit({ tree: second.id, parents: [base.id] })
      const body = pushBody(
        [{ ref: "refs/heads/dev", from, to: tip.id }],
        packOf([a, b, first, inner, second, base, tip]),
      )
      const headers = { "content-type": "application/x-git-receive-pack-request" }
      return { path: `/git/${project}.git/git-receive-pack`, init: { method: "POST", headers, body } }
    },
  },
]

/** Sends a request as the administrator; answers its status. */
async function request(send: SendToEdge, { path, init }: Prepared): Promise<number> {
  const headers = new Headers(init.headers)
  headers.set("x-token", adminToken)
  const response = await send(`http://eu.api.localhost${path}`, { ...init, headers })
  await response.arrayBuffer()
  return response.status
}

async function holds(place: Place, files: Files): Promise<boolean> {
  for (const [path, bytes] of Object.entries(files)) {
    const response = await readRaw(place, path)
    const found = new Uint8Array(await response.arrayBuffer())
    if (response.status !== (bytes === null ? 404 : 200)) return false
    if (bytes !== null && !sameBytes(found, bytes)) return false
  }
  return true
}

/** What stands of a write. */
async function standing(place: Place, { before, after }: Write): Promise<"none" | "whole" | "half"> {
  if (await holds(place, after)) return "whole"
  return (await holds(place, before)) ? "none" : "half"
}

/** An edge on whose storage the call of a number fails; `failed` is that call, when it was made. */
function failingEdge(number: number, moment: "before" | "after"): { send: SendToEdge; failed: StorageCall[] } {
  const failed: StorageCall[] = []
  let calls = 0
  const bindings = intercept(euBindings, async (call, run) => {
    calls++
    if (calls !== number) return run()
    failed.push(call)
    if (moment === "after") await run()
    throw new Fault(`call ${number}, ${call}, is cut off`)
  })
  return { send: edgeWith({ regions: new Map([["eu", bindings]]) }), failed }
}

describe.each(writes)("$what", (write) => {
  it.each(["before", "after"] as const)(
    "is whole when it was answered so, and never half, when a call is cut off %s it is done",
    async (moment) => {
      captureLog()
      const cutOff: StorageCall[] = []
      for (let number = 1; ; number++) {
        const place = { project: await newProject("dev"), stage: "dev" }
        const prepared = await write.prepare(place)
        expect(await standing(place, write)).toBe("none")
        const { send, failed } = failingEdge(number, moment)
        const status = await request(send, prepared)
        const [call] = failed
        const made = await standing(place, write)
        const told = `${call} (${number}) was cut off ${moment}, and answered with ${status}`
        if (status < 300) expect(made, told).toBe("whole")
        else if (call === "batch" && moment === "after") expect(["none", "whole"], told).toContain(made)
        else expect(made, told).toBe("none")
        await auditProject(place.project)
        if (call === undefined) break

        cutOff.push(call)
        expect(status === 503 || (status < 300 && call === "delete"), told).toBe(true)
        const again = await request(edgeWith({}), prepared)
        if (made === "none") expect(again, told).toBeLessThan(300)
        else expect(again, told).toBe(write.again)
        expect(await standing(place, write), told).toBe("whole")
        await auditProject(place.project)
      }
      expect(cutOff.length).toBeGreaterThanOrEqual(write.calls)
      expect(cutOff).toContain("batch")
    },
  )
})
