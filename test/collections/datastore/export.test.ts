import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send, storageCounts } from "../../support/client.ts"
import { askExport, exportEvents, findEvents, readLines, sendEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { tokenWith } from "../../support/people.ts"
import { storeEvents } from "../../support/store-events.ts"

/** More than two portions. */
const MANY = 1200
const start = Date.parse("2023-01-01T00:00:00.000Z")

function timeOf(n: number): string {
  return new Date(start + Math.floor(n / 3)).toISOString()
}

beforeAll(async () => {
  await createProject("eu", "shop", "dev")
  for (const n of [1, 2, 3]) {
    await sendEvent({
      triggeredid: "t",
      gitcommitid: "c",
      extensions: { n },
      data: { project: "shop", n, text: "ä\n" },
    })
  }
  // Times that come back: the order among equal ones is that of their arrival.
  await storeEvents(MANY, (n) => ({ type: "x", time: timeOf(n), data: { project: "many", n } }))
})

describe("an export", () => {
  it("is lines of JSON: 200", async () => {
    const response = await askExport("shop")
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/jsonl"])
    const text = new TextDecoder().decode(await response.arrayBuffer())
    expect(text.endsWith("\n")).toBe(true)
    expect(readLines(text)).toHaveLength(text.split("\n").length - 1)
  })

  it("has the events as they are answered elsewhere, the oldest first, each with its sequence", async () => {
    const exported = await exportEvents("shop")
    const found = (await findEvents("project=shop")).events.toReversed()
    expect(exported).toEqual(found.map((event) => ({ ...event, sequence: expect.any(String) })))
    expect(exported).toHaveLength(5)
  })

  it("has more events than are read at once, in their order, without a gap", async () => {
    const exported = await exportEvents("many")
    expect(exported.map((event) => event.data["n"])).toEqual(Array.from({ length: MANY }, (_, n) => n))
    const sequences = exported.map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted())
    expect(new Set(sequences).size).toBe(MANY)
  })

  it.each([0, 1, 2, 499, 500, 501, 999, 1198])("goes on behind event %i", async (index) => {
    const exported = await exportEvents("many")
    expect(await exportEvents("many", exported[index]?.sequence)).toEqual(exported.slice(index + 1))
  })

  it("behind the last event is empty: 200", async () => {
    const last = (await exportEvents("shop")).at(-1)
    expect(await exportEvents("shop", last?.sequence)).toEqual([])
    await sendEvent({ data: { project: "shop", n: 4 } })
    const news = await exportEvents("shop", last?.sequence)
    expect(news.map((event) => event.data["n"])).toEqual([4])
  })

  it("of a project without events is empty: 200", async () => {
    expect(await exportEvents("unknown")).toEqual([])
  })

  it("of large events has all of them", async () => {
    const text = "x".repeat(900_000)
    await storeEvents(12, (n) => ({ type: "x", data: { project: "large", n, text } }))
    const exported = await exportEvents("large")
    expect(exported.map((event) => event.data["n"])).toEqual(Array.from({ length: 12 }, (_, n) => n))
    expect(exported.every((event) => event.data["text"] === text)).toBe(true)
  })

  it("has read nothing when its head is sent: what comes later is streamed", async () => {
    const response = await askExport("many", "", { token: await knownToken() })
    expect(storageCounts(response).rows).toBe(0)
    await response.body?.cancel()
  })

  it.each(["x", "1", "-", "1-", "1-1-1", "-1-1", "1.5-1", `${"9".repeat(16)}-1`, "", "after-1-1"])(
    "is refused with 400 behind %j, which is no sequence",
    async (after) => {
      expect(await failure(await askExport("shop", `after=${after}`))).toEqual({
        status: 400,
        code: 400,
        message: "after must be the sequence of an event that was exported",
      })
    },
  )

  it("of no project that is named is refused with 422", async () => {
    const refused = await failure(await send("eu", "/api/mongodb-datastore/event/export"))
    expect(refused).toEqual({ status: 422, code: 602, message: "project in query is required" })
  })

  it("is for those who see the project: 404 for others, 200 for a Viewer", async () => {
    const stranger = await tokenWith({ roleName: "Admin", entityId: "many" })
    const viewer = await tokenWith({ roleName: "Viewer", entityId: "shop" })
    expect(await failure(await askExport("shop", "", { token: stranger }))).toEqual({
      status: 404,
      code: 404,
      message: "project 'shop' not found",
    })
    expect((await askExport("shop", "", { token: viewer })).status).toBe(200)
  })

  it("of the events of no project is for those who see all projects", async () => {
    await sendEvent({ data: { n: 1 } })
    expect((await exportEvents("")).map((event) => event.data["n"])).toEqual([1])
    const viewer = await tokenWith({ roleName: "Viewer", entityId: "shop" })
    expect([403, 404]).toContain((await askExport("", "", { token: viewer })).status)
  })
})
