import { beforeAll, describe, expect, it } from "vitest"
import { type FoundPage, findEvents, sendEvent } from "../../support/events.ts"
import { storeEvents } from "../../support/store-events.ts"

const type = "sh.keptn.event.test.finished"

/** Reads page after page, as clients do, until there is no key. `between` is called before every page but the first. */
async function walk(
  query: string,
  between: (page: FoundPage) => Promise<void> = async () => undefined,
): Promise<FoundPage[]> {
  const pages = [await findEvents(query)]
  for (let key = pages[0]?.nextPageKey; key !== undefined; key = pages.at(-1)?.nextPageKey) {
    const last = pages.at(-1)
    if (last) await between(last)
    pages.push(await findEvents(`${query}&nextPageKey=${encodeURIComponent(key)}`))
    if (pages.length > 200) throw new Error("there is no end to the pages")
  }
  return pages
}

function numbers(pages: readonly FoundPage[]): unknown[] {
  return pages.flatMap((page) => page.events.map((event) => event.data["n"]))
}

/** From `count - 1` down to 0: the newest first. */
function descending(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - 1 - index)
}

describe("a few events", () => {
  beforeAll(async () => {
    for (let n = 0; n < 45; n++) await sendEvent({ type, data: { project: "few", n } })
  })

  it("come in pages of 20 with offsets as keys, the last of which has none", async () => {
    const pages = await walk("project=few")
    expect(pages.map((page) => page.events.length)).toEqual([20, 20, 5])
    expect(pages.map((page) => page.nextPageKey)).toEqual(["20", "40", undefined])
    expect(pages.map((page) => page.pageSize)).toEqual([20, 20, 20])
    expect(pages.map((page) => page.totalCount)).toEqual([45, 45, 45])
    expect(pages[2]).not.toHaveProperty("nextPageKey")
    expect(numbers(pages)).toEqual(descending(45))
  })

  it.each([
    { size: 1, pages: 45 },
    { size: 44, pages: 2 },
    { size: 45, pages: 1 },
    { size: 100, pages: 1 },
  ])("come in $pages pages of $size, each event once", async ({ size, pages }) => {
    const found = await walk(`project=few&pageSize=${size}`)
    expect(found).toHaveLength(pages)
    expect(numbers(found)).toEqual(descending(45))
  })

  it("can be read from any offset", async () => {
    const page = await findEvents("project=few&pageSize=3&nextPageKey=41")
    expect(numbers([page])).toEqual([3, 2, 1])
    expect(page.nextPageKey).toBe("44")
  })
})

describe("many events", () => {
  const count = 505

  beforeAll(async () => {
    await storeEvents(count, (n) => ({
      type,
      // Five at a time share a millisecond.
      time: new Date(1_700_000_000_000 + Math.floor(n / 5)).toISOString(),
      data: { project: "many", stage: `s${n % 2}`, n },
    }))
    await storeEvents(3, () => ({ type, data: { project: "unrelated" } }))
  })

  it.each([
    { query: "project=many", found: descending(count) },
    { query: "project=many&pageSize=100", found: descending(count) },
    { query: "project=many&pageSize=7", found: descending(count) },
    { query: `project=many&type=${type}&pageSize=33`, found: descending(count) },
    {
      query: `project=many&type=${type}&pageSize=10&fromTime=2023-11-14T22:13:20.010Z`,
      found: descending(count).slice(0, -55),
    },
    { query: "project=many&stage=s1", found: descending(count).filter((n) => n % 2 === 1) },
    { query: "project=many&root=1&pageSize=50", found: descending(count) },
  ])("are all reached once, newest first, by the keys of the pages: ?$query", async ({ query, found }) => {
    expect(numbers(await walk(query))).toEqual(found)
  })

  it("have offsets as keys up to 200, so that go-utils can count its pages, and others from there on", async () => {
    const keys = (await walk("project=many")).map((page) => page.nextPageKey)
    expect(keys.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, index) => String((index + 1) * 20)))
    for (const key of keys.slice(10, -1)) expect(key).toMatch(/^after-/)
    expect(keys.at(-1)).toBeUndefined()
  })

  it("are reached once by key also while others are sent; none of them is missed by offset", async () => {
    await storeEvents(count, (n) => ({ type, data: { project: "busy", n } }))
    const pages = await walk("project=busy", async () => {
      await sendEvent({ type, data: { project: "busy", n: "new" } })
    })
    const old = numbers(pages).filter((n) => n !== "new")
    expect(new Set(old)).toEqual(new Set(descending(count)))
    // From the first page that was found by key on: what it holds, and nothing of it a second time.
    const byKey = numbers(pages.slice(11))
    const [first] = byKey
    if (typeof first !== "number") throw new Error("no page was found by key")
    expect(byKey).toEqual(descending(first + 1))
  })
})

describe("the total", () => {
  it("is exact up to 1000 and absent beyond", async () => {
    await storeEvents(1000, () => ({ type, data: { project: "thousand", stage: "dev" } }))
    expect((await findEvents("project=thousand&pageSize=1")).totalCount).toBe(1000)
    await sendEvent({ type, data: { project: "thousand", stage: "prod" } })
    const page = await findEvents("project=thousand&pageSize=1")
    expect(page).not.toHaveProperty("totalCount")
    expect(page.nextPageKey).toBe("1")
    expect((await findEvents("project=thousand&stage=dev&pageSize=1")).totalCount).toBe(1000)
    expect((await findEvents("project=thousand&stage=prod")).totalCount).toBe(1)
  })
})
