/** Bodies have a largest size. It is checked before the token is, and before anything is parsed. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { adminToken, send } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { captureLog } from "../support/log.ts"

const LIMIT = Number(env.MAX_BODY_BYTES)
const small = edgeWith({ maxBodyBytes: 1000 })
const EVENT = "http://eu.api.localhost/api/v1/event"

function eventWith(filler: string): string {
  return JSON.stringify({ data: { filler }, source: "test", type: "sh.keptn.event.test" })
}

/** An event whose JSON has exactly this many bytes. */
function eventOf(bytes: number): string {
  return eventWith("x".repeat(bytes - eventWith("").length))
}

/** A body in pieces, whose length is not known when it is sent. */
function chunked(text: string, size = 64): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let offset = 0
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(offset, offset + size))
      offset += size
    },
  })
}

function post(body: BodyInit, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", body, headers: { "content-type": "application/json", "x-token": adminToken, ...headers } }
}

describe("the limit of the deployment", () => {
  it("is 5 MiB", () => {
    expect(LIMIT).toBe(5 * 1024 * 1024)
  })

  it("refuses a body of one byte more with 413, in Keptn's dialect", async () => {
    const response = await send("eu", "/api/v1/event", { body: "x".repeat(LIMIT + 1) })
    expect(response.status).toBe(413)
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await response.json()).toEqual({ code: 413, message: `the body is larger than ${LIMIT} bytes` })
  })

  it("refuses a body of one byte more with 413, in a problem document", async () => {
    const response = await send("global", "/v3/users/me", { method: "PATCH", body: "x".repeat(LIMIT + 1) })
    expect(response.status).toBe(413)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toMatchObject({ status: 413, title: "Payload Too Large" })
  })

  it("lets a body of just that size through to its handler", async () => {
    const content = "A".repeat(LIMIT)
    const response = await send("eu", "/api/controlPlane/v1/project", { body: content })
    expect(await response.json()).toEqual({
      code: 400,
      message: "Invalid request format: the body is not valid JSON",
    })
  })
})

describe.each([
  ["of known length", (text: string): BodyInit => text],
  ["that is chunked", (text: string): BodyInit => chunked(text)],
])("a body %s", (_, body) => {
  it("that is as large as allowed is accepted whole with 200", async () => {
    expect((await small(EVENT, post(body(eventOf(1000))))).status).toBe(200)
  })

  it("that is one byte larger is refused with 413", async () => {
    const response = await small(EVENT, post(body(eventOf(1001))))
    expect(response.status).toBe(413)
    expect(await response.json()).toEqual({ code: 413, message: "the body is larger than 1000 bytes" })
  })

  it("that is larger and no JSON is refused with 413: it is not parsed", async () => {
    expect((await small(EVENT, post(body("{".repeat(1001))))).status).toBe(413)
  })

  it.each(["", "wrong", "kpat_malformed"])(
    "that is larger is refused with 413 before the token %j is",
    async (token) => {
      const lines = captureLog()
      expect((await small(EVENT, post(body(eventOf(1001)), { "x-token": token }))).status).toBe(413)
      expect(lines.map(({ fields }) => [fields["status"], fields["refusal"]])).toEqual([[413, undefined]])
    },
  )

  it("that is larger is refused with 413 where no route is, too", async () => {
    expect((await small("http://eu.api.localhost/api/nowhere", post(body(eventOf(1001))))).status).toBe(413)
  })
})

describe("a chunked body", () => {
  it("is read no further than the limit", async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 100
        controller.enqueue(new Uint8Array(100))
      },
    })
    expect((await small(EVENT, post(endless))).status).toBe(413)
    expect(sent).toBeLessThan(2000)
  })

  it("is measured, whatever a content-length beside it says: 413", async () => {
    const headers = { "content-length": "10", "transfer-encoding": "chunked" }
    expect((await small(EVENT, post(chunked(eventOf(1001)), headers))).status).toBe(413)
  })
})
