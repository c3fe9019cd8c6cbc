/** Writers of one branch at once: each is answered as if it had been alone, however they are committed. */
import { describe, expect, it } from "vitest"
import { mayBeTogether, type QueuedWrite } from "../../src/partition/branch-turns.ts"
import { requireThat } from "../../src/partition/commit.ts"
import { sql } from "drizzle-orm"
import { adminToken, base64 } from "../support/client.ts"
import { edgeAround, edgeWith, type SendToEdge } from "../support/edge.ts"
import { auditProject } from "../support/integrity.ts"
import { Fault, type StorageCall } from "../support/intercept.ts"
import {
  commitFiles,
  commitOf,
  fetchFile,
  listFiles,
  newProject,
  newService,
  type Place,
  putFile,
  putRaw,
  readFile,
  removeFile,
  resourcePath,
  statuses,
  writeFiles,
} from "../support/keptn.ts"
import { captureLog } from "../support/log.ts"
import { openRegion } from "../support/partition.ts"
import { removeService } from "../support/projects.ts"

const crowd = Array.from({ length: 40 }, (_, index) => index)

async function newStage(): Promise<Place> {
  return { project: await newProject("dev"), stage: "dev" }
}

/** Sends a file to an edge, so that it is written by another isolate's writers. */
function writeAt(
  edge: SendToEdge,
  place: Place,
  name: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const resources = [{ resourceURI: name, resourceContent: base64(`of ${name}`) }]
  return edge(`http://eu.api.localhost${resourcePath(place)}`, {
    method: "POST",
    body: JSON.stringify({ resources }),
    headers: { "x-token": adminToken, "content-type": "application/json", ...headers },
  })
}

describe("writers of one branch at once", () => {
  it("are all answered 201, in far fewer batches than they are", async () => {
    const place = await newStage()
    const batches = { count: 0 }
    const edge = countingEdge(batches)
    const responses = await Promise.all(crowd.map((n) => writeAt(edge, place, `${n}.txt`)))
    const commits = await Promise.all(responses.map((response) => commitOf(response, 201)))
    expect(new Set(commits).size).toBe(crowd.length)
    const { dev } = await auditProject(place.project)
    expect(dev).toHaveLength(1 + crowd.length)
    // One after another, each would read the branch in one batch and commit in another.
    expect(batches.count).toBeLessThan(crowd.length)
  })

  it("in two isolates lose nothing", async () => {
    const place = await newStage()
    const edges = [edgeWith({}), edgeWith({})]
    const responses = await Promise.all(
      edges.flatMap((edge, isolate) => crowd.map((n) => writeAt(edge, place, `${isolate}-${n}.txt`))),
    )
    expect(new Set(statuses(responses))).toEqual(new Set([201]))
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + 2 * crowd.length)
  })

  it("each find what those before them left", async () => {
    const place = await newStage()
    await commitFiles(place, { "kept.txt": "old", "gone.txt": "old" })
    const [first, replaced, removed, missing, below, conditional] = await Promise.all([
      writeFiles(place, { a: "a file" }),
      putFile(place, "kept.txt", "new"),
      removeFile(place, "gone.txt"),
      removeFile(place, "never-there.txt"),
      writeFiles(place, { "a/b": "below a file" }),
      putFile(place, "kept.txt", "newer", { headers: { "if-match": '"0000000000000000000000000000000000000000"' } }),
    ])
    expect([replaced.status, removed.status, missing.status, conditional.status]).toEqual([200, 200, 404, 412])
    // Either may come first: the file is in the way of what is below it, or the folder of the file.
    expect(statuses([first, below])).toEqual([201, 409])
    const made = first.status === 201 ? "/a" : "/a/b"
    expect((await fetchFile(place, "kept.txt")).text).toBe("new")
    expect((await listFiles(place)).uris.toSorted()).toEqual([made, "/kept.txt", "/metadata.yaml"])
    expect((await auditProject(place.project))["dev"]).toHaveLength(5)
  })

  it("with the same condition on the head: one of them wins", async () => {
    const place = await newStage()
    const head = await commitFiles(place, { "a.txt": "a" })
    const headers = { "if-match": `"${head}"` }
    const responses = await Promise.all(crowd.map((n) => writeFiles(place, { [`${n}.txt`]: `of ${n}` }, { headers })))
    expect(statuses(responses)).toEqual([201, ...crowd.slice(1).map(() => 412)])
    expect((await auditProject(place.project))["dev"]).toHaveLength(3)
  })

  it("of services, some of which are not there: only those are told so", async () => {
    const place = await newStage()
    await newService(place.project, "carts")
    await newService(place.project, "orders")
    const scopes = ["carts", "orders", "nowhere"].map((service) => ({ ...place, service }))
    const responses = await Promise.all(
      scopes.flatMap((scope) => [1, 2, 3].map((n) => writeFiles(scope, { [`${n}.txt`]: `of ${n}` }))),
    )
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201, 404, 404, 404])
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + 2 + 6)
  })

  it("beside the deletion of their service: who is told 201 was there before it", async () => {
    const place = await newStage()
    await newService(place.project, "carts")
    const scope = { ...place, service: "carts" }
    const [deleted, ...written] = await Promise.all([
      removeService(place.project, "carts"),
      ...crowd.map((n) => writeFiles(scope, { [`${n}.txt`]: `of ${n}` })),
    ])
    expect(deleted?.status).toBe(200)
    expect(written.filter(({ status }) => status !== 201 && status !== 404)).toEqual([])
    expect((await readFile(scope, "metadata.yaml")).status).toBe(404)
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
    await auditProject(place.project)
  })

  it("who bring files as they are, and as JSON, are committed alike", async () => {
    const place = await newStage()
    const bytes = new Uint8Array(2_000_000).fill(7)
    const responses = await Promise.all([
      ...crowd.slice(0, 4).map((n) => putRaw(place, `${n}.bin`, bytes.with(0, n))),
      ...crowd.slice(4, 12).map((n) => writeFiles(place, { [`${n}.txt`]: `of ${n}` })),
    ])
    expect(statuses(responses)).toEqual(crowd.slice(0, 12).map((n) => (n < 4 ? 200 : 201)))
    expect((await auditProject(place.project))["dev"]).toHaveLength(13)
  })

  it("with keys: each key is used once, and its repetition answered as it was", async () => {
    const place = await newStage()
    const edge = edgeWith({})
    const send = () =>
      Promise.all(crowd.map((n) => writeAt(edge, place, `${n}.txt`, { "idempotency-key": `${place.project}-${n}` })))
    const first = await Promise.all((await send()).map((response) => commitOf(response, 201)))
    const again = await send()
    expect(new Set(again.map((response) => response.headers.get("idempotent-replayed")))).toEqual(new Set(["true"]))
    expect(await Promise.all(again.map((response) => commitOf(response, 201)))).toEqual(first)
    expect((await auditProject(place.project))["dev"]).toHaveLength(1 + crowd.length)
  })

  it("with one key: one of them is carried out", async () => {
    const place = await newStage()
    const edge = edgeWith({})
    const headers = { "idempotency-key": `${place.project}-one` }
    const responses = await Promise.all(crowd.slice(0, 8).map(() => writeAt(edge, place, "a.txt", headers)))
    expect(responses.filter(({ status }) => status !== 201 && status !== 409)).toEqual([])
    expect((await auditProject(place.project))["dev"]).toHaveLength(2)
  })
})

describe("when storage fails below writers of one branch", () => {
  it.each(["put", "batch"] as const)("a %s: who is told 201 was written, the others can try again", async (call) => {
    captureLog()
    const place = await newStage()
    const failing = { call, left: 3 }
    const edge = failingEdge(failing)
    const responses = await Promise.all(crowd.map((n) => writeAt(edge, place, `${n}.txt`)))
    expect(responses.filter(({ status }) => status !== 201 && status !== 503)).toEqual([])
    expect(failing.left).toBe(0)
    const made = crowd.filter((n) => responses[n]?.status === 201)
    const { uris } = await listFiles(place, "pageSize=100")
    for (const n of made) expect(uris).toContain(`/${n}.txt`)
    const again = await Promise.all(crowd.map((n) => writeAt(edge, place, `${n}.txt`)))
    expect(new Set(statuses(again))).toEqual(new Set([201]))
    expect((await listFiles(place, "pageSize=100")).totalCount).toBe(1 + crowd.length)
    await auditProject(place.project)
  })
})

describe("what is committed in one batch", () => {
  const small = write(1, 1)

  it("is bounded by the number of writes, of files, and by their bytes", () => {
    expect(
      mayBeTogether(
        Array.from({ length: 15 }, () => small),
        small,
      ),
    ).toBe(true)
    expect(
      mayBeTogether(
        Array.from({ length: 16 }, () => small),
        small,
      ),
    ).toBe(false)
    expect(mayBeTogether([write(99, 1)], small)).toBe(true)
    expect(mayBeTogether([write(100, 1)], small)).toBe(false)
    expect(mayBeTogether([write(1, 4 * 1024 * 1024 - 1)], small)).toBe(true)
    expect(mayBeTogether([write(1, 4 * 1024 * 1024)], small)).toBe(false)
  })

  it("is one write alone when that does more than to commit", () => {
    expect(mayBeTogether([small], write(1, 1, true))).toBe(false)
    expect(mayBeTogether([write(1, 1, true)], small)).toBe(false)
  })
})

/** A write of so many files of a size each, which may do more than to commit. */
function write(files: number, size: number, isMore = false): QueuedWrite {
  return {
    claim: null,
    write: {
      scope: { project: "p", stage: null, service: null },
      author: { name: "a", email: "a@example.org", time: 0 },
      message: "m",
      startedAt: 0,
      blobs: [],
      changes: Array.from({ length: files }, (_, index) => ({ path: `${index}`, id: null, size })),
      refuse: () => null,
      also: isMore ? [requireThat(openRegion().db, sql`true`)] : [],
    },
  }
}

/** An edge that counts the batches of its database in `eu`. */
function countingEdge(batches: { count: number }): SendToEdge {
  return edgeAround(async (call, run) => {
    // The first waits, so that the others come meanwhile, on a slow machine, too.
    if (call === "batch" && batches.count++ === 0) await scheduler.wait(1000)
    return run()
  })
}

/** An edge on whose storage in `eu` the next calls of a kind fail. */
function failingEdge(failing: { call: StorageCall; left: number }): SendToEdge {
  return edgeAround(async (call, run) => {
    if (call !== failing.call || failing.left === 0) return run()
    failing.left--
    throw new Fault("made to fail")
  })
}
