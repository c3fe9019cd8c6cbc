/** What a page of events reads must not grow with the events that are stored, also where all of them are of one project. */
import { beforeAll, describe, expect, it } from "vitest"
import { storageCounts } from "../support/client.ts"
import { askEvents, askEventsOfType } from "../support/events.ts"
import { knownToken } from "../support/known.ts"
import { storeEvents } from "../support/store-events.ts"

const SIZE = 20
const FEW = 1_000
const MANY = 20_000
const type = "sh.keptn.event.evaluation.finished"
const context = "77777777-7777-4777-8777-777777777777"
const start = Date.parse("2023-01-01T00:00:00.000Z")
/** The key of a page that has so many of the first `FEW` events behind it. */
const DEPTH = `after-${start + FEW / 2}-999999999`

/** How many events are counted at most, to say how many there are; the count is of the rows of an index. */
const COUNTED = 1_001
/** The token's look-up, the first row behind each range, and rows that two indexes have of one event. */
const CONSTANT = 30

type Ask = (token: string) => Promise<Response>

const listed = (query: string): Ask => {
  return (token) => askEvents(`pageSize=${SIZE}&${query}`, { token })
}
const ofType = (filter: string): Ask => {
  return (token) => askEventsOfType(type, `limit=${SIZE}&filter=${filter}`, { token })
}

const pages: Record<string, Ask> = {
  "the first page of a project": listed("project=p"),
  "a page of a project by offset": listed("project=p&nextPageKey=200"),
  "a page of a project at depth, by key": listed(`project=p&nextPageKey=${DEPTH}`),
  "a page of a type": listed(`project=p&type=${type}`),
  "a page of a type at depth, by key": listed(`project=p&type=${type}&nextPageKey=${DEPTH}`),
  "a page of a context": listed(`keptnContext=${context}`),
  "a page of a context at depth, by key": listed(`keptnContext=${context}&nextPageKey=${DEPTH}`),
  "a page of the newest": listed("project=p&fromTime=2020-01-01T00:00:00Z"),
}

const searches: Record<string, Ask> = {
  "events of a type by project": ofType("data.project:p"),
  "events of a type by project and stage": ofType("data.project:p%20AND%20data.stage:dev"),
  "events of a type by project and what stands in them": ofType("data.project:p%20AND%20data.result:pass,warning"),
  "events of a type by project that were not invalidated": ofType("data.project:p&excludeInvalidated=true"),
  "events of a type by context": ofType(`shkeptncontext:${context}`),
}

function eventOf(n: number) {
  const time = new Date(start + n).toISOString()
  return { type, shkeptncontext: context, time, data: { project: "p", stage: "dev", result: "pass", n } }
}

async function measure(): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const [what, ask] of Object.entries({ ...pages, ...searches })) {
    const response = await ask(await knownToken())
    expect([what, response.status]).toEqual([what, 200])
    rows[what] = storageCounts(response).rows
  }
  return rows
}

describe("the rows that are read", () => {
  let few: Record<string, number> = {}
  let many: Record<string, number> = {}

  beforeAll(async () => {
    await storeEvents(FEW, eventOf)
    few = await measure()
    await storeEvents(MANY - FEW, (n) => eventOf(FEW + n))
    many = await measure()
  })

  it.each(Object.keys(pages))("for %s are the page and what is counted, at most", (what) => {
    const most = COUNTED + SIZE + 200 + CONSTANT
    expect(few[what]).toBeLessThanOrEqual(most)
    expect(many[what]).toBeLessThanOrEqual(most)
    expect(many[what]).toBeGreaterThanOrEqual(SIZE)
  })

  it.each(Object.keys(searches))("for %s are those that are answered, at most", (what) => {
    const most = SIZE + CONSTANT
    expect(few[what]).toBeLessThanOrEqual(most)
    expect(many[what]).toBeLessThanOrEqual(most)
    expect(many[what]).toBeGreaterThanOrEqual(SIZE)
  })
})
