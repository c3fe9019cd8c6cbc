/** Keptn's rules for events, which an installation may switch on. */
import { beforeAll, describe, expect, it } from "vitest"
import { adminToken } from "../../support/client.ts"
import { edgeWith, type SendToEdge } from "../../support/edge.ts"
import { findEvents, sampleEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"

const place = { project: "p", stage: "dev", service: "v" }
const finished = { ...place, result: "pass", status: "succeeded" }
const PLACE = "mandatory field(s) 'project', 'stage' or 'service' missing"
const MONITORING = "mandatory fields(s) 'project', 'service' or 'type' missing"
const TASK = "sh.keptn.event.deployment"
const SEQUENCE = "sh.keptn.event.dev.delivery"
const triggeredid = "t"

let strict: SendToEdge
let lenient: SendToEdge
beforeAll(() => {
  strict = edgeWith({ eventValidation: true })
  lenient = edgeWith({ eventValidation: false })
})

function post(edge: SendToEdge, body: unknown, type = "application/json"): Promise<Response> {
  const headers = { "x-token": adminToken, "content-type": type }
  return edge("http://eu.api.localhost/api/v1/event", { method: "POST", headers, body: JSON.stringify(body) })
}

function logOf(length: number): Record<string, unknown> {
  return sampleEvent({ type: "sh.keptn.log.error", data: { text: "x".repeat(length) } })
}

const broken: [string, Record<string, unknown>, string][] = [
  ["anything", {}, "unknown event type"],
  ["sh.keptn.event.deployment", {}, "unknown event type"],
  ["sh.keptn.event.a.b.c.triggered", {}, "unknown event type"],
  ["sh.keptn.events.deployment.started", {}, "unknown event type"],
  ["com.keptn.event.deployment.started", {}, "unknown event type"],
  ["sh.keptn.event.monitoring.configure", { data: { project: "p" } }, MONITORING],
  ["sh.keptn.event.monitoring.configure", { data: { type: "prometheus" } }, MONITORING],
  [`${SEQUENCE}.finished`, { data: place }, "unknown event type action: finished"],
  [`${TASK}.status.changed`, { data: place }, "unknown event type action: changed"],
  [`${SEQUENCE}.triggered`, { data: { project: "p", stage: "dev" } }, PLACE],
  [`${SEQUENCE}.triggered`, { data: { ...place, service: "" } }, PLACE],
  [`${SEQUENCE}.triggered`, { data: { ...place, service: 7 } }, PLACE],
  [
    `${SEQUENCE}.triggered`,
    { data: { ...place, stage: "prod" } },
    "stage name in event data and in event type does not match",
  ],
  [`${TASK}.triggered`, { data: place, triggeredid }, "unknown event type action: triggered"],
  [`${TASK}.started`, { data: {}, triggeredid }, PLACE],
  [`${TASK}.started`, { data: place }, "mandatory field 'triggeredid' missing"],
  [`${TASK}.invalidated`, { data: place }, "mandatory field 'triggeredid' missing"],
  [`${TASK}.finished`, { data: finished }, "mandatory field 'triggeredid' missing"],
  [`${TASK}.finished`, { data: place, triggeredid }, "result field is not set"],
  [`${TASK}.finished`, { data: { ...place, result: "pass" }, triggeredid }, "status field is not set"],
]

const kept: [string, Record<string, unknown>][] = [
  ["sh.keptn.log.error", {}],
  ["sh.keptn.events.problem", {}],
  ["sh.keptn.event.monitoring.configure", { data: { project: "p", type: "prometheus" } }],
  [`${SEQUENCE}.triggered`, { data: place }],
  [`${TASK}.started`, { data: place, triggeredid }],
  [`${TASK}.invalidated`, { data: place, triggeredid }],
  [`${TASK}.finished`, { data: finished, triggeredid }],
]

describe("where events are validated", () => {
  it.each(broken)("%s is refused with 400: %j", async (type, members, message) => {
    expect(await failure(await post(strict, sampleEvent({ type, ...members })))).toEqual({
      status: 400,
      code: 400,
      message,
    })
  })

  it.each(kept)("%s is accepted: %j", async (type, members) => {
    expect((await post(strict, sampleEvent({ type, ...members }))).status).toBe(200)
  })

  it("an event of more than 64 KiB is refused with 400", async () => {
    expect((await post(strict, logOf(65_000))).status).toBe(200)
    const message = "the event is larger than 65536 bytes"
    expect(await failure(await post(strict, logOf(65_536)))).toEqual({ status: 400, code: 400, message })
  })

  it("a batch is refused as a whole for one of its events", async () => {
    const shkeptncontext = crypto.randomUUID()
    const good = sampleEvent({ type: "sh.keptn.log.error", shkeptncontext })
    const batch = [good, sampleEvent({ type: "anything" })]
    expect((await post(strict, batch, "application/cloudevents-batch+json")).status).toBe(400)
    expect((await findEvents(`keptnContext=${shkeptncontext}`)).events).toEqual([])
  })
})

describe("where they are not", () => {
  it.each(broken)("%s is accepted: %j", async (type, members) => {
    expect((await post(lenient, sampleEvent({ type, ...members }))).status).toBe(200)
  })
})
