import { describe, expect, it } from "vitest"
import { findEvents, onlyEvent, postEvent, sampleEvent, sendEvent } from "../../support/events.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("sending an event", () => {
  it("answers 200 with nothing but the context", async () => {
    const response = await postEvent(sampleEvent({ shkeptncontext: "6c1dcd0b-7ca1-4d7c-9d4e-0a1e1e2f3a4b" }))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ keptnContext: "6c1dcd0b-7ca1-4d7c-9d4e-0a1e1e2f3a4b" })
  })

  it("stores what was sent, with an id and a time of the server", async () => {
    const before = Date.now()
    const sent = {
      type: "sh.keptn.event.deployment.finished",
      source: "https://example.com/deployer",
      triggeredid: "a trigger",
      gitcommitid: "0c5ba7f4d7e6b2c0cbd2fd9d0df0b1e60b0f0d36",
      extensions: { traceparent: "00-aa" },
      data: { project: "p", stage: "s", service: "v", labels: { a: "ä" }, deployment: { uris: ["x", 1, null, true] } },
    }
    const context = await sendEvent({ ...sent, id: "mine", time: "2001-01-01T00:00:00Z" })
    const event = await onlyEvent(context)
    expect(event).toEqual({
      ...sent,
      shkeptncontext: context,
      specversion: "1.0",
      contenttype: "application/json",
      id: expect.stringMatching(uuid),
      time: expect.any(String),
    })
    expect(Date.parse(event.time)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(event.time)).toBeLessThanOrEqual(Date.now())
  })

  it("drops attributes that Keptn does not know", async () => {
    const dropped = { shkeptnspecversion: "0.2.4", specversion: "0.3", contenttype: "text/plain", datacontenttype: "x" }
    const event = await onlyEvent(await sendEvent({ ...dropped, dataschema: "x", anything: { else: 1 } }))
    expect(Object.keys(event).toSorted()).toEqual([
      "contenttype",
      "data",
      "id",
      "shkeptncontext",
      "source",
      "specversion",
      "time",
      "type",
    ])
    expect(event).toMatchObject({ specversion: "1.0", contenttype: "application/json" })
  })

  it.each([{ triggeredid: "" }, { gitcommitid: "" }, { triggeredid: null, gitcommitid: null, extensions: null }])(
    "takes empty optional attributes for absent ones: %j",
    async (members) => {
      const event = await onlyEvent(await sendEvent(members))
      expect(event).not.toHaveProperty("triggeredid")
      expect(event).not.toHaveProperty("gitcommitid")
      expect(event).not.toHaveProperty("extensions")
    },
  )

  it.each(["", "http://[broken"])("puts Keptn's own source in the place of %j", async (source) => {
    const event = await onlyEvent(await sendEvent({ source }))
    expect(event.source).toBe("https://github.com/keptn/keptn/api")
  })

  it.each(["shipyard-controller", "https://github.com/keptn/keptn/cli#configuration-change", "urn:x:y", "../a b"])(
    "keeps the source %j",
    async (source) => {
      expect((await onlyEvent(await sendEvent({ source }))).source).toBe(source)
    },
  )

  it.each(["0001-01-01T00:00:00.000Z", "2022-03-08T09:45:44.213+02:00", "", null])(
    "accepts the time %j and replaces it",
    async (time) => {
      const { time: stored } = await onlyEvent(await sendEvent({ time }))
      expect(Math.abs(Date.parse(stored) - Date.now())).toBeLessThan(60_000)
    },
  )

  it("gives each event an id of its own, also when the same is sent twice", async () => {
    const shkeptncontext = crypto.randomUUID()
    await sendEvent({ shkeptncontext, id: "same" })
    await sendEvent({ shkeptncontext, id: "same" })
    const { events } = await findEvents(`keptnContext=${shkeptncontext}`)
    expect(new Set(events.map((event) => event.id)).size).toBe(2)
  })

  it("accepts an event of a project that does not exist", async () => {
    const event = await onlyEvent(await sendEvent({ data: { project: "nowhere", stage: "no", service: "never" } }))
    expect(event.data).toEqual({ project: "nowhere", stage: "no", service: "never" })
  })

  it.each(["application/json", "application/cloudevents+json", "application/json; charset=utf-8"])(
    "accepts the content type %s",
    async (type) => {
      const body = JSON.stringify(sampleEvent())
      const response = await postEvent(undefined, { method: "POST", body, headers: { "content-type": type } })
      expect(response.status).toBe(200)
    },
  )
})

describe("the context of an event", () => {
  it.each([undefined, null, ""])("is a new UUID when %j was sent", async (shkeptncontext) => {
    const first = await sendEvent({ shkeptncontext })
    const second = await sendEvent({ shkeptncontext })
    expect(first).toMatch(uuid)
    expect(second).toMatch(uuid)
    expect(first).not.toBe(second)
  })

  it("is the UUID that was sent", async () => {
    const shkeptncontext = "08735340-6F9E-1b32-07ff-3b6c292bc509"
    expect(await sendEvent({ shkeptncontext })).toBe(shkeptncontext)
  })

  it("is made of another text, always the same, and found by it", async () => {
    const context = await sendEvent({ shkeptncontext: "my-context" })
    expect(context).toBe("6d792d63-6f6e-4465-b874-202020202020")
    expect(await sendEvent({ shkeptncontext: "my-context" })).toBe(context)
    expect((await findEvents(`keptnContext=${context}`)).totalCount).toBe(2)
  })
})
