/**
 * What the platform does with messages before a Worker sees them, or after: where the proxy differs from "as it was sent", this is why. Workers
 * of a few lines stand here in the place of the edge. When one of these tests fails the platform has changed, and docs/upstreams.md with it.
 */
import { connect } from "node:net"
import { convertV4MiniflareOptions, Miniflare } from "miniflare"
import { afterAll, beforeAll, expect, test } from "vitest"
import { socketTo } from "../../../scripts/start/serve.ts"
import { freePort } from "../../../scripts/start/port.ts"
import { fixed, Origin } from "./origins.ts"

let origin: Origin
let miniflare: Miniflare
let ports: { passing: number; connecting: number }

beforeAll(async () => {
  origin = await Origin.start()
  ports = { passing: await freePort(), connecting: await freePort() }
  const passing = `export default {
    fetch: ({ url, headers }) => fetch("${origin.url}" + url.slice("http://x".length), { headers, redirect: "manual" }),
  }`
  const connecting = `export default { fetch: () => new Response(), connect() { throw new Error("refused") } }`
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        workerOf("passing", passing),
        workerOf("connecting", connecting),
        socketTo("passing", "127.0.0.1", ports.passing),
        socketTo("connecting", "127.0.0.1", ports.connecting),
      ],
    }),
  )
  await miniflare.ready
})

afterAll(async () => {
  await miniflare.dispose()
  await origin.stop()
})

function workerOf(name: string, script: string) {
  return { name, modules: true, script, compatibilityDate: "2026-11-01" }
}

/** What comes back for bytes that are sent as they are. */
function askPort(port: number, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
  const parts: Buffer[] = []
  socket.on("data", (part: Buffer) => parts.push(part))
  socket.on("error", () => {})
  socket.on("end", () => socket.destroy())
  socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")))
  socket.end(bytes, "latin1")
  return promise
}

test.each([
  ["/a?it's", "/a?it%27s"],
  ["/a^b{c}", "/a%5Eb%7Bc%7D"],
  ['/a"b', "/a%22b"],
])("%s is sent to an origin as %s", async (sent, arrives) => {
  origin.forget()
  await askPort(ports.passing, `GET ${sent} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(origin.exchanges.map(({ target }) => target)).toEqual([arrives])
})

test("a reason that is no ASCII is left out", async () => {
  origin.on("/reason", fixed(["HTTP/1.1 200 Caf\xe9", "Content-Length: 0"]))
  expect(await askPort(ports.passing, "GET /reason HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 (OK)?\r\n/)
})

test("CONNECT is answered 500 without a handler for it, and 200 before a handler is called", async () => {
  const request = "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n"
  expect(await askPort(ports.passing, request)).toMatch(/^HTTP\/1\.1 500 /)
  expect(await askPort(ports.connecting, request)).toMatch(/^HTTP\/1\.1 200 /)
})
