import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it } from "vitest"
import { z } from "zod"
import { importEvents } from "../../../src/partition/event-import.ts"
import { archiveEvents } from "../../../src/partition/event-export.ts"
import type { KeptnEvent } from "../../../src/partition/schema.ts"
import { send, storageCounts, type TestRequest } from "../../support/client.ts"
import { askEvents, exportEvents, findEvents, findEventsOfType, sendEvent } from "../../support/events.ts"
import { Fault, intercept } from "../../support/intercept.ts"
import { answer, failure, newProject, newService } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { tokenWith } from "../../support/people.ts"
import { euBindings, openRegion } from "../../support/partition.ts"
import { deleteProject } from "../../support/projects.ts"
import { query } from "../../support/storage.ts"

const DAY = 24 * 60 * 60 * 1000
/** Half a year ago, at the start of a half hour: within the time for which counters are kept. */
const start = Math.floor((Date.now() - 180 * DAY) / DAY) * DAY
const triggered = "sh.keptn.event.dev.delivery.triggered"
const finished = "sh.keptn.event.deployment.finished"

type Members = Partial<KeptnEvent>

function at(milliseconds: number): string {
  return new Date(start + milliseconds).toISOString()
}

/** An event of a project as Keptn's datastore has it, so many milliseconds behind the start. */
function eventAt(project: string, milliseconds: number, members: Members = {}): KeptnEvent {
  return {
    id: crypto.randomUUID(),
    type: triggered,
    source: "keptn",
    specversion: "1.0",
    contenttype: "application/json",
    time: at(milliseconds),
    shkeptncontext: crypto.randomUUID(),
    ...members,
    data: { project, stage: "dev", service: "carts", ...members.data },
  }
}

function post(project: string, body: string, request: TestRequest = {}): Promise<Response> {
  const headers = { "content-type": "application/jsonl", ...request.headers }
  return send("eu", `/api/mongodb-datastore/event/import?project=${project}`, { body, ...request, headers })
}

function postEvents(project: string, events: readonly unknown[], request: TestRequest = {}): Promise<Response> {
  return post(project, events.map((event) => `${JSON.stringify(event)}\n`).join(""), request)
}

/** Imports events; answers how many were stored, and how many known. */
async function imported(project: string, events: readonly unknown[]): Promise<[stored: number, known: number]> {
  const schema = z.strictObject({ stored: z.number(), known: z.number() })
  const { stored, known } = await answer(await postEvents(project, events), schema)
  return [stored, known]
}

async function idsOf(project: string, condition = ""): Promise<string[]> {
  const { events } = await findEvents(`project=${project}&pageSize=100&type=${triggered}&${condition}`)
  return events.map(({ id }) => id)
}

async function exportedIds(project: string): Promise<string[]> {
  return (await exportEvents(project)).filter(({ type }) => type === triggered).map(({ id }) => id)
}

/** One of the longest names that an event may have. */
function longName(n: number): string {
  return `${String(n).padStart(4, "0")}${"😀".repeat(252)}`
}

const rootSchema = z.object({ id: z.string() })

async function rootsOf(context: string): Promise<string[]> {
  const rows = await query(rootSchema, "select id from events where context = ? and root = 1 order by time", context)
  return rows.map(({ id }) => id)
}

const countSchema = z.object({ bucket: z.number(), service: z.string(), source: z.string(), count: z.number() })

function countsOf(project: string): Promise<z.infer<typeof countSchema>[]> {
  const sql = "select bucket, service, source, count from event_counts where project = ? and type = ? order by bucket"
  return query(countSchema, sql, project, triggered)
}

const serviceSchema = z.looseObject({
  deployedImage: z.string().optional(),
  lastEventTypes: z.record(z.string(), z.looseObject({ eventId: z.string() })).optional(),
})

async function carts(project: string): Promise<z.infer<typeof serviceSchema>> {
  return answer(await send("eu", `/api/controlPlane/v1/project/${project}/stage/dev/service/carts`), serviceSchema)
}

async function withCarts(): Promise<string> {
  const project = await newProject("dev")
  await newService(project, "carts")
  return project
}

function deployment(project: string, time: number, image: string | null, members: Members = {}): KeptnEvent {
  const change = image === null ? {} : { configurationChange: { values: { image } } }
  const { data } = eventAt(project, time)
  return eventAt(project, time, { type: finished, ...members, data: { ...data, ...change } })
}

describe("imported events", () => {
  it("are found with the ids, times and members that they had: 200", async () => {
    const project = await newProject("dev")
    const event = eventAt(project, 7, { triggeredid: "t", gitcommitid: "c", extensions: { n: [1] } })
    expect(await imported(project, [event])).toEqual([1, 0])
    expect((await findEvents(`eventID=${event.id}`)).events).toEqual([event])
    expect(
      (await findEventsOfType(triggered, `triggeredid:t AND data.project:${project}`)).map(({ id }) => id),
    ).toEqual([event.id])
  })

  it("keep a time with nanoseconds and members that are not known here", async () => {
    const project = await newProject("dev")
    const { contenttype: _type, ...event } = eventAt(project, 0)
    const time = at(5).replace("5Z", "5123456Z")
    await imported(project, [{ ...event, time, shkeptnspecversion: "0.2.3" }])
    const [row] = await query(
      z.object({ time: z.number(), event: z.string() }),
      "select time, event from events where id = ?",
      event.id,
    )
    expect(row?.time).toBe(start + 5)
    expect(JSON.parse(row?.event ?? "")).toEqual({
      ...event,
      time,
      shkeptnspecversion: "0.2.3",
      contenttype: "application/json",
    })
  })

  it("keep every text, however it is written", async () => {
    const project = await newProject("dev")
    const data = { project, text: 'ä\n"\\\u2028😀\u0000', number: 1.5e300, ["__proto__"]: { a: 1 }, deep: [[{}]] }
    const event = { ...eventAt(project, 0), data }
    await imported(project, [event])
    expect(await (await askEvents(`eventID=${event.id}`)).text()).toContain(`"data":${JSON.stringify(data)}`)
  })

  it("are what an export answers, in another project's place", async () => {
    const project = await newProject("dev")
    const events = Array.from({ length: 30 }, (_, n) => eventAt(project, n))
    await imported(project, events)
    const exported = await exportEvents(project)
    await env.DB_EU.prepare("delete from events where project = ?").bind(project).run()
    expect(await imported(project, exported)).toEqual([exported.length, 0])
    const again = await exportEvents(project)
    const withoutSequence = (lines: typeof again) => lines.map(({ sequence: _sequence, ...event }) => event)
    expect(withoutSequence(again)).toEqual(withoutSequence(exported))
    expect(JSON.stringify((await findEvents(`eventID=${events[0]?.id}`)).events)).not.toContain("sequence")
  })

  it("stand among those that are there by their times, not by their arrival", async () => {
    const project = await newProject("dev")
    const [first, second, third] = [eventAt(project, 1), eventAt(project, 2), eventAt(project, 3)]
    await imported(project, [second])
    await imported(project, [third, first])
    expect(await idsOf(project)).toEqual([third.id, second.id, first.id])
  })

  it("may be empty lines apart, end without a line feed, and have carriage returns", async () => {
    const project = await newProject("dev")
    const [one, other] = [eventAt(project, 1), eventAt(project, 2)]
    const response = await post(project, `\n${JSON.stringify(one)}\r\n\r\n${JSON.stringify(other)}`)
    expect(await response.json()).toEqual({ stored: 2, known: 0 })
  })

  it("are stored once, however often they are sent", async () => {
    const project = await newProject("dev")
    const events = [eventAt(project, 1), eventAt(project, 2)]
    expect(await imported(project, events)).toEqual([2, 0])
    expect(await imported(project, events)).toEqual([0, 2])
    expect(await imported(project, [...events, eventAt(project, 3)])).toEqual([1, 2])
    expect(await idsOf(project)).toHaveLength(3)
  })

  it("are stored once where they stand in a request twice", async () => {
    const project = await newProject("dev")
    const event = eventAt(project, 1)
    expect(await imported(project, [event, { ...event, source: "later" }, event])).toEqual([1, 2])
    expect((await findEvents(`eventID=${event.id}`)).events).toEqual([event])
  })

  it("are stored once when the same are sent at the same time", async () => {
    const project = await newProject("dev")
    const events = Array.from({ length: 20 }, (_, n) => eventAt(project, n))
    const results = await Promise.all([1, 2, 3, 4].map(() => imported(project, events)))
    expect(results.map(([stored]) => stored).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 20])
    expect(await idsOf(project)).toHaveLength(20)
    expect((await countsOf(project)).map(({ count }) => count)).toEqual([20])
  })

  it("can be a thousand, of any size together that a body may have", async () => {
    const project = await newProject("dev")
    const text = "x".repeat(4_000)
    const events = Array.from({ length: 1000 }, (_, n) => eventAt(project, n, { data: { text } }))
    expect(await imported(project, events)).toEqual([1000, 0])
    expect((await exportEvents(project)).filter(({ type }) => type === triggered).map(({ id }) => id)).toEqual(
      events.map(({ id }) => id),
    )
  })

  it("can have the longest names that are allowed, all of them", async () => {
    const project = await newProject("dev")
    const events = Array.from({ length: 1000 }, (_, n) =>
      eventAt(project, n, { id: longName(n), shkeptncontext: longName(n) }),
    )
    expect(await imported(project, events)).toEqual([1000, 0])
    expect(await imported(project, events)).toEqual([0, 1000])
  })
})

describe("the first event of a context", () => {
  it("is the earliest of those that are imported together", async () => {
    const project = await newProject("dev")
    const shkeptncontext = crypto.randomUUID()
    const events = [3, 1, 2].map((time) => eventAt(project, time, { shkeptncontext }))
    await imported(project, events)
    expect(await idsOf(project, "root=true")).toEqual([events[1]?.id])
  })

  it("stays the first when later ones are imported", async () => {
    const project = await newProject("dev")
    const shkeptncontext = crypto.randomUUID()
    const [first, later] = [eventAt(project, 1, { shkeptncontext }), eventAt(project, 2, { shkeptncontext })]
    await imported(project, [first])
    await imported(project, [later])
    expect(await rootsOf(shkeptncontext)).toEqual([first.id])
  })

  it("is the earlier one when that is imported later, and of its own project only", async () => {
    const [project, other] = [await newProject("dev"), await newProject("dev")]
    const shkeptncontext = await sendEvent({ data: { project } })
    const early = eventAt(project, 1, { shkeptncontext })
    await imported(other, [eventAt(other, 0, { shkeptncontext })])
    expect(await rootsOf(shkeptncontext)).not.toContain(early.id)
    await imported(project, [early])
    expect(await rootsOf(shkeptncontext)).toEqual([early.id])
  })
})

describe("the statistics", () => {
  it("count imported events in the half hours of their times, once", async () => {
    const project = await newProject("dev")
    const [one, two] = [eventAt(project, 0), eventAt(project, 1)]
    const later = eventAt(project, DAY)
    await imported(project, [one, two, later])
    await imported(project, [one, two, later])
    await imported(project, [one, eventAt(project, 2)])
    const common = { service: "carts", source: "keptn" }
    expect(await countsOf(project)).toEqual([
      { bucket: start, ...common, count: 3 },
      { bucket: start + DAY, ...common, count: 1 },
    ])
  })

  it("count once what is sent again because the answer of the database was lost", async () => {
    const project = await newProject("dev")
    const event = eventAt(project, 0)
    let batches = 0
    const region = openRegion(
      intercept(euBindings, async (call, run) => {
        const result = await run()
        if (call === "batch" && ++batches === 2) throw new Fault("lost")
        return result
      }),
    )
    await expect(importEvents(region, project, [event])).rejects.toThrow("lost")
    expect(await importEvents(region, project, [event])).toEqual({ outcome: "imported", stored: 0, known: 1 })
    expect((await countsOf(project)).map(({ count }) => count)).toEqual([1])
  })

  it("leave out events from before the time for which they are kept", async () => {
    const project = await newProject("dev")
    await imported(project, [eventAt(project, -400 * DAY)])
    expect(await countsOf(project)).toEqual([])
    expect(await idsOf(project)).toHaveLength(1)
  })
})

describe("a service", () => {
  it("is shown with imported events, the last of each type", async () => {
    const project = await withCarts()
    const events = [2, 5, 3].map((time) => eventAt(project, time))
    await imported(project, events)
    expect((await carts(project)).lastEventTypes?.[triggered]?.eventId).toBe(events[1]?.id)
  })

  it("keeps its last events when older ones are imported", async () => {
    const project = await withCarts()
    const context = await sendEvent({ data: { project, stage: "dev", service: "carts" } })
    const last = (await findEvents(`keptnContext=${context}`)).events[0]
    await imported(project, [eventAt(project, 1)])
    expect((await carts(project)).lastEventTypes?.[triggered]?.eventId).toBe(last?.id)
  })

  it("is shown with the image of the last deployment, whether its start or its end names it", async () => {
    const project = await withCarts()
    const shkeptncontext = crypto.randomUUID()
    const begun = deployment(project, 1, "carts:1", { type: "sh.keptn.event.deployment.triggered", shkeptncontext })
    await imported(project, [begun, deployment(project, 2, null, { shkeptncontext })])
    expect((await carts(project)).deployedImage).toBe("carts:1")
    await imported(project, [deployment(project, 3, "carts:2"), deployment(project, 4, null)])
    expect((await carts(project)).deployedImage).toBe("carts:2")
  })

  it("keeps its image when older deployments are imported", async () => {
    const project = await withCarts()
    await imported(project, [deployment(project, 9, "carts:new")])
    await imported(project, [deployment(project, 1, "carts:old")])
    expect((await carts(project)).deployedImage).toBe("carts:new")
  })

  it("of another stage or another project is not touched", async () => {
    const [project, other] = [await withCarts(), await withCarts()]
    await imported(project, [deployment(project, 1, "carts:1")])
    expect((await carts(other)).deployedImage).toBeUndefined()
    const elsewhere = deployment(other, 1, "carts:1")
    await imported(other, [{ ...elsewhere, data: { ...elsewhere.data, stage: "production" } }])
    expect((await carts(other)).deployedImage).toBeUndefined()
  })
})

describe("an import is refused", () => {
  const broken: [string, (project: string) => unknown, number, number, string][] = [
    ["an event without an id", (p) => ({ ...eventAt(p, 1), id: undefined }), 422, 602, "line 2: id is required"],
    ["one without a type", (p) => ({ ...eventAt(p, 1), type: "" }), 422, 602, "line 2: type is required"],
    ["one without a time", (p) => ({ ...eventAt(p, 1), time: undefined }), 422, 602, "line 2: time is required"],
    [
      "one without a context",
      (p) => ({ ...eventAt(p, 1), shkeptncontext: null }),
      422,
      602,
      "line 2: shkeptncontext is required",
    ],
    ["one without a source", (p) => ({ ...eventAt(p, 1), source: undefined }), 422, 602, "line 2: source is required"],
    ["one without data", (p) => ({ ...eventAt(p, 1), data: undefined }), 422, 602, "line 2: data is required"],
    ["a number as its id", (p) => ({ ...eventAt(p, 1), id: 7 }), 422, 601, "line 2: id must be of type string"],
    [
      "a time that is none",
      (p) => ({ ...eventAt(p, 1), time: "2023-13-01T00:00:00Z" }),
      422,
      601,
      "line 2: time must be of type date-time, not before 1970-01-01T00:00:00Z",
    ],
    [
      "a time before 1970",
      (p) => ({ ...eventAt(p, 1), time: "1969-12-31T23:59:59Z" }),
      422,
      601,
      "line 2: time must be of type date-time, not before 1970-01-01T00:00:00Z",
    ],
    [
      "control characters in an id",
      (p) => ({ ...eventAt(p, 1), id: "a\u0000" }),
      422,
      605,
      "line 2: id should have at most 256 characters, and no control characters",
    ],
    [
      "a context that is too long",
      (p) => ({ ...eventAt(p, 1), shkeptncontext: "c".repeat(257) }),
      422,
      605,
      "line 2: shkeptncontext should have at most 256 characters, and no control characters",
    ],
    [
      "an event of another project",
      () => eventAt("another", 1),
      400,
      400,
      'line 2: data.project is "another", not "PROJECT"',
    ],
    ["an event of no project", () => ({ ...eventAt("", 1) }), 400, 400, 'line 2: data.project is "", not "PROJECT"'],
    ["a line that is a number", () => 7, 422, 601, "line 2: body must be of type object"],
    [
      "an event that is too large",
      (p) => eventAt(p, 1, { data: { text: "x".repeat(1_000_000) } }),
      413,
      413,
      "line 2: an event can hold at most 1000000 bytes",
    ],
  ]

  it.each(broken)("for %s, and nothing of it is stored", async (_, make, status, code, message) => {
    const project = await newProject("dev")
    const refused = await failure(await postEvents(project, [eventAt(project, 0), make(project), eventAt(project, 2)]))
    expect(refused).toEqual({ status, code, message: message.replace("PROJECT", project) })
    expect(await idsOf(project)).toEqual([])
  })

  it.each([
    ["{", "line 1 is not valid JSON"],
    ['{"a":1e999}', "line 1 holds a number that is too large"],
    ["", "Invalid request format: there are no events"],
    ["\n \n", "Invalid request format: there are no events"],
  ])("for the body %j with 400", async (body, message) => {
    const project = await newProject("dev")
    expect(await failure(await post(project, body))).toEqual({ status: 400, code: 400, message })
  })

  it("for what is no UTF-8 with 400", async () => {
    const project = await newProject("dev")
    const headers = { "content-type": "application/jsonl" }
    const path = `/api/mongodb-datastore/event/import?project=${project}`
    const refused = await failure(await send("eu", path, { body: new Uint8Array([0xff, 0xfe]), headers }))
    expect(refused).toEqual({ status: 400, code: 400, message: "Invalid request format: the body is not UTF-8" })
  })

  it.each(["application/json", "text/plain"])("with the media type %s: 415", async (type) => {
    const project = await newProject("dev")
    const response = await post(project, JSON.stringify(eventAt(project, 1)), { headers: { "content-type": type } })
    expect(response.status).toBe(415)
  })

  it("for more than a thousand events with 413", async () => {
    const project = await newProject("dev")
    const refused = await postEvents(
      project,
      Array.from({ length: 1001 }, (_, n) => eventAt(project, n)),
    )
    expect([refused.status, await idsOf(project)]).toEqual([413, []])
  })

  it("without a project with 422, of a project that is not there with 404", async () => {
    const headers = { "content-type": "application/jsonl" }
    const unnamed = await failure(await send("eu", "/api/mongodb-datastore/event/import", { body: "{}", headers }))
    expect(unnamed).toEqual({ status: 422, code: 602, message: "project in query is required" })
    const event = eventAt("not-there", 1)
    expect(await failure(await postEvents("not-there", [event]))).toEqual({
      status: 404,
      code: 404,
      message: "project 'not-there' not found",
    })
    expect((await findEvents(`eventID=${event.id}`)).events).toEqual([])
  })

  it("for an id that an event of another project has with 409", async () => {
    const [project, other] = [await newProject("dev"), await newProject("dev")]
    const event = eventAt(other, 1)
    await imported(other, [event])
    const copy = { ...event, data: { project } }
    const refused = await failure(await postEvents(project, [eventAt(project, 0), copy]))
    expect(refused).toEqual({
      status: 409,
      code: 409,
      message: `line 2: the event ${event.id} has the id of an event of another project`,
    })
    expect(await idsOf(project)).toEqual([])
  })

  it.each([
    ["Viewer", 403],
    ["Integration", 403],
    ["Contributor", 403],
    ["Admin", 200],
  ])("for all but an Admin of the project: %s %i", async (roleName, status) => {
    const project = await newProject("dev")
    const token = await tokenWith({ roleName, entityId: project })
    expect((await postEvents(project, [eventAt(project, 1)], { token })).status).toBe(status)
    const stranger = await tokenWith({ roleName: "Admin", entityId: "another" })
    expect((await postEvents(project, [eventAt(project, 1)], { token: stranger })).status).toBe(404)
  })
})

describe("an import beside the archive", () => {
  const CUTOFF = start + DAY

  /** What an earlier test left old would be moved first. */
  beforeEach(async () => {
    await env.DB_EU.prepare("delete from events where time < ?").bind(CUTOFF).run()
  })

  async function archiveAll(cutoff = CUTOFF): Promise<void> {
    while ((await archiveEvents(openRegion(), cutoff)) > 0);
  }

  /** A project whose events from 10 to 19 are archived. */
  async function archived(): Promise<{ project: string; events: KeptnEvent[] }> {
    const project = await newProject("dev")
    const events = Array.from({ length: 10 }, (_, n) => eventAt(project, 10 + n))
    await imported(project, events)
    await archiveAll()
    expect(await idsOf(project)).toEqual([])
    return { project, events }
  }

  it("knows what is archived, and counts it once", async () => {
    const { project, events } = await archived()
    const counted = await countsOf(project)
    expect(await imported(project, events)).toEqual([0, 10])
    expect(await countsOf(project)).toEqual(counted)
    expect(await exportedIds(project)).toEqual(events.map(({ id }) => id))
  })

  it.each([5, 15])("refuses an event that belongs before what is archived, at %i, with 409", async (time) => {
    const { project, events } = await archived()
    const late = eventAt(project, time)
    const refused = await failure(await postEvents(project, [...events, late, eventAt(project, 30)]))
    expect(refused).toMatchObject({ status: 409, code: 409 })
    expect(refused.message).toContain(`line 11: the event ${late.id} is older than the archive`)
    expect(refused.message).toContain(at(19))
    expect(await idsOf(project)).toEqual([])
  })

  it("takes events of the last instant that is archived, and later ones", async () => {
    const { project, events } = await archived()
    const news = [eventAt(project, 19), eventAt(project, 20)]
    expect(await imported(project, [...events.slice(-1), ...news])).toEqual([2, 1])
    await archiveAll()
    expect(await exportedIds(project)).toEqual([...events, ...news].map(({ id }) => id))
  })

  it("refuses what belongs before an archive that has grown since it looked", async () => {
    const project = await newProject("dev")
    const events = [10, 11, 12].map((time) => eventAt(project, time))
    await imported(project, events)
    let batches = 0
    const region = openRegion(
      intercept(euBindings, async (call, run) => {
        if (call === "batch" && ++batches === 2) await archiveAll()
        return run()
      }),
    )
    const late = eventAt(project, 5)
    const outcome = await importEvents(region, project, [late])
    expect(outcome).toEqual({ outcome: "archived", index: 0, until: start + 12 })
    expect(await exportedIds(project)).toEqual(events.map(({ id }) => id))
  })

  it("keeps its place when the archive was about to be written", async () => {
    const project = await newProject("dev")
    const events = [10, 11, 12].map((time) => eventAt(project, time))
    await imported(project, events)
    const early = eventAt(project, 5)
    const region = openRegion(
      intercept(euBindings, async (call, run) => {
        if (call === "put") await imported(project, [early])
        return run()
      }),
    )
    expect(await archiveEvents(region, CUTOFF)).toBe(0)
    const all = [early, ...events].map(({ id }) => id)
    expect(await exportedIds(project)).toEqual(all)
    await archiveAll()
    expect(await exportedIds(project)).toEqual(all)
  })

  it("begins anew in a project that is created again", async () => {
    const { project } = await archived()
    await deleteProject(project)
    const left = await query(z.unknown(), "select * from job_cursors where job = ?", `events-archived:${project}`)
    expect(left).toEqual([])
  })
})

describe("the storage trips of an import", () => {
  it.each([1, 100, 1000])("of %i events are 2, and 1 when all are known", async (count) => {
    const project = await withCarts()
    const events = Array.from({ length: count }, (_, n) => eventAt(project, n))
    const token = await knownToken()
    const first = await postEvents(project, events, { token })
    expect(first.status).toBe(200)
    expect(storageCounts(first)).toMatchObject({ trips: 2, d1: 2, r2: 1, kv: 0 })
    expect(storageCounts(await postEvents(project, events, { token }))).toMatchObject({ trips: 1, d1: 1, r2: 1 })
  })

  it("read rows that grow with the events of the request, not with those of the project", async () => {
    const project = await withCarts()
    const token = await knownToken()
    const portion = (from: number) => Array.from({ length: 100 }, (_, n) => eventAt(project, from + n))
    const few = storageCounts(await postEvents(project, portion(0), { token })).rows
    for (const n of [1, 2, 3]) {
      await imported(
        project,
        Array.from({ length: 1000 }, (_, m) => eventAt(project, n * 10_000 + m)),
      )
    }
    const many = storageCounts(await postEvents(project, portion(90_000), { token })).rows
    expect(many).toBeLessThan(few + 100)
  })
})
