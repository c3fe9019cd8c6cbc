import { describe, expect, it } from "vitest"
import { offsetPageOf, offsetPageQuery, readOffsetPage } from "../../src/gateway/paging.ts"

describe("the query of a paged list", () => {
  it.each([
    [{}, { offset: 0, size: 20 }],
    [{ pageSize: "5" }, { offset: 0, size: 5 }],
    [{ pageSize: "0" }, { offset: 0, size: 0 }],
    [{ pageSize: "-3" }, { offset: 0, size: 0 }],
    [{ nextPageKey: "40" }, { offset: 40, size: 20 }],
    [{ nextPageKey: "" }, { offset: 0, size: 20 }],
    [{ nextPageKey: "-1" }, { offset: 0, size: 20 }],
    [{ nextPageKey: "1e3" }, { offset: 0, size: 20 }],
    [{ nextPageKey: " 5" }, { offset: 0, size: 20 }],
    [{ nextPageKey: "9".repeat(16) }, { offset: 0, size: 20 }],
  ])("%j asks for %j", (query, page) => {
    expect(readOffsetPage(offsetPageQuery.parse(query))).toEqual(page)
  })

  it.each(["", "a", "1.5", "1e3", " 1", "0x1", "9".repeat(10)])("cannot have the page size %j", (pageSize) => {
    expect(offsetPageQuery.safeParse({ pageSize }).success).toBe(false)
  })
})

describe("the paging members of an answer", () => {
  it.each([
    { offset: 0, shown: 20, total: 45, members: { nextPageKey: "20", totalCount: 45 } },
    { offset: 20, shown: 20, total: 40, members: { nextPageKey: "0", totalCount: 40 } },
    { offset: 40, shown: 5, total: 45, members: { nextPageKey: "0", totalCount: 45 } },
    { offset: 0, shown: 0, total: 45, members: { nextPageKey: "0", totalCount: 45 } },
    { offset: 10, shown: 0, total: 45, members: { nextPageKey: "0", totalCount: 45 } },
    { offset: 90, shown: 0, total: 45, members: { nextPageKey: "0", totalCount: 45 } },
    { offset: 0, shown: 0, total: 0, members: { nextPageKey: "0" } },
  ])("$shown from $offset of $total", ({ offset, shown, total, members }) => {
    expect(offsetPageOf({ offset, size: 20 }, shown, total)).toEqual(members)
  })
})
