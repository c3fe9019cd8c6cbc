/** The host that decides where a request goes is the one that a parser of URLs finds, however the URL is written, or none. */
import { describe, expect, it } from "vitest"
import { portSuffix, requestedHost } from "../../src/gateway/host.ts"

/** A request as workerd makes it: the URL is put together from what `Host` holds, and need not be one. */
function requestTo(url: string, host: string | null = null): Request {
  return new Proxy(new Request("http://x/", { headers: host === null ? {} : { host } }), {
    get: (request, name) => (name === "url" ? url : Reflect.get(request, name, request)),
  })
}

describe("the host of a request", () => {
  it.each([
    ["http://localhost/", "localhost"],
    ["http://localhost:8787/a?b", "localhost"],
    ["https://eu.api.example.com/api/v1/metadata", "eu.api.example.com"],
    ["https://eu-1.api.example.com:443/", "eu-1.api.example.com"],
    ["https://xn--bcher-kva.example/", "xn--bcher-kva.example"],
    ["http://eu.api.localhost:/", "eu.api.localhost"],
    ["http://eu.api.localhost?@evil.test/", "eu.api.localhost"],
    ["http://EU.Api.LocalHost:8787/", "eu.api.localhost"],
    ["http://eu.api.localhost./", "eu.api.localhost"],
    ["http://EU.api.localhost.:8787/", "eu.api.localhost"],
    ["http://127.0.0.1.:8787/", "127.0.0.1"],
    ["http://e%75.api.localhost/", "eu.api.localhost"],
    ["http://127.1/", "127.0.0.1"],
    ["http://[::1]:8787/", "[::1]"],
    ["http://b\u00fccher.example/", "xn--bcher-kva.example"],
    ["http://eu_1.api.localhost/", "eu_1.api.localhost"],
    ["http://eu.api.localhost", "eu.api.localhost"],
  ])("of %j is %s", (url, host) => {
    expect(requestedHost(requestTo(url))).toBe(host)
    expect(URL.parse(url)?.hostname.replace(/\.$/, "")).toBe(host)
  })

  it.each([
    "http://eu.api.localhost:80@evil.test/",
    "http://eu.api.localhost@evil.test/",
    "http://evil.test@eu.api.localhost/",
    "http://eu.api.localhost%00/",
    "http://a b/",
    "http://eu.api.localhost, eu.api.localhost/",
    "http://eu.api.localhost,evil.test/",
    "http://eu.api.localhost:x/",
    "http://eu.api.localhost:99999/",
    "http://[::1/",
    "http://eu.api.localhost:8787*",
    "http://eu.api.localhost*",
    "http:///",
    "",
  ])("is none for %j", (url) => {
    expect(requestedHost(requestTo(url))).toBeNull()
  })

  it.each(["eu.api.localhost/api", "eu.api.localhost?", "eu.api.localhost#", "a@eu.api.localhost", "a\\b", "a, b", ""])(
    "is none where Host is %j, whatever the URL became",
    (host) => {
      expect(requestedHost(requestTo("http://eu.api.localhost/", host))).toBeNull()
    },
  )

  it.each(["us.api.localhost", "EU.api.localhost.:8787", "[::1]:1", "eu_1"])(
    "is not chosen by Host, such as %s",
    (host) => {
      expect(requestedHost(requestTo("http://eu.api.localhost/", host))).toBe("eu.api.localhost")
    },
  )
})

it.each([
  ["http://eu.api.localhost:8787/a:1", ":8787"],
  ["http://eu.api.localhost:80/", ""],
  ["https://eu.api.localhost/", ""],
  ["http://[::1]:8787/", ":8787"],
])("the port of %s is %j", (url, port) => {
  expect(portSuffix(url)).toBe(port)
})
