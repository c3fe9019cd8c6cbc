/** The job that removes bytes which no commit names, and looks whether the others are what they should be. Time is given to it. */
import { env } from "cloudflare:workers"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { z } from "zod"
import { createEdge } from "../../src/app.ts"
import { loadConfig } from "../../src/config.ts"
import { FILE_MODE, objectId } from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import { Meter } from "../../src/lib/meter.ts"
import { StorageError } from "../../src/lib/storage-error.ts"
import { collectGarbage, type GarbageReport } from "../../src/partition/garbage.ts"
import { openPartition, type PartitionBindings } from "../../src/partition/partition.ts"
import { noise, sameBytes } from "../support/bytes.ts"
import { createProject } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { headOf, push } from "../support/git.ts"
import { type Around, Fault, intercept } from "../support/intercept.ts"
import { auditProject } from "../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  fetchFile,
  newProject,
  newScopes,
  type Place,
  putFile,
  putRaw,
  readRaw,
  removeFile,
  resourcePath,
  writeFiles,
} from "../support/keptn.ts"
import { captureLog } from "../support/log.ts"
import { blobOf, commitOf as madeCommit, packOf, treeOf } from "../support/packs.ts"
import { euBindings, openRegion } from "../support/partition.ts"
import { tokenWith } from "../support/people.ts"
import { deleteProject } from "../support/projects.ts"
import { leaveDeletionOpen, query, storedBlobs } from "../support/storage.ts"
import { eventually } from "../support/eventually.ts"

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const markSchema = z.object({ blob_id: z.string(), taken_at: z.number().nullable(), removed_at: z.number().nullable() })

/** The marks of a project's blobs. */
function marksOf(project: string) {
  return query(markSchema, "select * from unnamed_blobs where project = ? order by blob_id", project)
}

/** Goes round all that is stored, `later` than now. */
async function collect(later: number, bindings: PartitionBindings = euBindings): Promise<GarbageReport[]> {
  const now = Date.now() + later
  const reports: GarbageReport[] = []
  for (let finished = false; !finished;) {
    const report = await collectGarbage(openRegion(bindings), now)
    reports.push(report)
    finished = report.finished
  }
  return reports
}

/** How many blobs each step marked, and how many it removed. */
function countsOf(reports: readonly GarbageReport[]): [number, number][] {
  return reports.map(({ marked, removed }) => [marked, removed])
}

/** A stage with the file `a`. */
async function newStage(): Promise<Place> {
  const place = { project: await newProject("dev"), stage: "dev" }
  await commitFiles(place, { a: "a file" })
  return place
}

/** A write that is refused after its bytes were put, for the file `a` is in its way. Answers the blob. */
async function refusedWrite(place: Place, text: string): Promise<string> {
  expect((await writeFiles(place, { "a/b": text })).status).toBe(409)
  const id = await objectId("blob", utf8(text))
  expect((await storedBlobs(place.project)).has(id)).toBe(true)
  return id
}

/** A stage with a marked blob that holds `text`. */
async function markedBlob(text: string): Promise<{ place: Place; id: string }> {
  const place = await newStage()
  const id = await refusedWrite(place, text)
  await collect(DAY + MINUTE)
  expect(await marksOf(place.project)).toEqual([{ blob_id: id, taken_at: null, removed_at: null }])
  return { place, id }
}

/** Lets writers who wait for others try again at once, until the test ends. */
function hurry(): void {
  const random = vi.spyOn(Math, "random").mockReturnValue(0)
  onTestFinished(() => random.mockRestore())
}

/** Makes a job fail at some calls. */
function failing(call: (args: readonly unknown[]) => boolean, name: string): Around {
  return (one, run, args) => (one === name && call(args) ? Promise.reject(new Fault(`no ${name}`)) : run())
}

describe("blobs that commits name", () => {
  it("are left alone at whatever age, be it that only old commits name them", async () => {
    const places = await newScopes()
    const { project } = places[0]
    for (const place of places) {
      await commitFiles(place, { "often.txt": "first", "gone.txt": "gone" })
      await commitFiles(place, { "often.txt": "second", "d/same.txt": "gone" })
      await commitOf(await removeFile(place, "gone.txt"))
      await commitOf(await removeFile(place, "d/same.txt"))
    }
    await commitOf(await putRaw(places[0], "large.bin", new Uint8Array(1_500_000)))
    const blobs = await storedBlobs(project)
    for (const days of [0, 1, 2, 400, 4000]) for (const more of [1, 12]) await collect(days * DAY + more * MINUTE)
    expect(await storedBlobs(project)).toEqual(blobs)
    expect(await marksOf(project)).toEqual([])
    await auditProject(project)
  })

  it("are left alone when a commit of another project's name is gone that named the same bytes", async () => {
    const [here, there] = [await newStage(), await newStage()]
    await commitFiles(here, { "same.txt": "same bytes" })
    await commitFiles(there, { "same.txt": "same bytes" })
    await deleteProject(there.project)
    await collect(2 * DAY)
    await collect(2 * DAY + 11 * MINUTE)
    expect((await fetchFile(here, "same.txt")).text).toBe("same bytes")
  })
})

describe("a blob that no commit names", () => {
  it.each([
    ["a file in the way: 409", (place: Place, text: string) => writeFiles(place, { "a/b": text })],
    ["a condition: 412", (place: Place, text: string) => putFile(place, "a", text, { headers: { "if-match": '"x"' } })],
  ])("because the write was refused for %s, is marked after a day and removed ten minutes later", async (_, write) => {
    const place = await newStage()
    const text = crypto.randomUUID()
    expect((await write(place, text)).status).toBeGreaterThan(400)
    const id = await objectId("blob", utf8(text))
    const stands = async () => (await storedBlobs(place.project)).has(id)
    await collect(DAY - MINUTE)
    expect([await stands(), await marksOf(place.project)]).toEqual([true, []])
    await collect(DAY + MINUTE)
    expect([await stands(), await marksOf(place.project)]).toMatchObject([true, [{ blob_id: id }]])
    await collect(DAY + 10 * MINUTE)
    expect([await stands(), await marksOf(place.project)]).toMatchObject([true, [{ taken_at: null }]])
    await collect(DAY + 12 * MINUTE)
    expect([await stands(), (await marksOf(place.project))[0]?.removed_at]).toEqual([false, expect.any(Number)])
    await collect(DAY + 21 * MINUTE)
    expect(await marksOf(place.project)).toHaveLength(1)
    await collect(DAY + 23 * MINUTE)
    expect(await marksOf(place.project)).toEqual([])
    await auditProject(place.project)
  })

  it("is counted: once when it is marked, once when it is removed", async () => {
    const place = await newStage()
    await refusedWrite(place, "counted")
    await collect(2 * DAY)
    await collect(2 * DAY + 11 * MINUTE)
    await refusedWrite(place, "counted again")
    expect(countsOf(await collect(3 * DAY))).toEqual([[1, 0]])
    expect(countsOf(await collect(3 * DAY + MINUTE))).toEqual([[0, 0]])
    expect(countsOf(await collect(3 * DAY + 11 * MINUTE))).toEqual([[0, 1]])
    expect(countsOf(await collect(3 * DAY + 12 * MINUTE))).toEqual([[0, 0]])
  })

  it("is removed when there is no project of its name", async () => {
    const text = "left behind"
    const id = await objectId("blob", utf8(text))
    await env.BLOBS_EU.put(`projects/never-was/blobs/${id}`, text)
    await collect(DAY + MINUTE)
    await collect(DAY + 12 * MINUTE)
    expect(await storedBlobs("never-was")).toEqual(new Map())
  })

  it("is kept when a new project of its name comes to hold it", async () => {
    const text = "from one project to the next"
    const id = await objectId("blob", utf8(text))
    await env.BLOBS_EU.put(`projects/again/blobs/${id}`, text)
    await collect(DAY + MINUTE)
    await createProject("eu", "again", "dev")
    await commitFiles({ project: "again" }, { "a.txt": text })
    await collect(DAY + 12 * MINUTE)
    await collect(DAY + 24 * MINUTE)
    expect((await fetchFile({ project: "again" }, "a.txt")).text).toBe(text)
    await auditProject("again")
  })
})

describe("a blob that is marked", () => {
  const writes: [string, (place: Place, text: string) => Promise<Response>][] = [
    ["a list of files", (place, text) => writeFiles(place, { "b.txt": text })],
    ["one file", (place, text) => putFile(place, "b.txt", text)],
    ["one file as it is", (place, text) => putRaw(place, "b.txt", utf8(text))],
  ]

  it.each(writes)("is taken back by a write of %s, and can be read for ever", async (_, write) => {
    const text = crypto.randomUUID()
    const { place } = await markedBlob(text)
    expect((await write(place, text)).ok).toBe(true)
    expect(await marksOf(place.project)).toEqual([])
    for (const minutes of [10, 12, 24, 10_000]) await collect(DAY + minutes * MINUTE)
    expect((await fetchFile(place, "b.txt")).text).toBe(text)
    await auditProject(place.project)
  })

  it("is taken back by an upload", async () => {
    const place = await newStage()
    const bytes = noise(1_500_000)
    expect((await putRaw(place, "a/b", bytes)).status).toBe(409)
    await collect(DAY + MINUTE)
    expect(await marksOf(place.project)).toHaveLength(1)
    await commitOf(await putRaw(place, "b.bin", bytes))
    for (const minutes of [12, 24]) await collect(DAY + minutes * MINUTE)
    expect(sameBytes(new Uint8Array(await (await readRaw(place, "b.bin")).arrayBuffer()), bytes)).toBe(true)
    await auditProject(place.project)
  })

  it("is taken back by a push", async () => {
    const { place } = await markedBlob("pushed in the end")
    const blob = await blobOf("pushed in the end")
    const from = await headOf(place.project, "dev")
    const tree = await treeOf({ mode: FILE_MODE, name: "b.txt", id: blob.id })
    const commit = await madeCommit({ tree: tree.id, parents: [from] })
    await push(place.project, [{ ref: "refs/heads/dev", from, to: commit.id }], packOf([blob, tree, commit]))
    for (const minutes of [12, 24]) await collect(DAY + minutes * MINUTE)
    expect((await fetchFile(place, "b.txt")).text).toBe("pushed in the end")
    await auditProject(place.project)
  })

  it("is kept although a write that named it did not see the mark", async () => {
    const text = "put before the mark, named after it"
    const { place, id } = await markedBlob(text)
    await commitFiles(place, { "b.txt": text })
    await env.DB_EU.prepare("insert into unnamed_blobs (project, blob_id, marked_at) values (?, ?, 0)")
      .bind(place.project, id)
      .run()
    await collect(DAY + 12 * MINUTE)
    expect(await marksOf(place.project)).toEqual([])
    expect((await fetchFile(place, "b.txt")).text).toBe(text)
    await auditProject(place.project)
  })
})

describe("a blob that is being removed", () => {
  it("cannot be named: 409 that says when to try again, until it is gone; then it is put again", async () => {
    hurry()
    const text = "written while it is removed"
    const { place, id } = await markedBlob(text)
    const taken = Date.now() + DAY + 12 * MINUTE
    await env.DB_EU.prepare("update unnamed_blobs set taken_at = ?").bind(taken).run()
    const response = await writeFiles(place, { "b.txt": text, "c.txt": "c" })
    expect(response.headers.get("retry-after")).toBe("1")
    expect((await failure(response)).status).toBe(409)
    expect((await writeFiles(place, { "c.txt": "other bytes are not in the way" })).status).toBe(201)
    await auditProject(place.project)

    await collect(DAY + 43 * MINUTE)
    expect((await storedBlobs(place.project)).has(id)).toBe(false)
    await commitFiles(place, { "b.txt": text })
    expect((await fetchFile(place, "b.txt")).text).toBe(text)
    for (const minutes of [44, 60, 90]) await collect(DAY + minutes * MINUTE)
    expect((await fetchFile(place, "b.txt")).text).toBe(text)
    await auditProject(place.project)
  })

  it("cannot be named by an upload, which cannot put it again: 409 until the removal is forgotten", async () => {
    hurry()
    const place = await newStage()
    const bytes = noise(1_500_000)
    expect((await putRaw(place, "a/b", bytes)).status).toBe(409)
    await collect(DAY + MINUTE)
    await collect(DAY + 12 * MINUTE)
    expect((await storedBlobs(place.project)).has(await objectId("blob", bytes))).toBe(false)
    const response = await putRaw(place, "b.bin", bytes)
    expect([response.status, response.headers.get("retry-after")]).toEqual([409, "1"])
    await collect(DAY + 23 * MINUTE)
    await commitOf(await putRaw(place, "b.bin", bytes))
    for (const minutes of [24, 40]) await collect(DAY + minutes * MINUTE)
    expect(sameBytes(new Uint8Array(await (await readRaw(place, "b.bin")).arrayBuffer()), bytes)).toBe(true)
    await auditProject(place.project)
  })

  it("is put again by a write that saw it before and finds it gone", async () => {
    const text = "gone between two steps of a write"
    const { place, id } = await markedBlob(text)
    let puts = 0
    let removed = false
    const bindings = intercept(euBindings, async (call, run) => {
      if (call !== "batch" || removed) {
        const result = await run()
        if (call === "put") puts++
        return result
      }
      // The write has put its bytes, which stood there, and is about to look at the marks.
      await eventually(() => expect(puts).toBe(1))
      removed = true
      await collect(DAY + 12 * MINUTE)
      expect((await storedBlobs(place.project)).has(id)).toBe(false)
      return run()
    })
    const send = edgeWith({ regions: new Map([["eu", bindings]]) })
    const response = await send(`http://eu.api.localhost${resourcePath(place)}`, {
      method: "POST",
      headers: { "x-token": await tokenWith({ roleName: "Admin" }), "content-type": "application/json" },
      body: JSON.stringify({ resources: [{ resourceURI: "b.txt", resourceContent: utf8(text).toBase64() }] }),
    })
    expect([response.status, puts]).toEqual([201, 2])
    expect((await fetchFile(place, "b.txt")).text).toBe(text)
    await auditProject(place.project)
  })

  it.each([
    ["before it reached the bucket", false],
    ["before its answer came", true],
  ])("is taken up again when the removal was cut off %s", async (_, done) => {
    const { place, id } = await markedBlob(`cut off ${done}`)
    const cutOff = intercept(euBindings, async (call, run) => {
      if (call !== "delete") return run()
      if (done) await run()
      throw new Fault("no answer")
    })
    await expect(collect(DAY + 12 * MINUTE, cutOff)).rejects.toThrow(StorageError)
    expect(await marksOf(place.project)).toMatchObject([{ taken_at: expect.any(Number), removed_at: null }])
    await collect(DAY + 41 * MINUTE)
    expect(await marksOf(place.project)).toMatchObject([{ removed_at: null }])
    await collect(DAY + 43 * MINUTE)
    expect(await marksOf(place.project)).toMatchObject([{ removed_at: expect.any(Number) }])
    expect((await storedBlobs(place.project)).has(id)).toBe(false)
  })
})

/** The rows that one step of the job reads. */
async function rowsOfStep(): Promise<number> {
  const meter = new Meter()
  await collectGarbage(openPartition("eu", euBindings, { meter, later: () => undefined }), Date.now() + 2 * DAY)
  return meter.rowsRead
}

/** A new project with files that all hold the same bytes. */
async function addProjectOf(files: number): Promise<void> {
  const place = { project: await newProject("dev"), stage: "dev" }
  for (let n = 0; n < files; n++) await commitFiles(place, { [`${n}.txt`]: "the same everywhere" })
}

describe("the rows that the job reads", () => {
  it("do not grow with the files of other projects that hold the same bytes", async () => {
    // The sample that is checked begins at a random row: here always at the first, so that steps can be compared.
    vi.spyOn(Math, "random").mockReturnValue(0)
    await addProjectOf(1)
    await rowsOfStep()
    const before = await rowsOfStep()
    await addProjectOf(1)
    const one = await rowsOfStep()
    await addProjectOf(40)
    // A project has three blobs more than none, whatever the number of its files.
    expect((await rowsOfStep()) - one).toBeLessThanOrEqual(one - before + 10)
  })
})

describe("an upload that was not finished", () => {
  it("is removed after a day, not before", async () => {
    const { project } = await newStage()
    const prefix = `projects/${project}/uploads/`
    await env.BLOBS_EU.put(`${prefix}${crypto.randomUUID()}`, "half of a file")
    const left = async () => (await env.BLOBS_EU.list({ prefix })).objects.length
    await collect(DAY - MINUTE)
    expect(await left()).toBe(1)
    await collect(DAY + MINUTE)
    expect(await left()).toBe(0)
    await auditProject(project)
  })
})

/** The stores of a region that only the damaged are in. */
const usBindings = { database: env.DB_US, bucket: env.BLOBS_US, cache: null }

/** What `runs` of the job find damaged, or fewer as soon as they have found `enough`. */
async function damagedIn(runs: number, enough = Number.POSITIVE_INFINITY): Promise<Set<string>> {
  const damaged = new Set<string>()
  for (let run = 0; run < runs && damaged.size < enough; run++) {
    const report = await collectGarbage(openRegion(usBindings, "us"), Date.now())
    for (const name of report.damaged) damaged.add(name)
  }
  return damaged
}

describe("objects that are not what their ids say", () => {
  it("are found, in the bucket and in the database, wherever they stand, and no others", async () => {
    for (const project of ["damaged-a", "damaged-b", "damaged-c"]) {
      await createProject("us", project, "dev")
      for (let n = 0; n < 7; n++) await commitFiles({ region: "us", project }, { [`d${n}/a.txt`]: `${n % 4}` })
    }
    expect(await damagedIn(20)).toEqual(new Set())

    const damaged = new Set<string>()
    const { id: blob } = await blobOf("3")
    const key = `projects/damaged-b/blobs/${blob}`
    await env.BLOBS_US.put(key, "4")
    damaged.add(key)
    // The first and the last of each project.
    for (const [table, type] of [
      ["trees", "tree"],
      ["commits", "commit"],
    ] as const) {
      for (const edge of ["min", "max"]) {
        const found = await env.DB_US.prepare(
          `update ${table} set content = x'00' where (project_id, id) in
          (select project_id, ${edge}(id) from ${table} group by project_id)
          or rowid = (select ${edge}(rowid) from ${table}) returning id`,
        ).all()
        for (const { id } of z.array(z.object({ id: z.string() })).parse(found.results)) damaged.add(`${type} ${id}`)
      }
    }
    expect(damaged.size).toBeGreaterThan(8)
    expect(await damagedIn(500, damaged.size)).toEqual(damaged)
    for (const name of await damagedIn(20)) expect(damaged).toContain(name)
  })

  it("are told to the log by the job, with the region", async () => {
    const lines = captureLog()
    for (let run = 0; run < 30 && !lines.some(({ fields }) => fields["event"] === "damaged-objects"); run++) {
      await createEdge(loadConfig({ ...env })).runJobs()
    }
    const line = lines.find(({ fields }) => fields["event"] === "damaged-objects")
    expect(line).toMatchObject({ level: "error", fields: { region: "us" } })
    expect(line?.fields["objects"]).not.toEqual([])
    expect(lines.some(({ fields }) => fields["event"] === "garbage-collected")).toBe(true)
  })
})

/** An edge with these stores. */
function jobsWith(eu: PartitionBindings, us: PartitionBindings = usBindings) {
  return createEdge({
    ...loadConfig({ ...env }),
    regions: new Map([
      ["eu", eu],
      ["us", us],
    ]),
  })
}

/** A project's name whose bytes are left to be removed. */
async function openDeletion(name: string): Promise<string> {
  await env.BLOBS_EU.put(`projects/${name}/blobs/${"0".repeat(40)}`, "left behind")
  await leaveDeletionOpen(name)
  return name
}

/** Whether a call lists the blobs of all projects. */
function listsAll([options]: readonly unknown[]): boolean {
  return JSON.stringify(options).includes('"projects/"')
}

function listsProject(args: readonly unknown[]): boolean {
  return !listsAll(args)
}

describe("jobs of which one fails", () => {
  it("do not keep deletions from being finished when garbage cannot be collected", async () => {
    captureLog()
    const name = await openDeletion("deleted-beside")
    await expect(jobsWith(intercept(euBindings, failing(listsAll, "list"))).runJobs()).rejects.toThrow("no list")
    expect(await storedBlobs(name)).toEqual(new Map())
  })

  it("do not keep garbage from being collected when a deletion cannot be finished", async () => {
    const lines = captureLog()
    await openDeletion("stuck")
    await expect(jobsWith(intercept(euBindings, failing(listsProject, "list"))).runJobs()).rejects.toThrow("no list")
    const collected = lines.filter(({ fields }) => fields["event"] === "garbage-collected")
    expect(new Set(collected.map(({ fields }) => fields["region"]))).toEqual(new Set(["eu", "us"]))
  })

  it("do not keep roles from being settled when a deletion cannot be finished", async () => {
    captureLog()
    await openDeletion("stuck-as-well")
    const project = await newProject("dev")
    const change = "insert into role_changes (id, project, principal_id, created_at) values ('open', ?, 'somebody', 0)"
    await env.DB_EU.prepare(change).bind(project).run()
    await expect(jobsWith(intercept(euBindings, failing(listsProject, "list"))).runJobs()).rejects.toThrow("no list")
    expect(await query(z.unknown(), "select * from role_changes where project = ?", project)).toEqual([])
  })

  it("do not keep another region from finishing its own, however long that takes", async () => {
    const lines = captureLog()
    const broken = intercept(euBindings, () => Promise.reject(new Fault("nothing works")))
    const slow = intercept(usBindings, async (_, run) => {
      await scheduler.wait(50)
      return run()
    })
    await expect(jobsWith(broken, slow).runJobs()).rejects.toThrow("nothing works")
    const collected = lines.filter(({ fields }) => fields["event"] === "garbage-collected")
    expect(collected.map(({ fields }) => fields["region"])).toEqual(["us"])
  })
})

describe("more objects than the bucket lists at once", () => {
  it("are gone round page by page, run by run, and then again from the start", async () => {
    const place = await newStage()
    const names = Array.from({ length: 1_100 }, (_, index) => `${index}.txt`)
    for (const some of [names.slice(0, 600), names.slice(600)]) {
      await commitFiles(place, Object.fromEntries(some.map((name) => [name, `content of ${name}`])))
    }
    const last = { project: "zzz-last", id: await objectId("blob", utf8("last")) }
    await env.BLOBS_EU.put(`projects/${last.project}/blobs/${last.id}`, "last")
    const total = (await storedBlobs("")).size
    const pages = async (later: number) => (await collect(later)).map(({ listed, finished }) => ({ listed, finished }))
    const round = [
      { listed: 1_000, finished: false },
      { listed: total - 1_000, finished: true },
    ]
    expect(await pages(0)).toEqual(round)
    expect(await pages(0)).toEqual(round)
    await collect(DAY + MINUTE)
    expect((await marksOf(last.project)).map(({ blob_id: id }) => id)).toEqual([last.id])
    await collect(DAY + 12 * MINUTE)
    expect(await storedBlobs(last.project)).toEqual(new Map())
    expect((await storedBlobs(place.project)).size).toBe(1_103)
    await auditProject(place.project)
  })
})
