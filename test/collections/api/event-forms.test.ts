/** The forms of events beyond Keptn's own: CloudEvents' binary mode, and batches. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { decodeAttribute } from "../../../src/collections/api/event-forms.ts"
import { send, storageCounts, type TestRequest } from "../../support/client.ts"
import { findEvents, onlyEvent, sampleEvent } from "../../support/events.ts"
import { answer, failure } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { tokenWith } from "../../support/people.ts"

const contextSchema = z.strictObject({ keptnContext: z.guid() })
const contextsSchema = z.strictObject({ keptnContexts: z.array(z.guid()) })

const attributes = { "ce-specversion": "1.0", "ce-type": "sh.keptn.event.dev.delivery.triggered", "ce-source": "test" }

function post(
  body: BodyInit | undefined,
  headers: Record<string, string>,
  request: TestRequest = {},
): Promise<Response> {
  return send("eu", "/api/v1/event", { method: "POST", ...(body !== undefined && { body }), headers, ...request })
}

function postBinary(headers: Record<string, string>, data: unknown = {}): Promise<Response> {
  return post(JSON.stringify(data), { "content-type": "application/json", ...attributes, ...headers })
}

function postBatch(events: unknown, request: TestRequest = {}): Promise<Response> {
  return post(JSON.stringify(events), { "content-type": "application/cloudevents-batch+json" }, request)
}

describe("an event in binary mode", () => {
  it("has its attributes in headers and its data in the body", async () => {
    const data = { project: "p", stage: "s", service: "v", type: "of the data" }
    const headers = {
      "ce-source": "https://example.com/a%20%22b%22/%C3%A4%F0%9F%98%80",
      "ce-shkeptncontext": "08735340-6f9e-4b32-97ff-3b6c292bc509",
      "ce-triggeredid": '"quoted \\"id\\""',
      "ce-gitcommitid": "100%",
      "ce-id": "mine",
      "ce-time": "2020-01-01T00:00:00Z",
      "ce-subject": "dropped",
    }
    const { keptnContext } = await answer(await postBinary(headers, data), contextSchema)
    expect(keptnContext).toBe(headers["ce-shkeptncontext"])
    const event = await onlyEvent(keptnContext)
    expect(event).toEqual({
      data,
      source: 'https://example.com/a "b"/ä😀',
      type: attributes["ce-type"],
      shkeptncontext: keptnContext,
      triggeredid: 'quoted "id"',
      gitcommitid: "100%",
      contenttype: "application/json",
      specversion: "1.0",
      id: expect.any(String),
      time: expect.any(String),
    })
    expect(event.id).not.toBe("mine")
    expect(Math.abs(Date.parse(event.time) - Date.now())).toBeLessThan(60_000)
  })

  it.each([
    ["plain", "plain"],
    ["%41%42", "AB"],
    ["%c3%a4", "ä"],
    ["%2541", "%41"],
    ["50% and %zz", "50% and %zz"],
    ['"a \\\\ \\" b"', 'a \\ " b'],
    ['"%41"', "A"],
    ['"open', '"open'],
    ["", ""],
    ["%ff", null],
    ["%ed%a0%80", null],
    ["a%c3", null],
  ])("has an attribute decoded once: %j", (value, decoded) => {
    expect(decodeAttribute(value)).toBe(decoded)
  })

  it("is refused with 400 when an attribute is not UTF-8", async () => {
    const message = "ce-triggeredid in header is not percent-encoded UTF-8"
    expect(await failure(await postBinary({ "ce-triggeredid": "%ff" }))).toEqual({ status: 400, code: 400, message })
  })

  it.each([
    [{ "content-type": "application/json", "ce-specversion": "1.0" }, "{}", "ce-source in header is required"],
    [
      { "content-type": "application/json", "ce-specversion": "1.0", "ce-source": "s" },
      "{}",
      "ce-type in header is required",
    ],
    [{ "content-type": "application/json", ...attributes, "ce-type": "" }, "{}", "ce-type in header is required"],
    [{ "content-type": "application/json", ...attributes }, "null", "data in body is required"],
    [{ "content-type": "application/json", ...attributes }, undefined, "data in body is required"],
  ])("is refused with 422 when something is missing: %j %j", async (headers, body, message) => {
    expect(await failure(await post(body, headers))).toEqual({ status: 422, code: 602, message })
  })

  it.each(["[1]", '"text"', "1", "true"])("is refused with 422 when its data is %s", async (body) => {
    const refused = await failure(await post(body, { "content-type": "application/json", ...attributes }))
    expect(refused).toEqual({ status: 422, code: 601, message: "data in body must be of type object" })
  })

  it("is refused with 400 for a time that is none", async () => {
    const message = 'ce-time in header must be a date-time, not "soon"'
    expect(await failure(await postBinary({ "ce-time": "soon" }))).toEqual({ status: 400, code: 400, message })
  })

  it.each(["text/plain", "application/octet-stream", "application/xml"])("is refused with 415 for %s", async (type) => {
    expect((await post("{}", { ...attributes, "content-type": type })).status).toBe(415)
  })

  it("is told from the others by ce-specversion: without it the body is the whole event", async () => {
    const headers = { "content-type": "application/json", "ce-type": "ignored", "ce-source": "ignored" }
    const { keptnContext } = await answer(await post(JSON.stringify(sampleEvent()), headers), contextSchema)
    expect((await onlyEvent(keptnContext)).source).toBe("test")
    const structured = { ...attributes, "ce-source": "ignored", "content-type": "application/cloudevents+json" }
    const other = await answer(await post(JSON.stringify(sampleEvent()), structured), contextSchema)
    expect((await onlyEvent(other.keptnContext)).source).toBe("test")
  })

  it("needs the same roles as any other", async () => {
    const token = await tokenWith({ roleName: "Integration", entityId: "p" })
    const headers = { "content-type": "application/json", ...attributes }
    expect((await post('{"project":"p"}', headers, { token })).status).toBe(403)
    const report = { ...headers, "ce-type": "sh.keptn.event.test.started" }
    expect((await post('{"project":"p"}', report, { token })).status).toBe(200)
    expect((await post('{"project":"q"}', report, { token })).status).toBe(404)
  })
})

describe("a batch of events", () => {
  it("is stored in one trip, and answers the contexts in their order", async () => {
    const token = await knownToken()
    const events = Array.from({ length: 100 }, (_, n) =>
      sampleEvent({ shkeptncontext: `batch-${String(n).padStart(3, "0")}-abcdef`, data: { n } }),
    )
    const response = await postBatch(events, { token })
    expect(storageCounts(response).trips).toBe(1)
    const { keptnContexts } = await answer(response, contextsSchema)
    expect(new Set(keptnContexts).size).toBe(100)
    for (const n of [0, 42, 99]) expect((await onlyEvent(keptnContexts[n] ?? "")).data).toEqual({ n })
  })

  it("may be empty", async () => {
    expect(await answer(await postBatch([]), contextsSchema)).toEqual({ keptnContexts: [] })
  })

  it("may have several events of one context: the first one is its root", async () => {
    const shkeptncontext = crypto.randomUUID()
    const of = (type: string) => sampleEvent({ shkeptncontext, type, data: { project: "rooted" } })
    const { keptnContexts } = await answer(await postBatch([of("a.first"), of("b.second")]), contextsSchema)
    expect(keptnContexts).toEqual([shkeptncontext, shkeptncontext])
    const { events } = await findEvents("project=rooted&root=true")
    expect(events.map(({ type }) => type)).toEqual(["a.first"])
  })

  it.each([
    [{ data: {} }, 601, "body in body must be of type array"],
    ["text", 601, "body in body must be of type array"],
    [null, 602, "body in body is required"],
    [Array.from({ length: 101 }, () => sampleEvent()), 611, "body in body should have at most 100 items"],
    [[sampleEvent(), { source: "s", type: "t" }], 602, "1.data in body is required"],
    [[sampleEvent(), 7], 601, "1.body in body must be of type object"],
    [[sampleEvent({ type: 7 }), 7], 601, "0.type in body must be of type string"],
  ])("is refused with 422: %#", async (sent, code, message) => {
    expect(await failure(await postBatch(sent))).toEqual({ status: 422, code, message })
  })

  it("is refused as a whole when one event is wrong", async () => {
    const shkeptncontext = crypto.randomUUID()
    const good = sampleEvent({ shkeptncontext })
    for (const [bad, status] of [
      [sampleEvent({ time: "soon" }), 400],
      [sampleEvent({ source: null }), 422],
      [sampleEvent({ data: { text: "x".repeat(1_000_000) } }), 413],
    ] as const) {
      expect((await postBatch([good, bad])).status).toBe(status)
    }
    expect((await findEvents(`keptnContext=${shkeptncontext}`)).events).toEqual([])
  })

  it("needs the role of every event: 403 or 404, and nothing is stored", async () => {
    const shkeptncontext = crypto.randomUUID()
    const token = await tokenWith({ roleName: "Contributor", entityId: "p" }, { roleName: "Viewer", entityId: "q" })
    const of = (project: string) => sampleEvent({ shkeptncontext, data: { project } })
    expect((await postBatch([of("p"), of("q")], { token })).status).toBe(403)
    expect((await postBatch([of("p"), of("r")], { token })).status).toBe(404)
    expect((await postBatch([of("p"), sampleEvent()], { token })).status).toBe(403)
    expect((await findEvents(`keptnContext=${shkeptncontext}`)).events).toEqual([])
    expect((await postBatch([of("p"), of("p")], { token })).status).toBe(200)
  })
})

describe("the content type of an event", () => {
  it.each([
    "application/json",
    "Application/JSON",
    "application/json;charset=UTF-8",
    "application/cloudevents+json",
    "application/cloudevents+json; charset=utf-8",
    " application/json ; x=y",
  ])("may be %j", async (type) => {
    expect((await post(JSON.stringify(sampleEvent()), { "content-type": type })).status).toBe(200)
  })

  it.each(["application/ld+json", "text/json", "json", "application/jsonx", "application/cloudevents", ""])(
    "cannot be %j: 415 names those it can be",
    async (type) => {
      const body = new TextEncoder().encode(JSON.stringify(sampleEvent()))
      const refused = await failure(await post(body, { "content-type": type }))
      expect(refused).toEqual({
        status: 415,
        code: 415,
        message: `unsupported media type "${type}", only [application/json application/cloudevents+json application/cloudevents-batch+json] are allowed`,
      })
    },
  )

  it.each(["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "text/plain"])(
    "does not matter without a body: 400 for %s",
    async (type) => {
      const message = "Invalid request format: there is no body"
      expect(await failure(await post(undefined, { "content-type": type }))).toEqual({
        status: 400,
        code: 400,
        message,
      })
    },
  )

  it("need not be there without a body: 400", async () => {
    expect((await post(undefined, {})).status).toBe(400)
  })
})
