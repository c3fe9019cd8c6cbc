/**
 * What passes between callers and origins, byte for byte, and what does not: methods, addresses, bodies, headers, redirects. The origin notes
 * what it gets on its socket.
 */
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createToken } from "../../../src/lib/token-format.ts"
import type { StartedEdge } from "../edge.ts"
import { ask, askRaw, endProxy, hostOf, startProxy } from "./edge.ts"
import { chunk, fixed, Origin, portOf, valuesOf, write } from "./origins.ts"

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
const KEY = "the-key-of-the-origin"
const MIB = 1_048_576
/** Every byte that is no ASCII, one character for each. */
const HIGH = String.fromCharCode(...Array.from({ length: 128 }, (_, index) => 128 + index))

const token = createToken("kpat")
let edge: StartedEdge
let origin: Origin
/** Leads to the edge itself. Its port is known before that of the edge is. */
const loop = createServer((socket) => {
  const onward = connect(edge.port, "127.0.0.1")
  for (const end of [socket, onward]) end.on("error", () => {})
  socket.pipe(onward).pipe(socket)
  loopConnections += 1
})
let loopConnections = 0

beforeAll(async () => {
  origin = await Origin.start()
  loop.listen(0, "127.0.0.1")
  await once(loop, "listening")
  const state = mkdtempSync(join(tmpdir(), "quarterdeck-"))
  writeFileSync(join(state, "token"), token)
  const at = { origin: origin.url, allow_plain_http: true }
  const upstreams = [
    {
      ...at,
      prefix: "/p",
      role: "none",
      methods: METHODS,
      credential: { header: "X-Origin-Key", secret: "ORIGIN_KEY" },
    },
    { ...at, prefix: "/get", role: "none", methods: ["GET"] },
    { ...at, prefix: "/stripped", role: "none", origin: `${origin.url}/base`, strip_prefix: true },
    { ...at, prefix: "/based", role: "none", origin: `${origin.url}/base` },
    { ...at, collection: "resource-service" },
    {
      ...at,
      prefix: "/loop",
      role: "none",
      origin: `http://127.0.0.1:${portOf(loop)}`,
      credential: { header: "x-token", secret: "OWN_TOKEN" },
    },
  ]
  edge = await startProxy(upstreams, { ORIGIN_KEY: KEY, OWN_TOKEN: token }, state)
})

afterAll(async () => {
  await endProxy(edge)
  loop.close()
  await origin.stop()
  expect(origin.faults).toEqual([])
})

describe("methods", () => {
  test.each(METHODS)("%s passes as it is", async (method) => {
    const path = `/p/method/${method}`
    expect((await ask(edge, path, { method })).status).toBe(200)
    expect(origin.request(path).method).toBe(method)
  })

  test.each([
    ["TRACE", "/p/not-allowed"],
    ["POST", "/get/not-allowed"],
    ["PROPFIND", "/get/not-allowed"],
  ])("%s of %s, which the upstream does not have, is 405 and does not arrive", async (method, path) => {
    const { status, headers } = await ask(edge, path, { method })
    expect(status).toBe(405)
    expect(headers.allow).toBe(path.startsWith("/get") ? "GET, HEAD" : METHODS.toSorted(byMethods).join(", "))
    expect(origin.requests(path)).toEqual([])
  })

  test("without a token, and on the host of another region, nothing arrives", async () => {
    expect((await ask(edge, "/p/no-token", { token: null })).status).toBe(401)
    expect((await ask(edge, "/p/no-token", { headers: { host: `us.api.localhost:${edge.port}` } })).status).toBe(404)
    expect(origin.requests("/p/no-token")).toEqual([])
  })
})

/** The order in which the edge names them: GET's HEAD stands where it was configured. */
function byMethods(one: string, other: string): number {
  return METHODS.indexOf(one) - METHODS.indexOf(other)
}

describe("addresses", () => {
  test.each([
    "?",
    "?a",
    "?a=%20+&b=%2F..%2f&&;=",
    "?a=%zz%",
    "?a?b/../c//d",
    "?%C3%A9=%e9&x[]=1",
    "?u=http://a@b:1/c",
    "?%0d%0aX:y",
  ])("the query %s arrives as it is", async (query) => {
    const path = `/p/query/${Buffer.from(query).toString("hex")}`
    expect((await ask(edge, path + query)).status).toBe(200)
    expect(origin.request(path).target).toBe(path + query)
  })

  test.each([
    ["/p", "/p"],
    ["/p/", "/p/"],
    ["/p/a%2Fb%2fc", "/p/a%2Fb%2fc"],
    ["/p/%41%20%c3%a9%3F%23%25", "/p/%41%20%c3%a9%3F%23%25"],
    ["/p/a+b;c=1,d:e@f!$&'()*=~[]", "/p/a+b;c=1,d:e@f!$&'()*=~[]"],
    ["/p//a///b/", "/p//a///b/"],
    ["/p//", "/p//"],
    ["//p//a", "//p//a"],
    ["/p/a/?", "/p/a/?"],
    ["/p/a//?x=//y", "/p/a//?x=//y"],
    ["/p/%2F%2f/%2E%2E%2E", "/p/%2F%2f/%2E%2E%2E"],
    ["/stripped//x//", "/base//x//"],
    ["//stripped/x", "/base/x"],
    ["/p/.../a..b/..c", "/p/.../a..b/..c"],
    ["/stripped", "/base"],
    ["/stripped/", "/base/"],
    ["/stripped/x%2Fy?z", "/base/x%2Fy?z"],
    ["/based/x?y", "/base/based/x?y"],
  ])("%s of a prefix arrives as %s", async (path, target) => {
    origin.forget()
    expect((await ask(edge, path)).status).toBe(200)
    expect(origin.exchanges.map((exchange) => exchange.target)).toEqual([target])
  })

  test.each([
    ["/v1/project/p/resource/a%2fb", "/v1/project/p/resource/a/b"],
    ["/v1/project/p/resource/%61%20%c3%a9?x=%2F", "/v1/project/p/resource/a%20%C3%A9?x=%2F"],
    ["/v1/project/p/resource/a+b;c,d%2541", "/v1/project/p/resource/a%2Bb%3Bc%2Cd%2541"],
    ["//v1/project/p//resource/x", "/v1/project/p/resource/x"],
  ])("%s of a collection arrives decoded and escaped anew, as %s", async (path, target) => {
    origin.forget()
    expect((await ask(edge, `/api/resource-service${path}`)).status).toBe(200)
    expect(origin.exchanges.map((exchange) => exchange.target)).toEqual([`/api/resource-service${target}`])
  })
})

describe("bodies", () => {
  const large = randomBytes(MIB)

  test.each([
    ...["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"].flatMap((method) => [
      { method, framing: "length", body: large },
      { method, framing: "chunked", body: large },
    ]),
    { method: "POST", framing: "length", body: Buffer.of() },
    { method: "POST", framing: "chunked", body: Buffer.of() },
    { method: "POST", framing: "length", body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
  ])("$method with a body by $framing arrives so, and whole", async ({ method, framing, body }) => {
    const path = `/p/body/${method}/${framing}/${body.length}`
    const headers = framing === "length" ? { "content-length": body.length } : { "transfer-encoding": "chunked" }
    expect((await ask(edge, path, { method, headers, body })).status).toBe(200)
    const exchange = origin.request(path)
    expect(exchange.framing).toBe(framing)
    expect(hash(await exchange.body)).toBe(hash(body))
  })

  test("a GET that says it has 0 bytes passes, one with a body does not", async () => {
    expect((await ask(edge, "/p/get-0", { headers: { "content-length": 0 } })).status).toBe(200)
    expect(origin.request("/p/get-0").framing).toBe("none")
    expect((await ask(edge, "/p/get-1", { headers: { "content-length": 1 }, body: "x" })).status).toBe(400)
    expect(origin.requests("/p/get-1")).toEqual([])
  })

  test("an answer by length and one by chunks come so, and whole", async () => {
    origin.on("/p/down/length", fixed(["HTTP/1.1 200 OK", `Content-Length: ${large.length}`], large))
    origin.on("/p/down/chunked", (exchange) => {
      write(exchange, ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"])
      for (let start = 0; start < large.length; start += 100_000) {
        exchange.socket.write(chunk(large.subarray(start, start + 100_000)))
      }
      exchange.socket.write(chunk(""))
    })
    for (const framing of ["length", "chunked"]) {
      const { headers, body, complete } = await ask(edge, `/p/down/${framing}`)
      expect([complete, hash(body)]).toEqual([true, hash(large)])
      expect(headers["content-length"]).toBe(framing === "length" ? String(large.length) : undefined)
    }
  })

  test("an answer that ends with its connection comes whole", async () => {
    origin.on("/p/down/close", ({ socket }) => socket.end("HTTP/1.0 200 OK\r\n\r\nuntil the end") && undefined)
    const { body, complete } = await ask(edge, "/p/down/close")
    expect([complete, body.toString()]).toEqual([true, "until the end"])
  })

  test.each(["gzip", "br", "x-unheard-of"])("content in %s is not touched, in either direction", async (coding) => {
    // Not what the other two would be: whoever looks inside fails.
    const content = gzipSync("quarterdeck".repeat(100))
    const path = `/p/coding/${coding}`
    const lines = ["HTTP/1.1 200 OK", `Content-Encoding: ${coding}`, `Content-Length: ${content.length}`]
    origin.on(path, fixed(lines, content))
    const sent = { "accept-encoding": `${coding};q=0.5`, "content-encoding": coding }
    const { headers, body } = await ask(edge, path, { method: "POST", headers: sent, body: content })
    expect([headers["content-encoding"], headers["content-length"]]).toEqual([coding, String(content.length)])
    expect(body).toEqual(content)
    const exchange = origin.request(path)
    expect(await exchange.body).toEqual(content)
    expect(valuesOf(exchange, "content-encoding")).toEqual([coding])
    expect(valuesOf(exchange, "accept-encoding")).toEqual([`${coding};q=0.5`])
  })

  test("an origin is not told that codings are accepted which the caller does not name", async () => {
    await ask(edge, "/p/no-coding")
    expect(valuesOf(origin.request("/p/no-coding"), "accept-encoding")).toEqual([])
  })

  test("what a client asks for with Expect is answered, and its body passes", async () => {
    const answer = await askRaw(
      edge,
      `POST /p/expect HTTP/1.1\r\n${authorized()}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
    )
    expect(statuses(answer)).toEqual([100, 200])
    const exchange = origin.request("/p/expect")
    expect(valuesOf(exchange, "expect")).toEqual([])
    expect((await exchange.body).toString()).toBe("hello")
  })

  test("trailers end at the platform, in either direction; the content before them passes", async () => {
    origin.on("/p/trailers", async (exchange) => {
      await exchange.body
      write(
        exchange,
        ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: X-Checksum"],
        `${chunk("world").toString()}0\r\nX-Checksum: 1\r\n\r\n`,
      )
    })
    const lines = `${authorized()}Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n`
    const answer = await askRaw(
      edge,
      `POST /p/trailers HTTP/1.1\r\n${lines}\r\n5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n`,
    )
    expect(statuses(answer)).toEqual([200])
    expect(answer).toMatch(/\r\n5\r\nworld\r\n0\r\n\r\n$/)
    expect(answer).not.toMatch(/x-checksum/i)
    const exchange = origin.request("/p/trailers")
    expect((await exchange.body).toString()).toBe("hello")
    expect(exchange.head).not.toMatch(/x-checksum/i)
  })
})

describe("statuses", () => {
  test.each(
    [200, 201, 202, 203, 206, 207, 226, 299, 300, 400, 401, 402, 403, 404, 406, 409, 410, 412, 416, 418, 421].concat([
      422, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 508, 511, 599,
    ]),
  )("%i passes with its reason and its body", async (status) => {
    origin.on(`/p/status/${status}`, fixed([`HTTP/1.1 ${status} As It Is`, "Content-Length: 4"], "body"))
    const reply = await ask(edge, `/p/status/${status}`)
    expect([reply.status, reply.statusText, reply.body.toString()]).toEqual([status, "As It Is", "body"])
    expect(origin.requests(`/p/status/${status}`)).toHaveLength(1)
  })

  test.each([204, 304])("%i passes without a body", async (status) => {
    origin.on(`/p/status/${status}`, fixed([`HTTP/1.1 ${status} Nothing`, 'ETag: "v1"']))
    const reply = await ask(edge, `/p/status/${status}`, { headers: { "if-none-match": '"v1"' } })
    expect([reply.status, reply.headers.etag, reply.body.length]).toEqual([status, '"v1"', 0])
    expect(valuesOf(origin.request(`/p/status/${status}`), "if-none-match")).toEqual(['"v1"'])
  })

  test("HEAD has the length of what GET would have, and no body", async () => {
    origin.on("/p/head", fixed(["HTTP/1.1 200 OK", "Content-Length: 123456789", "Content-Encoding: gzip"]))
    const { status, headers, body } = await ask(edge, "/p/head", { method: "HEAD" })
    expect([status, headers["content-length"], headers["content-encoding"]]).toEqual([200, "123456789", "gzip"])
    expect(body).toHaveLength(0)
  })

  test("ranges and conditions are the origin's", async () => {
    const sent = { range: "bytes=1-2", "if-range": '"v1"', "if-modified-since": "Mon, 01 Jan 2024 00:00:00 GMT" }
    const lines = ["HTTP/1.1 206 Partial Content", "Content-Range: bytes 1-2/4", "Content-Length: 2", 'ETag: W/"v1"']
    origin.on("/p/range", fixed([...lines, "Accept-Ranges: bytes"], "bc"))
    const { status, headers, body } = await ask(edge, "/p/range", { headers: sent })
    expect([status, headers["content-range"], headers.etag]).toEqual([206, "bytes 1-2/4", 'W/"v1"'])
    expect(body.toString()).toBe("bc")
    for (const [name, value] of Object.entries(sent)) {
      expect(valuesOf(origin.request("/p/range"), name)).toEqual([value])
    }
  })

  test("answers before the answer end at the platform", async () => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    origin.on("/p/early", (exchange) => write(exchange, [`${early}HTTP/1.1 200 OK`, "Content-Length: 2"], "ok"))
    const answer = await askRaw(edge, `GET /p/early HTTP/1.1\r\n${authorized()}\r\n`)
    expect(statuses(answer)).toEqual([200])
    expect(answer).toMatch(/\r\n\r\nok$/)
  })
})

describe("headers to the origin", () => {
  test("what belongs to the message passes as it is", async () => {
    const sent = {
      accept: "text/html;q=0.5, */*",
      "content-type": "application/x-odd; a=b",
      "x-custom": "caf\u00c3\u00a9 \t x",
      "x-empty": "",
      "user-agent": "odd/1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      origin: "https://elsewhere.example",
      referer: "https://elsewhere.example/page",
    }
    await ask(edge, "/p/as-it-is", { method: "POST", headers: sent, body: Buffer.from("x") })
    const exchange = origin.request("/p/as-it-is")
    for (const [name, value] of Object.entries(sent)) expect(valuesOf(exchange, name)).toEqual([value])
  })

  test("what belongs to the connection does not pass, nor what Connection names", async () => {
    const names = ["Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Proxy-Authorization", "X-Hop"]
    const lines = names.map((name) => `${name}: of-the-connection\r\n`).join("")
    await askRaw(
      edge,
      `GET /p/hop HTTP/1.1\r\n${authorized()}Connection: X-Hop,  x-other\r\n${lines}X-Other: 1\r\n\r\n`,
    )
    const exchange = origin.request("/p/hop")
    expect(exchange.head).not.toMatch(/of-the-connection/)
    for (const name of ["connection", "x-other", ...names]) expect(valuesOf(exchange, name)).toEqual([])
  })

  test("a caller cannot have dropped what the edge adds, or the length of a body", async () => {
    const added =
      "via, x-request-id, x-principal-id, x-forwarded-host, x-forwarded-proto, x-origin-key, host, content-length"
    const text = `POST /p/kept HTTP/1.1\r\n${authorized()}Connection: ${added}\r\nContent-Length: 5\r\n\r\nhello`
    expect(statuses(await askRaw(edge, text))).toEqual([200])
    const exchange = origin.request("/p/kept")
    for (const name of added.split(", ")) expect(valuesOf(exchange, name), name).toHaveLength(1)
    expect((await exchange.body).toString()).toBe("hello")
  })

  test("says who asks, for whom, and through whom", async () => {
    const { headers } = await ask(edge, "/stripped/added", {
      headers: { "cf-connecting-ip": "203.0.113.7", via: "1.0 before" },
    })
    const exchange = origin.request("/base/added")
    const host = hostOf(edge)
    const expected = {
      host: `127.0.0.1:${origin.port}`,
      // Before a deployment stands Cloudflare, which sets this header itself.
      "x-forwarded-for": "203.0.113.7",
      "x-real-ip": "203.0.113.7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": host,
      "x-forwarded-prefix": "/stripped",
      "x-request-id": headers["x-request-id"],
    }
    for (const [name, value] of Object.entries(expected)) expect(valuesOf(exchange, name), name).toEqual([value])
    expect(valuesOf(exchange, "via")).toEqual([`1.0 before, 1.1 ${host}`])
    expect(valuesOf(exchange, "x-principal-id")).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
    expect(valuesOf(exchange, "x-origin-key")).toEqual([])
  })

  test("every request has an id of its own, and the caller's answer the same one", async () => {
    const replies = [await ask(edge, "/p/id/1"), await ask(edge, "/p/id/2")]
    const ids = ["/p/id/1", "/p/id/2"].flatMap((path) => valuesOf(origin.request(path), "x-request-id"))
    expect(replies.map(({ headers }) => headers["x-request-id"])).toEqual(ids)
    expect(new Set(ids).size).toBe(2)
  })

  test("the configured credential arrives, whatever the caller sends in its place", async () => {
    await ask(edge, "/p/credential", { headers: { "x-origin-key": "forged" } })
    expect(valuesOf(origin.request("/p/credential"), "x-origin-key")).toEqual([KEY])
  })

  test.each([
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-User",
    "X-Forwarded-Server",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Cluster-Client-IP",
    "Client-IP",
    "Fastly-Client-IP",
    "CF-IPCountry",
    "CF-Ray",
    "CF-Visitor",
    "CF-Worker",
    "CF-Access-Jwt-Assertion",
    "X-Request-Id",
    "X-Principal-Id",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Host",
    "X-Original-Host",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "Cookie",
    "Cookie2",
    "Remote-User",
    "X-Remote-User",
    "X-WEBAUTH-USER",
    "X-Auth-Request-User",
    "X-SSL-Client-Cert",
    "SSL-Client-Verify",
    "Client-Cert",
    "Proxy",
    "X-Origin-Key",
  ])("a forged %s does not arrive", async (name) => {
    const path = `/p/forged/${name}`
    // With all spellings, and twice: whoever reads only the first, or the last, or takes underscores for hyphens, is not fooled either.
    const spellings = [name, name.toLowerCase(), name.replaceAll("-", "_"), name.replace("-", "_").toUpperCase()]
    const lines = spellings.map((spelling) => `${spelling}: forged-value\r\n`).join("")
    await askRaw(edge, `GET ${path} HTTP/1.1\r\n${authorized()}${lines}\r\n`)
    expect(origin.request(path).head).not.toMatch(/forged-value/)
  })

  test("values keep their bytes, whatever text they are or are not, and headers that came twice come twice", async () => {
    const values = ["caf\xe9", "\xff\x80 z", "caf\xc3\xa9", HIGH, "\xe2\x82", "\xf0\x9f\x98\x80"]
    const lines = values.map((value) => `X-Bytes: ${value}\r\n`).join("")
    await askRaw(edge, `GET /p/bytes HTTP/1.1\r\n${authorized()}${lines}Via: 1.0 caf\xe9\r\n\r\n`)
    const exchange = origin.request("/p/bytes")
    expect(valuesOf(exchange, "x-bytes")).toEqual(values)
    expect(valuesOf(exchange, "via")).toEqual([`1.0 caf\xe9, 1.1 ${hostOf(edge)}`])
  })

  test("an Authorization for the origin keeps its bytes", async () => {
    await askRaw(edge, `GET /p/own-bytes HTTP/1.1\r\n${authorized()}Authorization: Digest username="caf\xe9"\r\n\r\n`)
    expect(valuesOf(origin.request("/p/own-bytes"), "authorization")).toEqual(['Digest username="caf\xe9"'])
  })

  test("a control character in a header is 400, and does not arrive", async () => {
    expect(statuses(await askRaw(edge, `GET /p/control HTTP/1.1\r\n${authorized()}X-A: \x01\r\n\r\n`))).toEqual([400])
    expect(origin.requests("/p/control")).toEqual([])
  })
})

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`

describe("credentials of callers", () => {
  test.each([
    ["as x-token", { "x-token": token }],
    ["as Bearer", { authorization: `Bearer ${token}` }],
    ["as both", { "x-token": token, authorization: `bearer ${token}` }],
    ["beside a Basic credential that holds it", { "x-token": token, authorization: basic(`user:${token}`) }],
    ["and as its user name", { "x-token": token, authorization: basic(`${token}:`) }],
    ["without padding", { "x-token": token, authorization: basic(`me:${token}`).replace(/=+$/, "") }],
    [
      "in the alphabet of URLs",
      { "x-token": token, authorization: `Basic ${Buffer.from(`>>>???:${token}`).toString("base64url")}` },
    ],
    ["in a scheme of its own", { "x-token": token, authorization: `Token token="${token}"` }],
  ])("a token %s does not arrive", async (name, headers) => {
    const path = `/p/token/${encodeURIComponent(name)}`
    expect((await ask(edge, path, { headers, token: null })).status).toBe(200)
    const { head, headers: arrived } = origin.request(path)
    expect(arrived.map(([one]) => one.toLowerCase())).not.toContain("x-token")
    expect(arrived.map(([one]) => one.toLowerCase())).not.toContain("authorization")
    expect(head).not.toContain(token)
  })

  test.each([basic("origin:password"), "Digest username=a", "Custom abc"])(
    "beside x-token, %s is for the origin",
    async (authorization) => {
      const path = `/p/foreign/${authorization.length}`
      expect((await ask(edge, path, { headers: { authorization } })).status).toBe(200)
      expect(valuesOf(origin.request(path), "authorization")).toEqual([authorization])
    },
  )
})

describe("headers to the caller", () => {
  test("what belongs to the message passes, and what is for the origin's host or connection does not", async () => {
    const kept = {
      "content-type": "text/html",
      "cache-control": "private, max-age=60",
      "content-security-policy": "default-src 'self'",
      vary: "A, B",
      "www-authenticate": 'Basic realm="a", Bearer',
      server: "odd/1",
      date: "Mon, 01 Jan 2024 00:00:00 GMT",
      link: "</x>; rel=next",
      "x-custom": "caf\u00c3\u00a9",
      "access-control-allow-origin": "*",
    }
    const dropped = ["Keep-Alive", "Proxy-Authenticate", "Trailer", "Upgrade", "Set-Cookie", "Alt-Svc"].concat([
      "Strict-Transport-Security",
      "Clear-Site-Data",
      "Service-Worker-Allowed",
      "Report-To",
      "NEL",
      "X-Hop",
      "X-Request-Id",
    ])
    const lines = [
      ...Object.entries(kept).map(([name, value]) => `${name}: ${value}`),
      ...dropped.map((name) => `${name}: forged-value`),
      "Set-Cookie: second=forged-value",
      "Connection: close, X-Hop",
      "Via: 1.0 behind",
      "Content-Length: 2",
    ]
    origin.on("/p/answer", fixed(["HTTP/1.1 200 OK", ...lines], "ok"))
    const { headers, rawHeaders } = await ask(edge, "/p/answer")
    for (const [name, value] of Object.entries(kept)) expect(headers[name], name).toBe(value)
    expect(rawHeaders.join("\n")).not.toMatch(/forged-value/)
    expect(headers.via).toBe(`1.0 behind, 1.1 ${hostOf(edge)}`)
    expect(headers["x-request-id"]).toBe(valuesOf(origin.request("/p/answer"), "x-request-id")[0])
  })

  test("values keep their bytes, whatever text they are or are not, and headers that came twice come twice", async () => {
    const values = ["caf\xe9", "\xff\x80 z", "caf\xc3\xa9", HIGH]
    const lines = values.map((value) => `X-Bytes: ${value}`)
    const others = [
      'Content-Disposition: attachment; filename="caf\xe9.txt"',
      "Location: /p/caf\xe9",
      "Via: 1.0 caf\xe9",
    ]
    origin.on("/p/answer-bytes", fixed(["HTTP/1.1 200 OK", ...lines, ...others, "Content-Length: 2"], "ok"))
    const answer = await askRaw(edge, `GET /p/answer-bytes HTTP/1.1\r\n${authorized()}\r\n`)
    const valuesIn = (name: string) =>
      [...answer.matchAll(new RegExp(`^${name}: (.*)\r$`, "gim"))].map(([, value]) => value)
    expect(valuesIn("x-bytes")).toEqual(values)
    expect(valuesIn("content-disposition")).toEqual(['attachment; filename="caf\xe9.txt"'])
    // What is no text cannot be read, so it stays.
    expect(valuesIn("location")).toEqual(["/p/caf\xe9"])
    expect(valuesIn("via")).toEqual([`1.0 caf\xe9, 1.1 ${hostOf(edge)}`])
  })

  test.each([
    ["absolute, at the origin", () => `${origin.url}/base/x?y=%2F#z`, () => "/stripped/x?y=%2F#z"],
    ["without a scheme", () => `//127.0.0.1:${origin.port}/base/x`, () => "/stripped/x"],
    ["with the other scheme", () => "https://127.0.0.1/base/x", () => "/stripped/x"],
    ["a path", () => "/base/x", () => "/stripped/x"],
    ["the base path itself", () => "/base", () => "/stripped"],
    ["beside what was asked", () => "x", () => "/stripped/dir/x"],
    ["above what was asked", () => "../x", () => "/stripped/x"],
    ["a query", () => "?page=2", (name: string) => `/stripped/dir/${name}?page=2`],
  ])("an address of the origin that is %s becomes one of this host", async (name, sent, expected) => {
    const page = encodeURIComponent(name)
    for (const header of ["Location", "Content-Location"]) {
      origin.on(`/base/dir/${page}`, fixed(["HTTP/1.1 201 Created", `${header}: ${sent()}`, "Content-Length: 0"]))
      const { headers } = await ask(edge, `/stripped/dir/${page}`)
      expect(headers[header.toLowerCase()]).toBe(`http://${hostOf(edge)}${expected(page)}`)
    }
  })

  test.each(["/elsewhere", "/basement/x", "../../x", "/"])(
    "what of the origin is outside the base path, %s, stays",
    async (location) => {
      const path = `/base/dir/outside${location.length}`
      origin.on(path, fixed(["HTTP/1.1 302 Found", `Location: ${location}`, "Content-Length: 0"]))
      expect((await ask(edge, path.replace("/base", "/stripped"))).headers.location).toBe(location)
    },
  )

  test("without strip_prefix what is not below the prefix stays", async () => {
    for (const location of ["/q/x", "/", `${origin.url}/q`]) {
      origin.on("/p/outside", fixed(["HTTP/1.1 302 Found", `Location: ${location}`, "Content-Length: 0"]))
      expect((await ask(edge, "/p/outside")).headers.location).toBe(location)
    }
  })

  test("without strip_prefix only a base path is taken away", async () => {
    origin.on("/p/created", fixed(["HTTP/1.1 201 Created", `Location: ${origin.url}/p/x`, "Content-Length: 0"]))
    expect((await ask(edge, "/p/created")).headers.location).toBe(`http://${hostOf(edge)}/p/x`)
    origin.on("/base/based/created", fixed(["HTTP/1.1 201 Created", "Location: /base/based/x", "Content-Length: 0"]))
    expect((await ask(edge, "/based/created")).headers.location).toBe(`http://${hostOf(edge)}/based/x`)
  })

  test.each([
    "https://elsewhere.example/base/x",
    "//elsewhere.example/x",
    "http://127.0.0.1:1/base/x",
    "mailto:a@b.example",
    "http://[",
  ])("the foreign address %s is not touched", async (location) => {
    origin.on("/base/foreign", fixed(["HTTP/1.1 302 Found", `Location: ${location}`, "Content-Length: 0"]))
    expect((await ask(edge, "/stripped/foreign")).headers.location).toBe(location)
  })

  test.each([301, 302, 303, 307, 308])("a redirect by %i is not followed", async (status) => {
    const path = `/p/redirect/${status}`
    origin.on(path, fixed([`HTTP/1.1 ${status} Elsewhere`, "Location: /p/target", "Content-Length: 0"]))
    const reply = await ask(edge, path, { method: "POST", body: "x" })
    expect([reply.status, reply.headers.location]).toEqual([status, `http://${hostOf(edge)}/p/target`])
    expect(origin.requests("/p/target")).toEqual([])
  })
})

test("an origin that leads back to this edge is found out: 508, after once around", async () => {
  const { status, body } = await ask(edge, "/loop/x")
  expect(status).toBe(508)
  expect(JSON.parse(body.toString())).toEqual({
    code: 508,
    message: expect.stringMatching(/^this request came through /),
  })
  expect(loopConnections).toBe(2)
})

function authorized(): string {
  return `Host: ${hostOf(edge)}\r\nX-Token: ${edge.token}\r\n`
}

function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex")
}
