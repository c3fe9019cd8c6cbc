import { beforeAll, describe, expect, it } from "vitest"
import { createProject } from "../../support/client.ts"
import { askEventsOfType, findEvents, findEventsOfType, onlyEvent, sendEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import { storeEvents } from "../../support/store-events.ts"

const TYPE = "sh.keptn.event.evaluation.finished"
const context = "11111111-1111-4111-8111-111111111111"
const place = { project: "a", stage: "dev", service: "s" }

/** What is stored, oldest first. `data.n` is the event's name in these tests. */
const stored = [
  { shkeptncontext: context, source: "x", triggeredid: "t1", data: { n: 1, ...place, result: "pass" } },
  { shkeptncontext: context, data: { n: 2, ...place, result: "fail", evaluation: { score: 50, "a-b": "c d" } } },
  { data: { n: 3, ...place, stage: "prod", result: "warning", labels: { "x.y": "z", build: "7" } } },
  { data: { n: 4, ...place, service: "t", result: "pass", evaluation: { result: "pass", deep: [{ a: 1 }] } } },
  { shkeptncontext: context, data: { n: 5, project: "b", stage: "dev", service: "s", result: "pass" } },
  { type: "sh.keptn.event.test.finished", data: { n: 6, ...place, result: "pass" } },
]

beforeAll(async () => {
  for (const name of ["a", "b"]) await createProject("eu", name, "dev", "prod")
  for (const event of stored) await sendEvent({ type: TYPE, ...event })
})

async function names(filter: string, query = "", token?: string): Promise<unknown[]> {
  const events = await findEventsOfType(TYPE, filter, query, token === undefined ? {} : { token })
  return events.map((event) => event.data["n"])
}

describe("a filter", () => {
  it.each([
    ["data.project:a", [4, 3, 2, 1]],
    ["data.project:a,b", [5, 4, 3, 2, 1]],
    [`shkeptncontext:${context}`, [5, 2, 1]],
    [`shkeptncontext:${context} AND data.project:a`, [2, 1]],
    ["data.project:a AND data.stage:dev", [4, 2, 1]],
    ["data.project:a AND data.stage:dev,prod AND data.service:s", [3, 2, 1]],
    ["data.project:a AND data.result:pass", [4, 1]],
    ["data.project:a AND data.result:pass,warning", [4, 3, 1]],
    ["data.project:a AND data.result:pass, warning", [4, 3, 1]],
    ["data.project:a AND source:x", [1]],
    ["data.project:a AND triggeredid:t1", [1]],
    ["data.project:a AND data.evaluation.result:pass", [4]],
    ["data.project:a AND data.evaluation.a-b:c d", [2]],
    ["data.project:a AND data.labels.build:7", [3]],
    ["data.project:a AND data.nowhere:x", []],
    ["data.project:a AND nowhere.at.all:x", []],
    ["data.project:A", []],
    ["data.project:unknown", []],
    ["data.project:a AND data.project:b", []],
    [" data.project : a  AND  data.stage : prod ", [3]],
  ])("%s finds %j, newest first", async (filter, found) => {
    expect(await names(filter)).toEqual(found)
  })

  it.each([
    "data.project:a AND time:2020-01-01T00:00:00Z",
    "data.project:a AND nonsense",
    "data.project:a AND ",
    "data.project:a AND a:b:c",
  ])("ignores a part that has not exactly one colon: %s", async (filter) => {
    expect(await names(filter)).toEqual([4, 3, 2, 1])
  })

  it.each([
    'data.project:a AND data."x:y',
    "data.project:a AND data.$[0]:y",
    "data.project:a AND data.\\:y",
    "data.project:a AND .:y",
    "data.project:a AND :y",
    "data.project:a AND data.'; drop table events:y",
    "data.project:a AND data.\u0000:y",
    `data.project:a AND ${"a.".repeat(500)}a:y`,
    `data.project:${"a,".repeat(2000)}a AND data.none:y`,
  ])("may have any characters: 200 for %j", async (filter) => {
    expect(await names(filter)).toEqual([])
  })

  it("is refused with 400 when it has more conditions than a statement can hold", async () => {
    const twenty = Array.from({ length: 20 }, () => "data.project:a").join(" AND ")
    expect(await names(twenty)).toEqual([4, 3, 2, 1])
    const response = await askEventsOfType(TYPE, `filter=${encodeURIComponent(`${twenty} AND data.project:a`)}`)
    expect(await failure(response)).toMatchObject({ status: 400, message: expect.stringContaining("20 conditions") })
  })

  it.each(["data.stage:dev", "nonsense", "data.projects:a", "keptnContext:x", "data.project", "data.project:a:b", ""])(
    "that names neither a project nor a context is refused with 400: %j",
    async (filter) => {
      expect(await failure(await askEventsOfType(TYPE, `filter=${encodeURIComponent(filter)}`))).toEqual({
        status: 400,
        code: 400,
        message: "invalid event filter: either 'shkeptncontext' or 'data.project' must be set",
      })
    },
  )

  it("is required: 422 with code 602", async () => {
    expect(await failure(await askEventsOfType(TYPE, ""))).toEqual({
      status: 422,
      code: 602,
      message: "filter in query is required",
    })
  })
})

describe("the other parameters of a search by type", () => {
  it.each([
    { query: "limit=0", code: 609, message: "limit in query should be greater than or equal to 1" },
    { query: "limit=-1", code: 609, message: "limit in query should be greater than or equal to 1" },
    { query: "limit=101", code: 608, message: "limit in query should be less than or equal to 100" },
    { query: "limit=x", code: 601, message: 'limit in query must be of type int64: "x"' },
    { query: "fromTime=x", code: 601, message: 'fromTime in query must be of type date-time: "x"' },
    {
      query: "excludeInvalidated=maybe",
      code: 601,
      message: 'excludeInvalidated in query must be of type boolean: "maybe"',
    },
  ])("are refused with 422 and the code $code: $query", async ({ query, code, message }) => {
    expect(await failure(await askEventsOfType(TYPE, `filter=data.project:a&${query}`))).toEqual({
      status: 422,
      code,
      message,
    })
  })

  it("limit how many are answered, 20 when there is no limit", async () => {
    await storeEvents(120, (n) => ({ type: TYPE, data: { project: "many", n } }))
    expect(await names("data.project:many")).toEqual(Array.from({ length: 20 }, (_, n) => 119 - n))
    expect(await names("data.project:many", "limit=1")).toEqual([119])
    expect(await names("data.project:many", "limit=100")).toHaveLength(100)
  })

  it("find only what is newer than a time", async () => {
    const [, third] = await findEventsOfType(TYPE, "data.project:a")
    const time = third?.time ?? ""
    const before = new Date(Date.parse(time) - 1).toISOString()
    expect(await names("data.project:a", `fromTime=${time}`)).not.toContain(3)
    expect(await names("data.project:a", `fromTime=${before}`)).toContain(3)
    expect(await names("data.project:a", "fromTime=2100-01-01T00:00:00Z")).toEqual([])
  })

  it("may be some that nobody knows, as Keptn's lighthouse sends one", async () => {
    expect(await names("data.project:a AND source:x", "source=lighthouse-service")).toEqual([1])
  })

  it("of an unknown type find nothing: 200", async () => {
    expect(await findEventsOfType("unknown", "data.project:a", "excludeInvalidated=true")).toEqual([])
  })
})

function invalidate(project: string, triggeredid: string, type = "sh.keptn.event.evaluation.invalidated") {
  return sendEvent({ type, triggeredid, data: { ...place, project } })
}

describe("an event that was invalidated", () => {
  it("is left out on request only, and stays among all events", async () => {
    const kept = await sendEvent({ type: TYPE, triggeredid: "i1", data: { ...place, project: "i1", n: 1 } })
    await sendEvent({ type: TYPE, triggeredid: "i2", data: { ...place, project: "i1", n: 2 } })
    await sendEvent({ type: TYPE, data: { ...place, project: "i1", n: 3 } })
    await invalidate("i1", "i1")
    for (const query of ["", "excludeInvalidated=false", "excludeInvalidated=0"]) {
      expect(await names("data.project:i1", query)).toEqual([3, 2, 1])
    }
    for (const query of ["excludeInvalidated=true", "excludeInvalidated=1", "excludeInvalidated=TRUE"]) {
      expect(await names("data.project:i1", query)).toEqual([3, 2])
    }
    expect((await onlyEvent(kept)).data["n"]).toBe(1)
  })

  it("is not counted against the limit", async () => {
    for (const n of [1, 2, 3]) await sendEvent({ type: TYPE, triggeredid: `l${n}`, data: { project: "i2", n } })
    await invalidate("i2", "l3")
    expect(await names("data.project:i2", "excludeInvalidated=true&limit=2")).toEqual([2, 1])
  })

  it("is not one whose triggeredid was invalidated for another task, or by an event of another kind", async () => {
    await sendEvent({ type: TYPE, triggeredid: "o1", data: { project: "i3", n: 1 } })
    await invalidate("i3", "o1", "sh.keptn.event.test.invalidated")
    await invalidate("i3", "o1", "sh.keptn.event.evaluation.started")
    await invalidate("i3", "", "sh.keptn.event.evaluation.invalidated")
    expect(await names("data.project:i3", "excludeInvalidated=true")).toEqual([1])
  })

  it("is none for what was sent to another project: who writes there has no say here", async () => {
    await sendEvent({ type: TYPE, triggeredid: "p1", data: { project: "i4", n: 1 } })
    await invalidate("i5", "p1")
    await sendEvent({ type: "sh.keptn.event.evaluation.invalidated", triggeredid: "p1", data: {} })
    expect(await names("data.project:i4", "excludeInvalidated=true")).toEqual([1])
  })
})

describe("events of a type", () => {
  it("are only those of projects that the caller sees", async () => {
    const viewer = await tokenWith({ roleName: "Viewer", entityId: "b" })
    expect(await names(`shkeptncontext:${context}`, "", viewer)).toEqual([5])
    expect(await names("data.project:a,b", "", viewer)).toEqual([5])
    expect(await names("data.project:a", "", viewer)).toEqual([])
    expect(await names("data.project:a,b", "", await tokenWith())).toEqual([])
  })

  it("are answered as elsewhere", async () => {
    const [event] = await findEventsOfType(TYPE, "data.project:a", "limit=1")
    expect((await findEvents(`eventID=${event?.id}`)).events).toEqual([event])
  })
})
