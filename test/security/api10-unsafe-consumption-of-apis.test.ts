/**
 * OWASP API10:2023. Origins are not trusted either: what they answer is bounded, and passes no further than it may. Answers that break off
 * are in test/outside/proxy/failures.test.ts.
 */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { adminToken } from "../support/client.ts"
import { captureLog } from "../support/log.ts"
import { edgeBefore, ORIGIN_SECRET, originThat } from "../support/origin.ts"

const WITH_DOCUMENT = { prefix: "/up", role: "none", document: "/openapi.json" }
const DOCUMENT_PATH = "/api/openapi/origin-up.json"
const head = 'openapi: 3.1.0\ninfo: { title: t, version: "1" }\npaths: {}\n'

/** A body that never ends, in pieces of this size. */
function endless(size: number): ReadableStream {
  return new ReadableStream({ type: "bytes", pull: (to) => to.enqueue(new Uint8Array(size).fill(32)) })
}

function documentOf(text: string | ReadableStream, headers: Record<string, string> = {}) {
  const requests = originThat(() => new Response(text, { headers }))
  const edge = edgeBefore(WITH_DOCUMENT)
  return { requests, edge, read: () => edge(DOCUMENT_PATH, { token: null }) }
}

describe("a document of an origin that is made to do harm is refused with 502, and the page stands", () => {
  const levels = "abcdefghij".split("")
  const bomb = levels
    .map(
      (name, at) =>
        `${name}: &${name} [${Array(9)
          .fill(at === 0 ? "x" : `*${levels[at - 1]}`)
          .join(", ")}]`,
    )
    .join("\n")

  it.each([
    ["an alias bomb", `${head}${bomb}`],
    ["more aliases than anybody needs", `${head}a: &a x\nb: [${Array(101).fill("*a").join(", ")}]`],
    ["lists in lists", "- ".repeat(20_000)],
    ["objects in objects", '{"a":'.repeat(200_000)],
    ["a page", "<!doctype html><script>alert(1)</script>"],
    ["nothing", ""],
    ["no object", "[]"],
    ["another version", '{"openapi":"2.0","info":{},"paths":{}}'],
    ["paths that are texts", '{"openapi":"3.1.0","info":{},"paths":{"/a":"b"}}'],
    ["operations that are texts", '{"openapi":"3.1.0","info":{},"paths":{"/a":{"get":"b"}}}'],
    ["more than two mebibytes", `${head}a: ${"x".repeat(2 * 1024 * 1024)}`],
  ])("%s", async (_, text) => {
    const { edge, read, requests } = documentOf(text)
    const response = await read()
    expect(response.status).toBe(502)
    expect(await response.text()).not.toContain("origin.example")
    expect((await edge("/api", { token: null })).status).toBe(200)
    // It is not asked for again by whoever asks next: nobody without a token makes the origin work.
    expect((await read()).status).toBe(502)
    expect(requests).toHaveLength(1)
  })

  it("one without an end", async () => {
    expect((await documentOf(endless(65_536)).read()).status).toBe(502)
  })
})

describe("a document of an origin", () => {
  it("brings neither its headers nor its prototype along, and is not taken for a page", async () => {
    const text = `{"openapi":"3.1.0","info":{"title":"<script>"},"paths":{"__proto__":{"get":{}}},"__proto__":{"polluted":1}}`
    const headers = { "set-cookie": "a=b", "access-control-allow-origin": "*", "content-type": "text/html" }
    const response = await documentOf(text, headers).read()
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("application/json")
    for (const name of ["set-cookie", "access-control-allow-origin"]) expect(response.headers.has(name)).toBe(false)
    expect(response.headers.get("x-content-type-options")).toBe("nosniff")
    const plain: Record<string, unknown> = {}
    expect(plain["polluted"]).toBeUndefined()
  })

  it("with a name that is markup does not become markup on the page", async () => {
    const { edge } = documentOf('{"openapi":"3.1.0","info":{"title":"<img src=x onerror=alert(1)>"},"paths":{}}')
    expect(await (await edge("/api", { token: null })).text()).not.toContain("onerror")
  })
})

describe("an answer of an origin", () => {
  const upstream = { prefix: "/up", role: "none", max_response_bytes: 1000, max_header_bytes: 2000 }

  it.each([
    [
      "longer than allowed, as it says",
      () => new Response("x".repeat(1001), { headers: { "content-length": "1001" } }),
    ],
    ["with more headers than allowed", () => new Response("", { headers: { "x-long": "x".repeat(2000) } })],
    [
      "with more small headers than allowed",
      () => new Response("", { headers: Array.from({ length: 200 }, (_, n): [string, string] => [`x-${n}`, "12345"]) }),
    ],
    ["that is an error of the network", () => Response.error()],
  ])("%s is refused with 502, which does not name the origin", async (_, answer) => {
    originThat(answer)
    const response = await edgeBefore(upstream)("/up/x", { method: "POST" })
    expect(response.status).toBe(502)
    expect(await response.text()).not.toContain("origin.example")
  })

  it("sets no cookie, no id of the request, and nothing that browsers keep about this host", async () => {
    originThat(
      () =>
        new Response("", {
          headers: {
            "set-cookie": "session=stolen; Domain=api.localhost",
            "x-request-id": "forged",
            "strict-transport-security": "max-age=0",
            "alt-svc": 'h3="evil.example:443"',
          },
        }),
    )
    const response = await edgeBefore(upstream)("/up/x")
    for (const name of ["set-cookie", "alt-svc", "strict-transport-security"]) {
      expect([name, response.headers.has(name)]).toEqual([name, false])
    }
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/)
  })

  it("that tells what it was sent tells no token of ours, and the log neither that nor the credential", async () => {
    const lines = captureLog()
    originThat((request) => Response.json(Object.fromEntries(request.headers)))
    const settings = { ...upstream, credential: { header: "x-token", secret: "ORIGIN_SECRET" }, max_response_bytes: 0 }
    const headers = {
      authorization: `Bearer ${adminToken}`,
      cookie: `x-token=${adminToken}`,
      connection: "x-request-id, via",
    }
    const response = await edgeBefore(settings)(`/up/x`, { headers })
    const told = z.record(z.string(), z.string()).parse(await response.json())
    expect(told["x-token"]).toBe(ORIGIN_SECRET)
    expect(JSON.stringify(told)).not.toContain(adminToken)
    expect(told["x-request-id"]).toBe(response.headers.get("x-request-id"))
    for (const { text } of lines) {
      for (const secret of [adminToken, ORIGIN_SECRET]) expect(text).not.toContain(secret)
    }
  })
})
