import { describe, expect, it } from "vitest"
import { postEvent, sampleEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"

const type = "sh.keptn.event.dev.delivery.triggered"

describe("an event that is not complete", () => {
  it.each([
    { sent: {}, message: "data in body is required" },
    { sent: { source: "s", type }, message: "data in body is required" },
    { sent: { data: null, source: "s", type }, message: "data in body is required" },
    { sent: { type }, message: "data in body is required" },
    { sent: { data: {} }, message: "source in body is required" },
    { sent: { data: {}, type }, message: "source in body is required" },
    { sent: { data: {}, source: null, type }, message: "source in body is required" },
    { sent: { data: {}, source: "" }, message: "type in body is required" },
    { sent: { data: {}, source: "s", type: "" }, message: "type in body is required" },
    { sent: { data: {}, source: "s", type: null }, message: "type in body is required" },
  ])("answers 422 with code 602 and the first thing that is missing: $sent", async ({ sent, message }) => {
    expect(await failure(await postEvent(sent))).toEqual({ status: 422, code: 602, message })
  })

  it.each([
    { sent: { data: "text", source: "s", type }, field: "data" },
    { sent: { data: [1], source: "s", type }, field: "data" },
    { sent: { data: {}, source: 7, type }, field: "source" },
    { sent: { data: {}, source: "s", type: {} }, field: "type" },
    { sent: { data: {}, source: "s", type, shkeptncontext: 7 }, field: "shkeptncontext" },
    { sent: { data: {}, source: "s", type, triggeredid: true }, field: "triggeredid" },
    { sent: [], field: "body" },
    { sent: "text", field: "body" },
  ])("answers 422 with code 601 for a wrong type: $sent", async ({ sent, field }) => {
    const { status, code, message } = await failure(await postEvent(sent))
    expect({ status, code }).toEqual({ status: 422, code: 601 })
    expect(message).toMatch(new RegExp(`^${field} in body must be of type `))
  })

  it("answers 400 for a time that is none", async () => {
    const refused = await failure(await postEvent(sampleEvent({ time: "yesterday" })))
    expect(refused).toEqual({
      status: 400,
      code: 400,
      message: 'time in body must be a date-time, not "yesterday"',
    })
  })
})

describe("a body that is no JSON", () => {
  const headers = { "content-type": "application/json" }

  it.each(["{", "{'data':{}}", "data=1", '{"data":{}} trailing'])("answers 400 for %j", async (body) => {
    const refused = await failure(await postEvent(undefined, { method: "POST", body, headers }))
    expect(refused).toEqual({
      status: 400,
      code: 400,
      message: "Invalid request format: the body is not valid JSON",
    })
  })

  it("answers 400 when there is none", async () => {
    const refused = await failure(await postEvent(undefined, { method: "POST", headers }))
    expect(refused).toMatchObject({ status: 400, code: 400 })
  })

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x"])(
    "answers 415 when it is declared as %s",
    async (contentType) => {
      const request = { method: "POST", body: JSON.stringify(sampleEvent()), headers: { "content-type": contentType } }
      expect(await failure(await postEvent(undefined, request))).toMatchObject({ status: 415, code: 415 })
    },
  )

  it("answers 415 when a body is not declared at all", async () => {
    // Text would be sent with a content type of its own; bytes have none.
    const body = new TextEncoder().encode(JSON.stringify(sampleEvent()))
    const refused = await failure(await postEvent(undefined, { method: "POST", body }))
    expect(refused).toMatchObject({ status: 415, code: 415 })
  })
})

describe("the size of an event", () => {
  it("may be large: 200", async () => {
    const response = await postEvent(sampleEvent({ data: { text: "x".repeat(900_000) } }))
    expect(response.status).toBe(200)
  })

  it("answers 413 beyond a million bytes and says what to do", async () => {
    const refused = await failure(await postEvent(sampleEvent({ data: { text: "x".repeat(1_000_000) } })))
    expect(refused).toMatchObject({ status: 413, code: 413 })
    expect(refused.message).toContain("1000000 bytes")
    expect(refused.message).toContain("resource")
  })

  it("is counted in bytes, not in characters: 413", async () => {
    const response = await postEvent(sampleEvent({ data: { text: "ä".repeat(600_000) } }))
    expect(response.status).toBe(413)
  })
})

it("answers 405 for methods other than POST", async () => {
  const response = await postEvent(undefined, { method: "GET" })
  expect(response.status).toBe(405)
  expect(response.headers.get("allow")).toContain("POST")
})
