/**
 * Requests that two readers may understand in two ways. Each is sent as it stands here, on a socket; each has its exact answer, and the
 * origin, which reads strictly, gets nothing or one well-formed request for the expected address. A canary listens where the others would
 * lead: nothing ever connects to it.
 */
import { once } from "node:events"
import { createServer } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { StartedEdge } from "../edge.ts"
import { askRaw, endProxy, hostOf, startProxy } from "./edge.ts"
import { Origin, portOf } from "./origins.ts"

let edge: StartedEdge
let origin: Origin
let canaryConnections = 0
const canary = createServer((socket) => {
  canaryConnections += 1
  socket.destroy()
})

beforeAll(async () => {
  origin = await Origin.start()
  canary.listen(0, "127.0.0.1")
  await once(canary, "listening")
  const at = { origin: origin.url, allow_plain_http: true, role: "none", circuit: { failures: 1000 } }
  edge = await startProxy([
    { ...at, prefix: "/p" },
    { ...at, prefix: "/p/admin", origin: `${origin.url}/inner` },
    { ...at, prefix: "/s", strip_prefix: true },
    { ...at, collection: "resource-service" },
  ])
})

afterAll(async () => {
  await endProxy(edge)
  await origin.stop()
  canary.close()
})

beforeEach(() => origin.forget())

/** In the texts below what stands in braces is known only when they are sent. */
function filled(text: string): string {
  return text
    .replaceAll("{host}", hostOf(edge))
    .replaceAll("{token}", edge.token)
    .replaceAll("{canary}", `127.0.0.1:${portOf(canary)}`)
}

const KNOWN = "Host: {host}\r\nX-Token: {token}\r\n"
const SMUGGLED = `GET /p/smuggled HTTP/1.1\r\n${KNOWN}\r\n`

function get(target: string, lines = KNOWN): string {
  return `GET ${target} HTTP/1.1\r\n${lines}\r\n`
}

function post(lines: string, body: string): string {
  return `POST /p/x HTTP/1.1\r\n${KNOWN}${lines}\r\n${body}`
}

/** What the client is answered, and what the origin gets: the address, and behind a blank the body. */
type Case = readonly [name: string, text: string, status: number | null, seen?: string]

interface NamedCase {
  name: string
  text: string
  status: number | null
  seen: string | undefined
}

function named(cases: readonly Case[]): NamedCase[] {
  return cases.map(([name, text, status, seen]) => ({ name, text, status, seen }))
}

async function check({ text, status, seen }: NamedCase): Promise<void> {
  const answer = await askRaw(edge, filled(text))
  const statuses = [...answer.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, code]) => Number(code))
  expect(statuses).toEqual(status === null ? [] : [status])
  expect(origin.faults).toEqual([])
  const arrived = await Promise.all(
    origin.exchanges.map(async ({ target, body }) => `${target} ${(await body).toString("latin1")}`.trimEnd()),
  )
  expect(arrived).toEqual(seen === undefined ? [] : [filled(seen).trimEnd()])
  // What workerd refuses by itself is known nowhere else: nothing more can be on the wire than what was read.
  expect(origin.connections.every(({ chunks }) => chunks.length > 0)).toBe(true)
  expect(canaryConnections).toBe(0)
}

describe("the end of a request", () => {
  const chunked = "Transfer-Encoding: chunked\r\n"
  const hello = "5\r\nhello\r\n0\r\n\r\n"
  const cases: readonly Case[] = [
    [
      "length and chunks: the chunks count, and the connection ends",
      post(`Content-Length: 5\r\n${chunked}`, `0\r\n\r\n${SMUGGLED}`),
      200,
      "/p/x",
    ],
    [
      "chunks and length",
      post(`${chunked}Content-Length: 4\r\n`, `5c\r\n${"x".repeat(0x5c)}\r\n0\r\n\r\n${SMUGGLED}`),
      200,
      `/p/x ${"x".repeat(0x5c)}`,
    ],
    ["the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 200, "/p/x hello"],
    ["two lengths", post("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"), 400],
    ["a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400],
    ["a length with a plus", post("Content-Length: +5\r\n", "hello"), 400],
    ["a negative length", post("Content-Length: -1\r\n", "hello"), 400],
    ["a length in hexadecimal", post("Content-Length: 0x5\r\n", "hello"), 400],
    ["a length with a blank", post("Content-Length: 5 5\r\n", "hello"), 400],
    ["no length behind its name", post("Content-Length:\r\n", "hello"), 400],
    ["a length that overflows", post("Content-Length: 99999999999999999999\r\n", "hello"), 400],
    ["a blank behind a name", post("Content-Length : 5\r\n", "hello"), 400],
    ["an identity coding", post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 400],
    ["an unknown coding", post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", "hello"), 400],
    ["a quoted coding", post('Transfer-Encoding: "chunked"\r\nContent-Length: 5\r\n', "0\r\n\r\nX"), 400],
    [
      "a coding behind a vertical tab",
      post("Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n", "0\r\n\r\nX"),
      400,
    ],
    ["a coding with a comma", post("Transfer-Encoding: chunked,\r\nContent-Length: 5\r\n", "0\r\n\r\nX"), 400],
    ["two codings", post(`${chunked}Transfer-Encoding: identity\r\n`, hello), 400],
    ["a coding on a folded line", post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", "0\r\n\r\nX"), 400],
    [
      "a blank behind the coding's name",
      post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", "0\r\n\r\nX"),
      400,
    ],
    ["a coding in capitals", post("Transfer-Encoding: CHUNKED\r\n", hello), 200, "/p/x hello"],
    ["a coding behind a tab", post("Transfer-Encoding:\tchunked\r\n", hello), 200, "/p/x hello"],
    ["chunks in HTTP/1.0", post(chunked, hello).replace("HTTP/1.1", "HTTP/1.0"), 400],
    ["extensions of chunks", post(chunked, "5;a=b\r\nhello\r\n0;c\r\n\r\n"), 200, "/p/x hello"],
    ["leading zeros in a size", post(chunked, "0005\r\nhello\r\n000\r\n\r\n"), 200, "/p/x hello"],
    ["a GET with a body", `${get("/p/x", `${KNOWN}Content-Length: 28\r\n`)}GET /p/smuggled HTTP/1.1\r\n\r\n`, 400],
    ["a GET with chunks", `${get("/p/x", `${KNOWN}${chunked}`)}0\r\n\r\n`, 400],
    ["a HEAD with a body", `${get("/p/x", `${KNOWN}Content-Length: 5\r\n`).replace("GET", "HEAD")}hello`, 400],
  ]
  test.each(named(cases))("$name", check)

  // The edge has sent the head by then, or not: what matters is that no origin takes the part for the whole.
  test.each([
    ["a line feed in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"],
    ["a negative size", "-5\r\nhello\r\n0\r\n\r\n"],
    ["a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
    ["a size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
    ["line feeds only", "5\nhello\n0\n\n"],
    ["no end behind the data", `5\r\nhello0\r\n\r\n${SMUGGLED}`],
    ["no size", "zz\r\nhello\r\n0\r\n\r\n"],
    ["more data than its size", `5\r\nhello world\r\n0\r\n\r\n${SMUGGLED}`],
    ["an underscore", "0_5\r\nhello\r\n0\r\n\r\n"],
    ["an empty line first", "\r\n0\r\n\r\n"],
    ["nothing behind its first half", "5\r\nhel"],
    ["no end", "5\r\nhello\r\n"],
  ])("chunks with %s: 400, and no origin gets a body that ends", async (_name, body) => {
    const answer = await askRaw(edge, filled(post(chunked, body)))
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => code)).toEqual(["400"])
    expect(origin.faults).toEqual([])
    expect(origin.exchanges.filter(({ target }) => target !== "/p/x")).toEqual([])
    for (const exchange of origin.exchanges) await expect(exchange.body).rejects.toThrow()
  })
})

describe("lines", () => {
  const cases: readonly Case[] = [
    ["a folded header", get("/p/x", `${KNOWN}X-A: 1\r\n 2\r\n`), 400],
    ["a folded header that looks like another", get("/p/x", `${KNOWN}X-A: 1\r\n\tX-Principal-Id: forged\r\n`), 400],
    ["a fold before all headers", get("/p/x", ` X-A: 1\r\n${KNOWN}`), 400],
    ["a bare CR in a header", get("/p/x", `${KNOWN}X-A: 1\rX-B: 2\r\n`), 400],
    ["a bare CR in the first line", `GET /p/x\rX-B: 2 HTTP/1.1\r\n${KNOWN}\r\n`, 400],
    ["line feeds only: read as lines, sent on as lines", get("/p/x").replaceAll("\r\n", "\n"), 200, "/p/x"],
    ["NUL in a value", get("/p/x", `${KNOWN}X-A: 1\0 2\r\n`), 400],
    ["NUL in a name", get("/p/x", `${KNOWN}X\0A: 1\r\n`), 400],
    ["NUL in the address", get("/p/\0x"), 400],
    ["a control character in a value", get("/p/x", `${KNOWN}X-A: \x01\r\n`), 400],
    ["DEL in a value", get("/p/x", `${KNOWN}X-A: \x7f\r\n`), 400],
    ["no colon", get("/p/x", `${KNOWN}X-A\r\n`), 400],
    ["no name", get("/p/x", `${KNOWN}: x\r\n`), 400],
    ["a blank in a name", get("/p/x", `${KNOWN}X A: 1\r\n`), 400],
    ["a name that is not ASCII", get("/p/x", `${KNOWN}X-\xe9: 1\r\n`), 400],
    ["two blanks in the first line", `GET  /p/x  HTTP/1.1\r\n${KNOWN}\r\n`, 400],
    ["tabs in the first line", `GET\t/p/x\tHTTP/1.1\r\n${KNOWN}\r\n`, 400],
    ["a blank in the address", get("/p/x y"), 400],
    ["no version", `GET /p/x\r\n${KNOWN}\r\n`, 400],
    ["version 1.9", get("/p/x").replace("1.1", "1.9"), 400],
    ["version 2.0", get("/p/x").replace("1.1", "2.0"), 400],
    ["version 1.0", get("/p/x").replace("1.1", "1.0"), 200, "/p/x"],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", null],
    [
      "an upgrade to HTTP/2",
      get("/p/x", `${KNOWN}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n`),
      200,
      "/p/x",
    ],
    ["a method in small letters", get("/p/x").replace("GET", "get"), 501],
    ["an unknown method", get("/p/x").replace("GET", "FOO"), 501],
    // The platform gives it to no Worker without a handler for it, and answers 200 before it calls one.
    ["CONNECT", `CONNECT {canary} HTTP/1.1\r\n${KNOWN}\r\n`, 500],
    ["TRACE", get("/p/x").replace("GET", "TRACE"), 405],
  ]
  test.each(named(cases))("$name", check)
})

describe("addresses", () => {
  const cases: readonly Case[] = [
    ["absolute, of another host: Host counts", get("http://{canary}/p/x"), 200, "/p/x"],
    ["absolute, with https", get("https://{canary}/p/x"), 200, "/p/x"],
    ["absolute, with a user", get("http://user:password@{canary}/p/x"), 200, "/p/x"],
    ["absolute, with another scheme", get("ftp://{canary}/p/x"), 200, "/p/x"],
    ["absolute, without Host", get("http://{host}/p/x", "X-Token: {token}\r\n"), 400],
    ["no path", get("*"), 400],
    ["no path, and a host without a port", get("*", "Host: eu.api.localhost\r\nX-Token: {token}\r\n"), 400],
    ["OPTIONS *", get("*").replace("GET", "OPTIONS"), 400],
    ["no slash", get("p/x"), 400],
    ["nothing", get(""), 400],
    ["a user instead of a path", get("@{canary}/p/x"), 400],
    ["a port instead of a path", get(":80/p/x"), 400],
    ["two slashes and a host", get("//{canary}/p/x"), 404],
    ["a slash, a backslash and a host", get("/\\{canary}/p/x"), 404],
    ["a user behind the slash", get("/@{canary}/p/x"), 404],
    ["a user behind the prefix", get("/s@{canary}/x"), 404],
    ["a port behind the prefix", get("/s:80@{canary}/x"), 404],
    ["a domain behind the prefix", get("/s.{canary}/x"), 404],
    ["two slashes and a host behind a prefix that is taken away", get("/s//{canary}/x"), 200, "//{canary}/x"],
    ["a user behind a prefix that is taken away", get("/s/@{canary}/x"), 200, "/@{canary}/x"],
    ["escaped slashes behind a prefix that is taken away", get("/s/%2f%2fCANARY/x"), 200, "/%2f%2fCANARY/x"],
    ["a backslash behind a prefix that is taken away", get("/s/\\{canary}/x"), 400],
    ["a backslash", get("/p/a\\b"), 400],
    ["a backslash before a prefix of its own", get("/p/\\admin"), 400],
    ["a prefix of its own", get("/p/admin/x"), 200, "/inner/p/admin/x"],
    ["a prefix of its own behind two slashes", get("/p//admin/x"), 200, "/inner/p//admin/x"],
    ["a prefix of its own with an escape", get("/p/%61dmin/x"), 400],
    ["a prefix of its own behind an escaped slash", get("/p/%2fadmin/x"), 400],
    ["a prefix of its own behind dots", get("/p/y/..%2fadmin/x"), 400],
    ["an escaped slash in the prefix", get("/p%2fx"), 400],
    ["an escape in the prefix", get("/%70/x"), 400],
    ["the prefix in capitals", get("/P/x"), 404],
    ["dots", get("/p/../x"), 400],
    ["dots that lead back", get("/s/../p/x"), 400],
    ["one dot", get("/p/./x"), 400],
    ["escaped dots", get("/p/%2e%2e/x"), 400],
    ["half escaped dots", get("/p/.%2E/x"), 400],
    ["dots escaped twice", get("/p/%252e%252e/x"), 400],
    ["dots escaped three times", get("/p/%25252e%25252e%25252fx"), 400],
    ["dots escaped more often than anyone reads", get("/p/%252525252525252e"), 400],
    ["dots and an escaped slash", get("/p/..%2fx"), 400],
    ["dots and a backslash", get("/p/..\\x"), 400],
    ["dots and an escaped backslash", get("/p/..%5cx"), 400],
    ["dots with parameters", get("/p/..;/x"), 400],
    ["dots with escaped parameters", get("/p/%2e%2e%3ba=b/x"), 400],
    ["dots at the end", get("/p/x/.."), 400],
    ["dots in a collection", get("/api/resource-service/v1/project/p/resource/..%2f..%2fx"), 400],
    ["dots escaped twice in a collection", get("/api/resource-service/v1/project/p/resource/%252e%252e%252fx"), 400],
    ["a collection with escaped slashes", get("/api%2Fresource-service%2Fv1/x"), 200, "/api/resource-service/v1/x"],
    ["a broken escape", get("/p/%zz"), 400],
    ["a cut escape", get("/p/%4"), 400],
    ["an escape that is no text", get("/p/%ff%fe"), 400],
    ["an escaped NUL", get("/p/%00"), 400],
    ["an escaped tab", get("/p/%09"), 400],
    ["an escaped NUL, twice", get("/p/%2500"), 400],
    ["escaped line ends in the path", get("/p/x%0d%0aX-A:1"), 400],
    ["escaped line ends in the path, twice", get("/p/x%250d%250aX-A:1"), 400],
    [
      "escaped line ends in the query stay escaped",
      get("/p/x?a=%0d%0aX-A:1%0d%0a%0d%0aGET%20/p/smuggled"),
      200,
      "/p/x?a=%0d%0aX-A:1%0d%0a%0d%0aGET%20/p/smuggled",
    ],
    ["an escaped question mark is none", get("/p/x%3fa=b"), 200, "/p/x%3fa=b"],
    ["a fragment ends here", get("/p/x?a#b"), 200, "/p/x?a"],
  ]
  test.each(named(cases))("$name", check)
})

describe("hosts", () => {
  const AUTHORIZED = "X-Token: {token}\r\n"
  const cases: readonly Case[] = [
    ["another one", get("/p/x", `${AUTHORIZED}Host: {canary}.example\r\n`), 400],
    ["a foreign one", get("/p/x", `${AUTHORIZED}Host: evil.example\r\n`), 421],
    ["two, ours first", get("/p/x", `${KNOWN}Host: evil.example\r\n`), 400],
    ["two, ours last", get("/p/x", `Host: evil.example\r\n${KNOWN}`), 400],
    ["the same twice", get("/p/x", `${KNOWN}Host: {host}\r\n`), 400],
    ["none", get("/p/x", AUTHORIZED), 400],
    ["an empty one", get("/p/x", `${AUTHORIZED}Host: \r\n`), 400],
    ["ours as the user of another", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost@evil.example\r\n`), 400],
    ["another as the user of ours", get("/p/x", `${AUTHORIZED}Host: evil.example@eu.api.localhost\r\n`), 400],
    ["ours with the beginning of a path", get("/x", `${AUTHORIZED}Host: {host}/p\r\n`), 400],
    ["ours with a query", get("/x", `${AUTHORIZED}Host: {host}?\r\n`), 400],
    ["ours with a fragment", get("/x", `${AUTHORIZED}Host: {host}#\r\n`), 400],
    ["ours with a backslash", get("/x", `${AUTHORIZED}Host: eu.api.localhost\\x\r\n`), 400],
    ["ours with an escape", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost%00\r\n`), 400],
    ["ours escaped", get("/p/x", `${AUTHORIZED}Host: %65u.api.localhost\r\n`), 400],
    ["ours with a port that is too high", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost:99999\r\n`), 400],
    ["half an address", get("/p/x", `${AUTHORIZED}Host: [::1\r\n`), 400],
    ["ours with another port", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost:1\r\n`), 200, "/p/x"],
    ["ours with a port that is none", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost:x\r\n`), 400],
    ["ours with a blank", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost evil.example\r\n`), 400],
    ["ours in a list", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost,evil.example\r\n`), 400],
    ["ours with a dot", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost.\r\n`), 200, "/p/x"],
    ["ours with a dot and a port", get("/p/x", `${AUTHORIZED}Host: EU.api.localhost.:1\r\n`), 200, "/p/x"],
    ["ours with two dots", get("/p/x", `${AUTHORIZED}Host: eu.api.localhost..\r\n`), 421],
    ["ours in capitals", get("/p/x", `${AUTHORIZED}Host: EU.API.LOCALHOST\r\n`), 200, "/p/x"],
    ["the one of another region", get("/p/x", `${AUTHORIZED}Host: us.api.localhost\r\n`), 404],
    ["ours with X-Forwarded-Host", get("/p/x", `${KNOWN}X-Forwarded-Host: {canary}\r\n`), 200, "/p/x"],
    [
      "another region's with ours in all other places",
      get(
        "/q",
        `${AUTHORIZED}Host: us.api.localhost\r\nX-Forwarded-Host: {host}\r\nForwarded: host={host}\r\nX-Host: {host}\r\nX-Original-URL: /p/x\r\n`,
      ),
      404,
    ],
  ]
  test.each(named(cases))("$name", check)

  test.each([
    ["GET / HTTP/1.1\r\nHost: eu.api.localhost%00\r\n", 400, "application/json"],
    ["GET /v3/users/me HTTP/1.1\r\nHost: a b\r\n", 400, "application/problem+json"],
    ["GET /git/p/info/refs HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n", 400, "text/plain"],
    ["GET * HTTP/1.1\r\nHost: {host}\r\n", 400, "application/json"],
    ["GET /v3/users/me HTTP/1.1\r\nHost: elsewhere.example\r\n", 421, "application/problem+json"],
  ])("%j without a token is answered as all errors are, with a request id", async (head, status, type) => {
    const answer = await askRaw(edge, filled(`${head}\r\n`))
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im)
    expect(answer).toMatch(new RegExp(`^content-type: ${type.replace("+", "\\+")}`, "im"))
    expect(answer).not.toMatch(/internal server error/i)
  })

  test("whatever Host says, the origin is told its own", async () => {
    for (const host of ["EU.API.LOCALHOST:1", "eu.api.localhost.", "127.0.0.1"]) {
      await askRaw(edge, filled(get("/p/x", `${AUTHORIZED}Host: ${host}\r\n`)))
    }
    const hosts = origin.exchanges.map(({ head }) => /^host: (.+)$/im.exec(head)?.[1]?.trim())
    expect(hosts).toEqual(Array.from({ length: 3 }, () => `127.0.0.1:${origin.port}`))
  })
})
