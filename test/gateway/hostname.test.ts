/** The host name that decides where a request goes is the one that a parser of URLs finds, however the URL is written. */
import { describe, expect, it } from "vitest"
import { hostnameOf } from "../../src/gateway/host.ts"

describe("the host name of a URL", () => {
  it.each([
    "http://localhost/",
    "http://localhost:8787/a?b",
    "https://eu.api.example.com/api/v1/metadata",
    "https://eu-1.api.example.com:443/",
    "https://xn--bcher-kva.example/",
    "http://eu.api.localhost:80@evil.test/",
    "http://eu.api.localhost:secret@evil.test/",
    "http://eu.api.localhost@evil.test/",
    "http://eu.api.localhost:/",
    "http://eu.api.localhost?@evil.test/",
    "http://eu.api.localhost\\@evil.test/",
    "http://eu.api.localhost./",
    "http://EU.Api.LocalHost:8787/",
    "http://e%75.api.localhost/",
    "http://127.1/",
    "http://a.0x7f:1/",
    "http://[::1]:8787/",
    "http://bücher.example/",
    "http://eu_1.api.localhost/",
    "http://eu\t.api.localhost/",
    "http://eu.api.localhost",
  ])("of %j", (url) => {
    const parsed = URL.parse(url)
    if (parsed) expect(hostnameOf(url)).toBe(parsed.hostname)
    else expect(() => hostnameOf(url)).toThrow(TypeError)
  })
})
