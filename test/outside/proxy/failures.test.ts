/**
 * Origins that fail in every way they can, and callers that do: each failure has its status, is told as Keptn's errors are and without the
 * name of the origin; what broke off looks broken; repeats are few; and a circuit keeps callers from an origin that is down.
 */
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { StartedEdge } from "../edge.ts"
import { selfSigned } from "./certificate.ts"
import { ask, askRaw, begin, endProxy, hostOf, type Reply, startProxy } from "./edge.ts"
import { type Answer, arrived, chunk, type Exchange, fixed, Origin, portOf, write } from "./origins.ts"

const LIMIT = 10
const OK = ["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close"]

let edge: StartedEdge
let origin: Origin
let trusted: Origin
let untrusted: Origin
/** Is told what its clients want by TLS, and speaks none. */
const plain = createServer((socket) => {
  socket.on("error", () => {})
  socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
})

beforeAll(async () => {
  const certificate = selfSigned("trusted")
  ;[origin, trusted, untrusted] = await Promise.all([
    Origin.start(),
    Origin.start(certificate),
    Origin.start(selfSigned("untrusted")),
  ])
  plain.listen(0, "127.0.0.1")
  await once(plain, "listening")
  const at = { origin: origin.url, allow_plain_http: true, role: "none", circuit: { failures: 1000 } }
  const certificates = mkdtempSync(join(tmpdir(), "quarterdeck-certificates-"))
  const file = join(certificates, "trusted.pem")
  writeFileSync(file, certificate.cert)
  // Miniflare gives the runtime the certificates that Node would trust.
  process.env["NODE_EXTRA_CA_CERTS"] = file
  edge = await startProxy([
    { ...at, prefix: "/p" },
    { ...at, prefix: "/once", retry: false },
    { ...at, prefix: "/refused", origin: `http://127.0.0.1:${await closedPort()}` },
    { ...at, prefix: "/trusted", origin: `https://127.0.0.1:${trusted.port}` },
    { ...at, prefix: "/untrusted", origin: `https://127.0.0.1:${untrusted.port}` },
    { ...at, prefix: "/no-tls", origin: `https://127.0.0.1:${portOf(plain)}` },
    { ...at, prefix: "/slow", first_byte_seconds: 1 },
    { ...at, prefix: "/total", total_seconds: 1 },
    { ...at, prefix: "/small", max_request_bytes: LIMIT, max_response_bytes: LIMIT },
    { ...at, prefix: "/headers", max_header_bytes: 1000 },
    { ...at, prefix: "/circuit", retry: false, circuit: { failures: 3, seconds: 1 } },
    { ...at, prefix: "/circuit-of-callers", circuit: { failures: 1, seconds: 600 } },
    { ...at, prefix: "/circuit-of-statuses", circuit: { failures: 1, seconds: 600 } },
  ])
  delete process.env["NODE_EXTRA_CA_CERTS"]
  rmSync(certificates, { recursive: true })
})

afterAll(async () => {
  await endProxy(edge)
  plain.close()
  await Promise.all([origin, trusted, untrusted].map((one) => one.stop()))
  expect(origin.faults).toEqual([])
})

/** An error of the edge itself, as Keptn writes them. */
function expectError(reply: Reply, status: number, message: RegExp): void {
  expect([reply.status, reply.complete]).toEqual([status, true])
  expect(reply.headers["content-type"]).toMatch(/^application\/json/)
  expect(reply.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/)
  expect(reply.headers.via).toBeUndefined()
  expect(JSON.parse(reply.body.toString())).toEqual({ code: status, message: expect.stringMatching(message) })
  expect(reply.body.toString() + reply.rawHeaders.join("\n")).not.toMatch(new RegExp(`127\\.0\\.0\\.1|${origin.port}`))
}

/** Answers with headers of so many bytes. */
const sized = (bytes: number): Answer => {
  // As the setting counts them: with a colon, a blank and the end of the line.
  const others = "content-length: 0\r\n".length
  return fixed(["HTTP/1.1 200 OK", "Content-Length: 0", `X-A: ${"a".repeat(bytes - others - "x-a: \r\n".length)}`])
}

describe("an origin that does not answer HTTP: 502", () => {
  test.each([
    ["refuses connections", "/refused/x"],
    ["has a certificate that nobody vouches for", "/untrusted/x"],
    ["speaks no TLS", "/no-tls/x"],
  ])("one that %s", async (_name, path) => {
    expectError(await ask(edge, path), 502, /^the origin of \/[a-z-]+ cannot be reached, or does not answer HTTP$/)
  })

  test("but one whose certificate is trusted answers", async () => {
    expect((await ask(edge, "/trusted/x")).status).toBe(200)
    expect(trusted.requests("/trusted/x")).toHaveLength(1)
    expect(untrusted.connections).toEqual([])
  })

  test.each([
    ["words", "hello\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9\r\n"],
    ["nothing", ""],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Le"],
    ["no status", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 0", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 99", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 1000", "HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n"],
    ["only an early answer", "HTTP/1.1 103 Early Hints\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
    ["a folded header", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"],
    ["a name with a blank", "HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n"],
  ])("one that says %s", async (name, bytes) => {
    const path = `/p/garbage/${encodeURIComponent(name)}`
    origin.on(path, ({ socket }) => void socket.end(bytes))
    expectError(await ask(edge, path), 502, /cannot be reached, or does not answer HTTP$/)
  })

  test.each([101, 600, 999])("one whose status is %i", async (status) => {
    origin.on(`/p/odd/${status}`, fixed([`HTTP/1.1 ${status} Odd`, "Content-Length: 0", "Connection: close"]))
    expectError(await ask(edge, `/p/odd/${status}`), 502, new RegExp(`: its status is ${status}$`))
  })

  test("one whose headers are too large, and one whose are just not", async () => {
    origin.on("/headers/fit", sized(1000))
    origin.on("/headers/large", sized(1001))
    expect((await ask(edge, "/headers/fit")).status).toBe(200)
    expectError(await ask(edge, "/headers/large"), 502, /: its headers have more than 1000 bytes$/)
  })
})

describe("an origin that takes too long: 504", () => {
  test("to begin its answer; it is asked once, and sees that nobody waits any more", async () => {
    origin.on("/slow/never", () => {})
    expectError(await ask(edge, "/slow/never"), 504, /^the origin of \/slow took too long to answer$/)
    await origin.request("/slow/never").closed
  })

  test("to begin its answer to an upload", async () => {
    origin.on("/slow/upload", () => {})
    for (const headers of [{ "transfer-encoding": "chunked" }, { "content-length": 5 }]) {
      expectError(
        await ask(edge, "/slow/upload", { method: "POST", headers, body: "hello" }),
        504,
        /too long to answer$/,
      )
    }
    expect(origin.requests("/slow/upload")).toHaveLength(2)
  })

  test.each([
    ["a length", { "content-length": 10 }],
    ["chunks", { "transfer-encoding": "chunked" }],
  ])("but not while a caller still sends, with %s", async (name, headers) => {
    const path = `/slow/sending/${encodeURIComponent(name)}`
    origin.on("/slow/clock", () => {})
    const upload = open(path, headers)
    upload.sent.write("hello")
    await arrived(await seen(path), 5)
    // That the time is over is told by another request, which began later.
    expect((await ask(edge, "/slow/clock")).status).toBe(504)
    upload.sent.end("world")
    expect(await upload.status).toBe(200)
    expect((await origin.request(path).body).toString()).toBe("helloworld")
  })

  test("for the whole, before its answer, and in the middle of an upload", async () => {
    origin.on("/total/never", () => {})
    expectError(await ask(edge, "/total/never"), 504, /too long to answer$/)
    const upload = open("/total/sending", { "transfer-encoding": "chunked" })
    upload.sent.write("hello")
    expect(await upload.status).toBe(504)
    upload.sent.destroy()
    await expect(origin.request("/total/sending").body).rejects.toThrow()
  })

  test.each([
    ["a length", "Content-Length: 10", Buffer.from("hello")],
    ["chunks", "Transfer-Encoding: chunked", chunk("hello")],
  ])("for the whole, in the middle of an answer by %s: it breaks off", async (name, line, part) => {
    const path = `/total/answer/${encodeURIComponent(name)}`
    origin.on(path, (exchange) => write(exchange, ["HTTP/1.1 200 OK", line], part))
    const { status, complete, body } = await ask(edge, path)
    expect([status, complete, body.toString()]).toEqual([200, false, "hello"])
    await origin.request(path).closed
  })

  test("within the time for the whole, an answer is whole", async () => {
    origin.on(
      "/total/fast",
      fixed(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"], `${chunk("hello").toString()}0\r\n\r\n`),
    )
    const { complete, body } = await ask(edge, "/total/fast")
    expect([complete, body.toString()]).toEqual([true, "hello"])
  })
})

describe("what breaks off", () => {
  test.each([
    ["a length", "Content-Length: 10", Buffer.from("hello")],
    ["chunks", "Transfer-Encoding: chunked", chunk("hello")],
    ["half a chunk", "Transfer-Encoding: chunked", Buffer.from("a\r\nhello")],
  ])("an answer by %s that the origin breaks off looks broken to the caller", async (name, line, part) => {
    const path = `/p/broken/${encodeURIComponent(name)}`
    origin.on(path, (exchange) => {
      write(exchange, ["HTTP/1.1 200 OK", line], part)
      exchange.socket.end()
    })
    const { status, complete, body } = await ask(edge, path)
    expect([status, complete, body.toString()]).toEqual([200, false, "hello"])
    expect(origin.requests(path)).toHaveLength(1)
  })

  test.each([
    ["a length", { "content-length": 10 }],
    ["chunks", { "transfer-encoding": "chunked" }],
  ])("an upload by %s that the caller breaks off looks broken to the origin", async (name, headers) => {
    const path = `/p/upload/${encodeURIComponent(name)}`
    const { sent } = open(path, headers)
    sent.write("hello")
    const exchange = await seen(path)
    await arrived(exchange, 5)
    sent.destroy()
    await expect(exchange.body).rejects.toThrow()
    expect(Buffer.concat(exchange.received).toString()).toBe("hello")
  })

  test("an answer that comes before the whole upload passes", async () => {
    origin.on("/p/early", (exchange) => write(exchange, ["HTTP/1.1 403 Forbidden", "Content-Length: 2"], "no"))
    for (const headers of [{ "content-length": 10 }, { "transfer-encoding": "chunked" }]) {
      const { sent, status } = open("/p/early", headers)
      sent.write("hello")
      expect(await status).toBe(403)
      sent.destroy()
    }
  })
})

describe("what is too large", () => {
  const atMost = "x".repeat(LIMIT)

  test("as an answer: 502 where its length is told, broken off where not", async () => {
    origin.on("/small/length", fixed(["HTTP/1.1 200 OK", `Content-Length: ${LIMIT + 1}`], `${atMost}x`))
    expectError(await ask(edge, "/small/length"), 502, /: it has more than 10 bytes$/)
    origin.on(
      "/small/chunked",
      fixed(
        ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"],
        `${chunk(atMost).toString()}${chunk("x").toString()}0\r\n\r\n`,
      ),
    )
    const { status, complete, body } = await ask(edge, "/small/chunked")
    expect([status, complete]).toEqual([200, false])
    expect(body.length).toBeLessThanOrEqual(LIMIT)
  })

  test("and as large as may be: passes", async () => {
    origin.on("/small/fits", fixed(["HTTP/1.1 200 OK", `Content-Length: ${LIMIT}`], atMost))
    origin.on(
      "/small/fits-chunked",
      fixed(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"], `${chunk(atMost).toString()}0\r\n\r\n`),
    )
    for (const path of ["/small/fits", "/small/fits-chunked"]) {
      const { complete, body } = await ask(edge, path)
      expect([complete, body.toString()]).toEqual([true, atMost])
    }
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      expect((await ask(edge, "/small/upload-fits", { method: "POST", headers, body: atMost })).status).toBe(200)
    }
  })

  test("as a request whose length is told: 413, and the origin gets nothing", async () => {
    const reply = await ask(edge, "/small/upload", { method: "POST", body: `${atMost}x` })
    expectError(reply, 413, /^the body is larger than 10 bytes$/)
    expect(origin.requests("/small/upload")).toEqual([])
  })

  test("as a request in chunks: 413, and the origin gets no more than may be, and no end", async () => {
    const { sent, status } = open("/small/upload-chunked", { "transfer-encoding": "chunked" })
    sent.write(atMost)
    const exchange = await seen("/small/upload-chunked")
    await arrived(exchange, LIMIT)
    sent.end("x")
    expect(await status).toBe(413)
    await expect(exchange.body).rejects.toThrow()
    expect(Buffer.concat(exchange.received).toString()).toBe(atMost)
  })
})

/** Breaks the first `failures` connections, and answers then. */
const failing = (failures: number): Answer => {
  let left = failures
  return (exchange) => {
    left -= 1
    if (left >= 0) exchange.socket.destroy()
    else write(exchange, OK, exchange.method === "HEAD" ? "" : "ok")
  }
}

/** An origin to which no connection is open: the platform repeats by itself what fails on one that was used before. */
const failed = async (method: string, path: string, failures: number, body?: string) => {
  const name = `${path}/${method}/${failures}/${body ?? ""}`
  origin.on(name, failing(failures))
  await closeConnections()
  const { status } = await ask(edge, name, { method, ...(body !== undefined && { body }) })
  return [status, origin.requests(name).length]
}

describe("repeats", () => {
  test.each(["GET", "HEAD"])("%s is sent once more when the connection fails, and not twice", async (method) => {
    expect(await failed(method, "/p/repeat", 1)).toEqual([200, 2])
    expect(await failed(method, "/p/repeat", 2)).toEqual([502, 2])
  })

  test.each([
    ["POST", undefined],
    ["POST", "hello"],
    ["PUT", "hello"],
    ["PATCH", "hello"],
    ["DELETE", undefined],
    ["OPTIONS", undefined],
  ])("%s with the body %s is sent once only", async (method, body) => {
    expect(await failed(method, "/p/no-repeat", 1, body)).toEqual([502, 1])
  })

  test("with retry = false GET is sent once only, too", async () => {
    expect(await failed("GET", "/once", 1)).toEqual([502, 1])
  })
})

const fail: Answer = ({ socket }) => void socket.destroy()

describe("a circuit", () => {
  test("opens after failures in a row, spares the origin, tries with one request, and closes when that succeeds", async () => {
    const path = "/circuit/x"
    const count = () => origin.requests(path).length
    const status = async () => (await ask(edge, path)).status
    await closeConnections()
    const succeed = fixed(OK, "ok")

    // A success between them: not in a row.
    for (const answer of [fail, fail, succeed, fail, fail]) {
      origin.on(path, answer)
      expect(await status()).toBe(answer === succeed ? 200 : 502)
    }
    expect(await status()).toBe(502)
    expect(count()).toBe(6)
    const refused = await ask(edge, path)
    expectError(refused, 503, /^the origin of \/circuit did not answer lately, and is not asked for a while$/)
    expect(refused.headers["retry-after"]).toBe("1")
    expect(count()).toBe(6)

    // The probe fails: it stays open, for the same time again.
    expect(await otherThan503(path)).toBe(502)
    expect([await status(), count()]).toEqual([503, 7])

    const probe = Promise.withResolvers<Exchange>()
    origin.on(path, probe.resolve)
    const probed = otherThan503(path)
    const exchange = await probe.promise
    expect([await status(), await status(), count()]).toEqual([503, 503, 8])
    write(exchange, OK, "ok")
    expect(await probed).toBe(200)
    origin.on(path, succeed)
    expect([await status(), await status(), count()]).toEqual([200, 200, 10])
  })

  test("is not opened by callers that break off what they send, or do not wait for the answer", async () => {
    const path = "/circuit-of-callers/x"
    const attempts = [
      { method: "POST", headers: { "content-length": 10 }, part: "hello" },
      { method: "POST", headers: { "transfer-encoding": "chunked" }, part: "hello" },
      { method: "GET", headers: {}, part: "" },
    ]
    origin.on(path, () => {})
    for (const { method, headers, part } of [...attempts, ...attempts]) {
      origin.forget()
      const { sent } = open(path, headers, method)
      if (part === "") sent.end()
      else sent.write(part)
      const exchange = await seen(path)
      await arrived(exchange, part.length)
      // Only a reset tells workerd that nobody waits any more: who closes a connection may still read from it.
      sent.socket?.resetAndDestroy()
      await exchange.closed
    }
    origin.on(path, fixed(OK, "ok"))
    expect((await ask(edge, path)).status).toBe(200)
  })

  test("is not opened by what the edge refuses to send", async () => {
    const path = "/circuit-of-callers/refused"
    const head = (line: string) =>
      `POST ${path} HTTP/1.1\r\nHost: ${hostOf(edge)}\r\nX-Token: ${edge.token}\r\n${line}\r\n\r\n`
    const chunks = `${head("Transfer-Encoding: chunked")}5\r\nhello\r\nno size\r\n`
    for (const text of [chunks, head("Content-Length: 0\r\nX-A: \x01")]) {
      expect(await askRaw(edge, text)).toMatch(/^HTTP\/1\.1 400 /)
    }
    expect((await ask(edge, path)).status).toBe(200)
  })

  test("is not opened by failures that the origin tells itself: they pass as they are", async () => {
    for (const status of [500, 502, 503, 504]) {
      const path = `/circuit-of-statuses/${status}`
      origin.on(path, fixed([`HTTP/1.1 ${status} Down`, "Retry-After: 77", "Content-Length: 4"], "down"))
      for (let time = 0; time < 2; time++) {
        const reply = await ask(edge, path)
        expect([reply.status, reply.headers["retry-after"], reply.body.toString()]).toEqual([status, "77", "down"])
      }
      expect(origin.requests(path)).toHaveLength(2)
    }
  })
})

/** The first status that is not 503; asks until there is one. */
async function otherThan503(path: string): Promise<number> {
  for (;;) {
    const { status } = await ask(edge, path)
    if (status !== 503) return status
  }
}

/** Ends the connections that the edge keeps to the origin, by answers that say so, until there is none. */
async function closeConnections(): Promise<void> {
  origin.on("/p/close", fixed(OK, "ok"))
  while (origin.open > 0) await ask(edge, "/p/close")
}

/** The request for `path`, once its head has arrived. */
async function seen(path: string): Promise<Exchange> {
  while (origin.requests(path).length === 0) await origin.next()
  return origin.request(path)
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const port = portOf(server)
  server.close()
  await once(server, "close")
  return port
}

/** Begins a request whose body the test sends part by part, and of whose answer it wants to know the status only. */
function open(path: string, headers: Readonly<Record<string, string | number>>, method = "POST") {
  const { sent, answered } = begin(edge, path, method, headers)
  const status = answered.then((response) => {
    response.resume()
    return response.statusCode
  })
  return { sent, status }
}
