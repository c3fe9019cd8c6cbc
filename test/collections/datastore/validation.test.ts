import { describe, expect, it } from "vitest"
import { send } from "../../support/client.ts"
import { askEvents, findEvents, sendEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"

describe("a query that is wrong", () => {
  it.each([
    { query: "pageSize=0", code: 609, message: "pageSize in query should be greater than or equal to 1" },
    { query: "pageSize=-1", code: 609, message: "pageSize in query should be greater than or equal to 1" },
    { query: "pageSize=101", code: 608, message: "pageSize in query should be less than or equal to 100" },
    { query: "pageSize=999999999", code: 608, message: "pageSize in query should be less than or equal to 100" },
    { query: "pageSize=abc", code: 601, message: 'pageSize in query must be of type int64: "abc"' },
    { query: "pageSize=1.5", code: 601, message: 'pageSize in query must be of type int64: "1.5"' },
    { query: "fromTime=yesterday", code: 601, message: 'fromTime in query must be of type date-time: "yesterday"' },
    { query: "beforeTime=13:00", code: 601, message: 'beforeTime in query must be of type date-time: "13:00"' },
    { query: "nextPageKey=abc", code: 601, message: "nextPageKey in query must be one that a page before had" },
    { query: "nextPageKey=-20", code: 601, message: "nextPageKey in query must be one that a page before had" },
    { query: "nextPageKey=after-1", code: 601, message: "nextPageKey in query must be one that a page before had" },
    { query: "nextPageKey=10001", code: 601, message: "nextPageKey in query must be one that a page before had" },
  ])("is answered 422 with code $code: ?$query", async ({ query, code, message }) => {
    expect(await failure(await askEvents(query))).toEqual({ status: 422, code, message })
  })

  it("is told of its first mistake only", async () => {
    const refused = await failure(await askEvents("pageSize=0&fromTime=x"))
    expect(refused).toMatchObject({ status: 422, code: 601, message: expect.stringContaining("fromTime") })
  })

  it.each(["pageSize=1", "pageSize=100", "nextPageKey=0", "nextPageKey=10000"])(
    "at its limits is right: 200 for ?%s",
    async (query) => {
      expect((await askEvents(query)).status).toBe(200)
    },
  )
})

describe("an answer without events", () => {
  it("of an unknown project is exactly an empty list and the page size", async () => {
    const response = await askEvents("project=unknown")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ events: [], pageSize: 20 })
  })

  it("echoes the page size that was asked for", async () => {
    expect(await findEvents("project=unknown&pageSize=7")).toEqual({ events: [], pageSize: 7 })
  })

  it("has neither key nor total behind the last event", async () => {
    await sendEvent({ data: { project: "one" } })
    const beyond = await findEvents("project=one&nextPageKey=20")
    expect(beyond).toEqual({ events: [], pageSize: 20, totalCount: 1 })
  })
})

describe("the datastore cannot be written to", () => {
  it.each(["POST", "PUT", "PATCH", "DELETE"])("%s of events is answered 403, as by Keptn's gateway", async (method) => {
    const refused = await failure(await send("eu", "/api/mongodb-datastore/event", { method }))
    expect(refused).toMatchObject({ status: 403, code: 403, message: expect.stringContaining("is not public") })
  })

  it.each(["/event/type/x", "/event/export"])("POST of %s is answered 405", async (path) => {
    const response = await send("eu", `/api/mongodb-datastore${path}`, { method: "POST" })
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"])
  })
})
