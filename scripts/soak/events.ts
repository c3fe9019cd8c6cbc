/** Events: sent one by one and in batches, found by context, page by page, exported, counted. */
import { z } from "zod"
import { check, checkSame, type Client, Fault, jsonOf } from "./client.ts"
import type { Project, SentEvent, Turn } from "./model.ts"
import { bytesOf } from "./random.ts"

const MOST_IN_A_BATCH = 10
const PAGE = 10
/** Of which the events are counted; there is none of that name. */
const SERVICE = "carts"
const SOURCE = "soak-writer-"
const DATASTORE = "/api/mongodb-datastore/event"
const BATCH = { "content-type": "application/cloudevents-batch+json" }

const eventShape = z.object({
  shkeptncontext: z.string(),
  type: z.string(),
  source: z.string(),
  data: z.record(z.string(), z.unknown()),
})
const pageShape = z.object({ events: z.array(eventShape), nextPageKey: z.string().optional() })
const oneContext = z.object({ keptnContext: z.string() })
const contexts = z.object({ keptnContexts: z.array(z.string()) })
const count = z.object({ type: z.string(), count: z.number() })
const service = z.object({ name: z.string(), events: z.array(count) })
const statistics = z.object({ projects: z.array(z.object({ name: z.string(), services: z.array(service) })) })

type StoredEvent = z.infer<typeof eventShape>

/** Sends one event, or several at once. */
export async function send(turn: Turn): Promise<void> {
  const { client, project, random, share, writer } = turn
  const isBatch = random.chance(0.25)
  const drafts = Array.from({ length: isBatch ? 2 + random.below(MOST_IN_A_BATCH - 1) : 1 }, () => ({
    serial: writer.serial(),
    size: random.below(random.chance(0.05) ? 20_000 : 500),
  }))
  const events = drafts.map((draft) => ({
    specversion: "1.0",
    id: draft.serial,
    type: typeOf(writer.index),
    source: sourceOf(writer.index),
    data: dataOf(project, draft),
  }))
  const where = { host: project.region, method: "POST", path: "/api/v1/event" }
  const ask = isBatch
    ? { ...where, kind: "send a batch of events", headers: BATCH, bytes: Buffer.from(JSON.stringify(events)) }
    : { ...where, kind: "send an event", json: events[0] }
  const answer = await client.change(ask, 200)
  project.changes += drafts.length
  if (answer === null) return settle(turn, drafts)
  const given = isBatch ? jsonOf(answer, contexts).keptnContexts : [jsonOf(answer, oneContext).keptnContext]
  checkSame(given.length, drafts.length, answer.what)
  share.events.push(...drafts.map((draft, index) => ({ ...draft, context: given[index] ?? "" })))
}

/** Finds one of the writer's events by its context. */
export async function findOne(turn: Turn): Promise<void> {
  const event = turn.random.pick(turn.share.events)
  if (!event) return send(turn)
  const path = `${DATASTORE}?keptnContext=${event.context}`
  const answer = await turn.client.read({ kind: "find an event", host: turn.project.region, path }, 200)
  const { events } = jsonOf(answer, pageShape)
  checkSame(
    events.map(({ data }) => data),
    [dataOf(turn.project, event)],
    answer.what,
  )
}

/** Reads all of the writer's events, page by page. */
export async function pages(turn: Turn): Promise<void> {
  const found = await readPages(turn)
  checkSame(
    found.map(serialOf).toReversed(),
    turn.share.events.map(({ serial }) => serial),
    `the pages of ${turn.project.name}`,
  )
}

/** Exports a project's events, with those of others who go on sending. */
export async function exportOwn(turn: Turn): Promise<void> {
  const found = await exported(turn.client, turn.project)
  checkExported(turn.project, found, turn.writer.index, turn.share.events)
}

/** All events of a project, the oldest first. */
async function exported(client: Client, { name, region }: Project): Promise<StoredEvent[]> {
  const path = `${DATASTORE}/export?project=${name}`
  const answer = await client.read({ kind: "export events", host: region, path }, 200)
  const lines = answer.bytes.toString().split("\n").filter(Boolean)
  return lines.map((line) => jsonOf({ ...answer, bytes: Buffer.from(line) }, eventShape))
}

/** Fails unless a project, which nobody may change meanwhile, has exactly the events that were acknowledged. */
export async function verifyEvents(client: Client, project: Project): Promise<void> {
  const found = await exported(client, project)
  for (const [writer, { events }] of project.shares) checkExported(project, found, writer, events)
  const sent = [...project.shares.values()].reduce((sum, { events }) => sum + events.length, 0)
  const ours = found.filter(({ source }) => source.startsWith(SOURCE)).length
  checkSame(ours, sent, `the number of events of ${project.region} ${project.name}`)
}

/** Fails unless an export has exactly these events of a writer, in their order. */
function checkExported(
  project: Project,
  found: readonly StoredEvent[],
  writer: number,
  events: readonly SentEvent[],
): void {
  checkSame(
    found.filter(({ source }) => source === sourceOf(writer)).map(({ data }) => data),
    events.map((event) => dataOf(project, event)),
    `the events of writer ${writer} in the export of ${project.region} ${project.name}`,
  )
}

/** Asks for the statistics, which must have counted each of the writer's events once. */
export async function countOwn(turn: Turn): Promise<void> {
  const expected = turn.share.events.length
  if (expected === 0) return send(turn)
  const path = "/api/statistics/v1/statistics?from=0"
  const answer = await turn.client.read({ kind: "statistics", host: turn.project.region, path }, 200)
  const project = jsonOf(answer, statistics).projects.find(({ name }) => name === turn.project.name)
  const carts = project?.services.find(({ name }) => name === SERVICE)
  const found = carts?.events.find(({ type }) => type === typeOf(turn.writer.index))?.count
  checkSame(found, expected, `the events of writer ${turn.writer.index} in the statistics of ${turn.project.name}`)
}

async function readPages({ client, project, writer }: Turn): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  let key: string | undefined
  do {
    const source = encodeURIComponent(sourceOf(writer.index))
    const query = `project=${project.name}&source=${source}&pageSize=${PAGE}${key === undefined ? "" : `&nextPageKey=${key}`}`
    const answer = await client.read(
      { kind: "a page of events", host: project.region, path: `${DATASTORE}?${query}` },
      200,
    )
    const page = jsonOf(answer, pageShape)
    found.push(...page.events)
    key = page.nextPageKey === "0" ? undefined : page.nextPageKey
  } while (key !== undefined)
  return found
}

/** Looks whether events whose answer was lost were stored: all of a batch, or none. */
async function settle(turn: Turn, drafts: readonly Omit<SentEvent, "context">[]): Promise<void> {
  const stored = new Map((await readPages(turn)).map((event) => [serialOf(event), event.shkeptncontext]))
  const found = drafts.flatMap((draft) => {
    const context = stored.get(draft.serial)
    return context === undefined ? [] : [{ ...draft, context }]
  })
  check(
    found.length === 0 || found.length === drafts.length,
    `${turn.project.region} ${turn.project.name}: ${found.length} of a batch of ${drafts.length} events were stored`,
  )
  turn.share.events.push(...found)
}

function typeOf(writer: number): string {
  return `sh.keptn.event.soak-${writer}.triggered`
}

function sourceOf(writer: number): string {
  return `${SOURCE}${writer}`
}

function dataOf({ name }: Project, { serial, size }: Omit<SentEvent, "context">): Record<string, string> {
  const text = bytesOf({ name: serial, size }).toString("base64")
  return { project: name, stage: "dev", service: SERVICE, serial, text }
}

function serialOf({ data }: StoredEvent): string {
  const serial = data["serial"]
  if (typeof serial !== "string") throw new Fault(`an event without its serial: ${JSON.stringify(data)}`)
  return serial
}
