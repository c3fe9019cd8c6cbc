import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it } from "vitest"
import { z } from "zod"
import { createEdge } from "../../../src/app.ts"
import { loadConfig } from "../../../src/config.ts"
import { archiveEvents, exportEvents as exportLines } from "../../../src/partition/event-export.ts"
import { exportEvents, findEvents, readLines } from "../../support/events.ts"
import { Fault, intercept, type StorageCall } from "../../support/intercept.ts"
import { newProject } from "../../support/keptn.ts"
import { captureLog } from "../../support/log.ts"
import { euBindings, openRegion } from "../../support/partition.ts"
import { deleteProject } from "../../support/projects.ts"
import { query } from "../../support/storage.ts"
import { storeEvents } from "../../support/store-events.ts"

const DAY = 24 * 60 * 60 * 1000
const start = Date.parse("2023-01-01T00:00:00.000Z")
/** Before what is sent by the tests' other requests, behind what `store` puts. */
const CUTOFF = start + DAY

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

/** So many milliseconds behind the start. */
function at(milliseconds: number): string {
  return new Date(start + milliseconds).toISOString()
}

/** Stores events of a project that are named by `data.n`; `time` in ms behind the start. */
function store(project: string, count: number, time: (n: number) => number = (n) => n): Promise<void> {
  return storeEvents(count, (n) => ({
    type: "x",
    time: at(time(n)),
    data: project === "" ? { n } : { project, n },
  }))
}

/** Archives until nothing is left to be. Answers how many were moved at each time. */
async function archiveAll(cutoff = CUTOFF): Promise<number[]> {
  const moved: number[] = []
  for (;;) {
    const some = await archiveEvents(openRegion(), cutoff)
    if (some === 0) return moved
    moved.push(some)
  }
}

/** The names of the exported events that `store` put, in their order. */
async function names(project: string, after?: string): Promise<unknown[]> {
  return (await exportEvents(project, after)).filter(({ type }) => type === "x").map((event) => event.data["n"])
}

async function keysBelow(prefix: string): Promise<string[]> {
  return (await env.BLOBS_EU.list({ prefix })).objects.map(({ key }) => key)
}

async function stored(project: string): Promise<number> {
  const sql = "select count(*) as n from events where project = ? and type = 'x'"
  return (await query(z.object({ n: z.number() }), sql, project))[0]?.n ?? 0
}

/** What an earlier test left old would be moved first. */
beforeEach(async () => {
  await env.DB_EU.prepare("delete from events where time < ?").bind(CUTOFF).run()
})

describe("archived events", () => {
  it("leave the database, and are exported as before", async () => {
    const project = await newProject("dev")
    await store(project, 30)
    const before = await exportEvents(project)
    expect(await archiveAll()).toEqual([30])
    expect(await stored(project)).toBe(0)
    expect(await exportEvents(project)).toEqual(before)
    expect(await keysBelow(`projects/${project}/events/`)).toHaveLength(1)
  })

  it("are those from before the cutoff only", async () => {
    const project = await newProject("dev")
    await store(project, 30)
    expect(await archiveAll(start + 10)).toEqual([10])
    expect(await stored(project)).toBe(20)
    expect((await findEvents(`project=${project}&type=x&pageSize=100`)).events).toHaveLength(20)
    expect(await names(project)).toEqual(upTo(30))
  })

  it("of several portions are exported in their order, and from any of them on", async () => {
    const project = await newProject("dev")
    await store(project, 1300)
    const moved = await archiveAll(start + 1200)
    // What other tests sent stands before, so that the portions are a little smaller than they can be.
    expect([moved.length, moved.reduce((sum, some) => sum + some, 0)]).toEqual([3, 1200])
    expect(await keysBelow(`projects/${project}/events/`)).toHaveLength(3)
    expect(await names(project)).toEqual(upTo(1300))
    const exported = await exportEvents(project)
    for (const index of [0, 498, 499, 500, 999, 1000, 1198, 1199, 1200, 1298]) {
      expect(await names(project, exported[index]?.sequence)).toEqual(upTo(1300).slice(index + 1))
    }
  })

  it.each([
    { what: "the reverse of their times", time: (n: number) => 700 - n },
    { what: "any order", time: (n: number) => (n * 37) % 101 },
    { what: "one instant", time: () => 7 },
  ])("that were stored in $what are exported in the order of times", async ({ time }) => {
    const project = await newProject("dev")
    await store(project, 700, time)
    const before = await exportEvents(project)
    const moved = await archiveAll(start + 650)
    expect(moved.reduce((sum, some) => sum + some, 0)).toBe(upTo(700).filter((n) => time(n) < 650).length)
    expect(await exportEvents(project)).toEqual(before)
  })

  it("of several projects, and of none, are kept apart; those of a name that no project has are removed", async () => {
    const [one, other] = [await newProject("dev"), await newProject("dev")]
    await store(one, 20)
    await store(other, 10)
    await store("", 5)
    await store("unknown/../x", 3)
    expect(await archiveAll()).toEqual([35])
    for (const [project, count] of [
      [one, 20],
      [other, 10],
      ["", 5],
      ["unknown%2F..%2Fx", 0],
    ] as const) {
      expect(await names(project)).toEqual(upTo(count))
    }
    expect(await keysBelow(`projects/${one}/events/`)).toHaveLength(1)
    expect(await keysBelow("events/")).toHaveLength(1)
  })

  it("go with their project, and those of its neighbour stay", async () => {
    const [project, neighbour] = [await newProject("dev"), await newProject("dev")]
    await store(project, 10)
    await store(neighbour, 10)
    await archiveAll()
    await deleteProject(project)
    expect(await keysBelow(`projects/${project}/events/`)).toEqual([])
    expect(await exportEvents(project)).toEqual([])
    expect(await names(neighbour)).toEqual(upTo(10))
  })

  it("that are large are stored in portions that fit into memory", async () => {
    const project = await newProject("dev")
    const text = "x".repeat(900_000)
    await storeEvents(12, (n) => ({ type: "x", time: at(n), data: { project, n, text } }))
    expect((await archiveAll()).length).toBeGreaterThanOrEqual(2)
    expect(await names(project)).toEqual(upTo(12))
  })

  it("that are older come behind, as they are stored", async () => {
    const project = await newProject("dev")
    await store(project, 10, (n) => 100 + n)
    await archiveAll()
    await store(project, 10, (n) => 200 + n)
    expect(await names(project)).toEqual([...upTo(10), ...upTo(10)])
    await archiveAll()
    expect(await names(project)).toEqual([...upTo(10), ...upTo(10)])
  })
})

/** A region whose batches fail once something was put, as they do when the job is cut off there. */
function cutOffAfterPut() {
  let put = false
  return openRegion(
    intercept(euBindings, async (call, run) => {
      if (call === "batch" && put) throw new Fault("cut off")
      const result = await run()
      if (call === "put") put = true
      return result
    }),
  )
}

describe("archiving that is cut off between the archive and the database", () => {
  it("is done again, and doubles nothing", async () => {
    const project = await newProject("dev")
    await store(project, 600)
    const before = await exportEvents(project)
    await expect(archiveEvents(cutOffAfterPut(), CUTOFF)).rejects.toThrow("cut off")
    expect(await stored(project)).toBe(600)
    expect(await exportEvents(project)).toEqual(before)
    await archiveAll()
    expect(await stored(project)).toBe(0)
    expect(await exportEvents(project)).toEqual(before)
  })

  it("doubles nothing when more events have become old meanwhile", async () => {
    const project = await newProject("dev")
    await store(project, 300)
    const before = await exportEvents(project)
    await expect(archiveEvents(cutOffAfterPut(), start + 100)).rejects.toThrow("cut off")
    await expect(archiveEvents(cutOffAfterPut(), start + 150)).rejects.toThrow("cut off")
    expect(await archiveAll(start + 200)).toEqual([200])
    expect(await exportEvents(project)).toEqual(before)
    expect(await names(project, before[120]?.sequence)).toEqual(upTo(300).slice(121))
  })

  it("leaves nothing when the project is deleted meanwhile", async () => {
    const project = await newProject("dev")
    await store(project, 10)
    const deleting = intercept(euBindings, async (call, run) => {
      const result = await run()
      if (call === "put") await deleteProject(project)
      return result
    })
    expect(await archiveEvents(openRegion(deleting), CUTOFF)).toBe(0)
    expect(await keysBelow(`projects/${project}/events/`)).toEqual([])
  })
})

describe("an export while events are archived", () => {
  it.each<[StorageCall, number]>([
    ["list", 1],
    ["list", 2],
    ["batch", 1],
    ["batch", 2],
    ["get", 1],
  ])("misses none that are moved behind its %s number %i", async (moment, number) => {
    const project = await newProject("dev")
    await store(project, 1400)
    await archiveEvents(openRegion(), start + 300)
    const before = await exportEvents(project)
    let calls = 0
    const region = openRegion(
      intercept(euBindings, async (call, run) => {
        const result = await run()
        if (call === moment && ++calls === number) await archiveAll()
        return result
      }),
    )
    let text = ""
    for await (const line of exportLines(region, project, null)) text += line
    expect(calls).toBeGreaterThanOrEqual(number)
    expect(readLines(text)).toEqual(before)
  })
})

function runJobs(eventRetentionDays: number | null): Promise<void> {
  return createEdge({ ...loadConfig({ ...env }), eventRetentionDays }).runJobs()
}

/** A project with two events that are older than thirty days, and two that are not. */
async function withOldAndNew(): Promise<string> {
  const project = await newProject("dev")
  const days = [40, 31, 29, 1]
  await storeEvents(days.length, (n) => ({
    type: "x",
    time: new Date(Date.now() - (days[n] ?? 0) * DAY).toISOString(),
    data: { project, n },
  }))
  return project
}

describe("the retention of events", () => {
  it("moves what is older, by the clock, and says how many", async () => {
    const lines = captureLog()
    const project = await withOldAndNew()
    await runJobs(30)
    expect(await stored(project)).toBe(2)
    expect(await names(project)).toEqual(upTo(4))
    const told = lines.find(({ fields }) => fields["event"] === "events-archived")
    expect(told?.fields).toMatchObject({ region: "eu", events: 2 })
  })

  it("moves nothing when there is none", async () => {
    const project = await withOldAndNew()
    await runJobs(null)
    expect(await stored(project)).toBe(4)
    expect(await keysBelow(`projects/${project}/events/`)).toEqual([])
  })
})
