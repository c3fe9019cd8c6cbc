import { beforeAll, describe, expect, it } from "vitest"
import { askEvents, findEvents, onlyEvent, sendEvent } from "../../support/events.ts"

const context = "11111111-1111-4111-8111-111111111111"
const other = "22222222-2222-4222-8222-222222222222"
const triggered = "sh.keptn.event.dev.delivery.triggered"
const started = "sh.keptn.event.deployment.started"

/** What is stored, oldest first. `data.n` is the event's name in these tests. */
const stored = [
  { type: triggered, source: "cli", shkeptncontext: context, data: { n: 1, project: "a", stage: "dev", service: "s" } },
  { type: started, source: "helm", shkeptncontext: context, data: { n: 2, project: "a", stage: "dev", service: "s" } },
  { type: started, source: "helm", shkeptncontext: other, data: { n: 3, project: "a", stage: "prod", service: "s" } },
  { type: started, source: "cli", shkeptncontext: other, data: { n: 4, project: "a", stage: "dev", service: "t" } },
  { type: triggered, source: "cli", shkeptncontext: context, data: { n: 5, project: "b", stage: "dev", service: "s" } },
  { type: triggered, source: "cli", shkeptncontext: other, data: { n: 6 } },
  { type: started, source: "cli", shkeptncontext: context, data: { n: 7, project: "" } },
  { type: started, source: "cli", shkeptncontext: context, data: { n: 8, project: 7, stage: ["dev"] } },
]

beforeAll(async () => {
  for (const event of stored) await sendEvent(event)
})

async function names(query: string): Promise<unknown[]> {
  return (await findEvents(query)).events.map((event) => event.data["n"])
}

/** So many milliseconds after `time`. */
function at(time: string, milliseconds: number): string {
  return new Date(Date.parse(time) + milliseconds).toISOString()
}

describe("finding events", () => {
  it.each([
    { query: "project=a", found: [4, 3, 2, 1] },
    { query: "project=a&stage=dev", found: [4, 2, 1] },
    { query: "project=a&service=s", found: [3, 2, 1] },
    { query: "project=a&stage=dev&service=s", found: [2, 1] },
    { query: `project=a&type=${started}`, found: [4, 3, 2] },
    { query: `project=a&type=${started}&stage=prod`, found: [3] },
    { query: "project=a&source=cli", found: [4, 1] },
    { query: `project=a&keptnContext=${context}`, found: [2, 1] },
    { query: `project=a&keptnContext=${context}&type=${triggered}&stage=dev&service=s&source=cli`, found: [1] },
    { query: `keptnContext=${context}`, found: [8, 7, 5, 2, 1] },
    { query: `keptnContext=${context}&type=${triggered}`, found: [5, 1] },
    { query: `keptnContext=${other}`, found: [6, 4, 3] },
    { query: "project=A", found: [] },
    { query: `project=a&type=${started.slice(0, -1)}`, found: [] },
    { query: "project=a&stage=dev%25", found: [] },
    { query: `keptnContext=${crypto.randomUUID()}`, found: [] },
  ])("by ?$query answers $found, newest first", async ({ query, found }) => {
    expect(await names(query)).toEqual(found)
  })

  it.each([
    { query: "", found: [8, 7, 6] },
    { query: `type=${triggered}`, found: [6] },
    { query: "stage=dev", found: [] },
    { query: "source=cli", found: [8, 7, 6] },
    { query: "project=&keptnContext=", found: [8, 7, 6] },
  ])("without a project and a context searches only events of no project: ?$query", async ({ query, found }) => {
    expect(await names(query)).toEqual(found)
  })

  it("takes empty texts for absent ones", async () => {
    expect(await names("project=a&stage=&service=&type=&source=&eventID=&root=&nextPageKey=")).toEqual([4, 3, 2, 1])
  })

  it("ignores parameters that it does not know", async () => {
    expect(await names("project=b&disableUpstreamSync=true&excludeInvalidated=true")).toEqual([5])
  })

  it("finds one event by its id, with and without its project", async () => {
    const { events } = await findEvents("project=a&stage=prod")
    const [event] = events
    expect(await names(`project=a&eventID=${event?.id}`)).toEqual([3])
    expect(await names(`eventID=${event?.id}`)).toEqual([3])
    expect(await names(`project=b&eventID=${event?.id}`)).toEqual([])
    expect(await names(`keptnContext=${context}&eventID=${event?.id}`)).toEqual([])
    expect(await names(`eventID=${crypto.randomUUID()}`)).toEqual([])
  })

  it.each(["true", "1", "false", "x"])("answers root=%s with the first event of each context", async (root) => {
    expect(await names(`keptnContext=${context}&root=${root}`)).toEqual([1])
    expect(await names(`project=a&root=${root}`)).toEqual([3, 1])
    expect(await names(`project=a&root=${root}&type=${started}`)).toEqual([3])
    expect(await names(`project=b&root=${root}`)).toEqual([])
  })

  it("answers application/json", async () => {
    expect((await askEvents("project=a")).headers.get("content-type")).toBe("application/json")
  })
})

describe("finding events by time", () => {
  it("takes both times as exclusive", async () => {
    const shkeptncontext = await sendEvent({})
    const { time } = await onlyEvent(shkeptncontext)
    const number = async (query: string) => (await findEvents(`keptnContext=${shkeptncontext}&${query}`)).events.length
    expect(await number(`fromTime=${time}`)).toBe(0)
    expect(await number(`fromTime=${at(time, -1)}`)).toBe(1)
    expect(await number(`beforeTime=${time}`)).toBe(0)
    expect(await number(`beforeTime=${at(time, 1)}`)).toBe(1)
    expect(await number(`fromTime=${at(time, -1)}&beforeTime=${at(time, 1)}`)).toBe(1)
    expect(await number(`fromTime=${at(time, 1)}&beforeTime=${at(time, 2)}`)).toBe(0)
  })

  it("compares instants, in whatever zone and precision they are written", async () => {
    const shkeptncontext = await sendEvent({})
    const number = async (query: string) => (await findEvents(`keptnContext=${shkeptncontext}&${query}`)).events.length
    const hour = 3_600_000
    const inTwoHours = new Date(Date.now() + 2 * hour).toISOString().slice(0, 19)
    // Two hours ahead on the clock, but in a zone that is five hours ahead: three hours ago.
    expect(await number(`fromTime=${inTwoHours}%2B05:00`)).toBe(1)
    expect(await number(`beforeTime=${inTwoHours}%2B05:00`)).toBe(0)
    expect(await number(`beforeTime=${inTwoHours}Z`)).toBe(1)
    expect(await number("fromTime=2022-03-08T09:45:44.213Z&beforeTime=2042-03-08T09:45:44.213Z")).toBe(1)
  })

  it("combines with the other conditions", async () => {
    expect(await names("project=a&fromTime=2020-01-01T00:00:00.000Z&stage=prod")).toEqual([3])
    expect(await names(`project=a&type=${started}&fromTime=2020-01-01T00:00:00.000Z&root=1`)).toEqual([3])
    expect(await names("project=a&beforeTime=2020-01-01T00:00:00.000Z")).toEqual([])
  })
})
