/** Where at an origin a request leads: nothing that a request holds chooses a host, or a path that its caller's rights were not checked for. */
import { describe, expect, it } from "vitest"
import { routedPath } from "../../src/gateway/path.ts"
import { edgeAddress, findUpstream, originAddress } from "../../src/upstream/addresses.ts"
import type { Upstream } from "../../src/upstream/upstream.ts"
import { upstreams } from "../support/origin.ts"

const [plain, stripped, collection] = upstreams(
  { prefix: "/up", role: "none" },
  { prefix: "/cut", role: "none", strip_prefix: true, origin: "https://origin.example:8443/base" },
  { collection: "resource-service", origin: "https://origin.example/keptn" },
)

function addressOf(upstream: Upstream | undefined, path: string): string {
  if (upstream === undefined) throw new Error("no upstream")
  const request = new Request(`https://eu.api.example.com${path}`)
  return originAddress(upstream, request, routedPath(request))
}

describe("a path below a prefix", () => {
  it.each([
    ["/up", "https://origin.example/up"],
    ["/up/", "https://origin.example/up/"],
    ["/up/a/b?c=d", "https://origin.example/up/a/b?c=d"],
    ["/up//a///b/", "https://origin.example/up//a///b/"],
    ["//up/a", "https://origin.example//up/a"],
    ["/up/a%2Fb%2fc", "https://origin.example/up/a%2Fb%2fc"],
    ["/up/a%252Fb", "https://origin.example/up/a%252Fb"],
    ["/up/100%25", "https://origin.example/up/100%25"],
    ["/up/a;b=c@d:e!$*(),~'", "https://origin.example/up/a;b=c@d:e!$*(),~'"],
    ["/up/@evil.example", "https://origin.example/up/@evil.example"],
    ["/up/https://evil.example", "https://origin.example/up/https://evil.example"],
    ["/up/.hidden/..x/x../...", "https://origin.example/up/.hidden/..x/x../..."],
    ["/up?//evil.example", "https://origin.example/up?//evil.example"],
    ["/up?a=%2F&b=%zz&c=%00&d='\"|", "https://origin.example/up?a=%2F&b=%zz&c=%00&d=%27%22|"],
    ["/up?", "https://origin.example/up?"],
    ["/up?a?b=/../c", "https://origin.example/up?a?b=/../c"],
  ])("%s is sent on as it is", (path, address) => {
    expect(addressOf(plain, path)).toBe(address)
  })

  it.each([
    ["/cut", "https://origin.example:8443/base"],
    ["/cut/", "https://origin.example:8443/base/"],
    ["/cut/a?b", "https://origin.example:8443/base/a?b"],
    ["/cut//evil.example/a", "https://origin.example:8443/base//evil.example/a"],
    ["//cut//a", "https://origin.example:8443/base//a"],
    ["/cut/cut", "https://origin.example:8443/base/cut"],
  ])("%s loses the prefix where that is stripped", (path, address) => {
    expect(addressOf(stripped, path)).toBe(address)
  })
})

describe("a path of a collection", () => {
  const PROJECT = "https://origin.example/keptn/api/resource-service/v1/project"

  it.each([
    ["a/resource/b%2Fc.yaml", "a/resource/b/c.yaml"],
    ["a/resource/b%252Fc.yaml", "a/resource/b%252Fc.yaml"],
    ["a/resource/b%2Bc", "a/resource/b%2Bc"],
    ["a/resource/b c", "a/resource/b%20c"],
    ["a/resource/%C3%BC", "a/resource/%C3%BC"],
    ["%61?pageSize=1&x=%2F", "a?pageSize=1&x=%2F"],
  ])("%s is decoded once and escaped anew, as Keptn's gateway does", (path, sent) => {
    expect(addressOf(collection, `/api/resource-service/v1/project/${path}`)).toBe(`${PROJECT}/${sent}`)
  })

  it("may have escapes in its prefix", () => {
    expect(addressOf(collection, "/api/resource%2Dservice//v1/project/a")).toBe(`${PROJECT}/a`)
  })
})

describe("a path that an origin might read in another way is refused:", () => {
  const paths = [
    ..."..%2fx x/..%2f..%2fy %2e%2e%2fx ..%5cx x%5c..%5cy %252e%252e%252fx %25252e%25252e%25252fx".split(" "),
    ..."..;/x ..;a=b/x .;/x %2e%2e;/x x%2f..;y ..%00/x %00 a%0d%0aX-Evil:1 a%0aHost:evil %7f %250d%250a".split(" "),
    ..."%zz %2 % a%u002e %c0%ae%c0%ae/x %ff %2525252525252e".split(" "),
  ]

  it.each(paths)("%s", (path) => {
    for (const upstream of [plain, stripped]) {
      expect(() => addressOf(upstream, `${upstream?.prefix}/${path}`)).toThrow("does not belong into it")
    }
    expect(() => addressOf(collection, `/api/resource-service/${path}`)).toThrow("does not belong into it")
  })

  it.each(["/u%70/x", "/up%2Fx", "/%75p"])("%s, whose prefix is escaped", (path) => {
    expect(() => addressOf(plain, path)).toThrow("write /up at the beginning of the path without escapes")
  })
})

describe("the upstream of a path", () => {
  const list = upstreams(
    { prefix: "/a", role: "none" },
    { prefix: "/a/b", role: "none" },
    { collection: "control-plane" },
    { prefix: "/api/controlPlane/v1/sequence", role: "none" },
  )

  it.each([
    ["/a", "/a"],
    ["/a/", "/a"],
    ["/a/x", "/a"],
    ["/a/b", "/a/b"],
    ["/a/b/c", "/a/b"],
    ["/a/bc", "/a"],
    ["/ab", undefined],
    ["/A", undefined],
    ["/", undefined],
    ["/api/controlPlane/v1/project", "control-plane"],
    ["/api/controlPlane/v1/sequence/x", "/api/controlPlane/v1/sequence"],
    ["/api/controlPlaneX", undefined],
    ["/api/v1/event", undefined],
  ])("%s is %s: that with the longest prefix", (path, name) => {
    expect(findUpstream(list, path)?.name).toBe(name)
  })
})

describe("an address that an origin gives", () => {
  const EDGE = "https://eu.api.example.com"
  const BASE = "https://origin.example:8443/base/a/b"

  it.each([
    ["https://origin.example:8443/base/login?a=b#c", `${EDGE}/cut/login?a=b#c`],
    ["http://origin.example/base/login", `${EDGE}/cut/login`],
    ["/base/login", `${EDGE}/cut/login`],
    ["/base", `${EDGE}/cut`],
    ["c", `${EDGE}/cut/a/c`],
    ["?page=2", `${EDGE}/cut/a/b?page=2`],
    ["/elsewhere", null],
    ["/basement", null],
    ["https://origin.example:8443/", null],
    ["../../x", null],
    ["caf\ufffd", null],
    ["//origin.example:8443/base/x", `${EDGE}/cut/x`],
    ["https://origin.example:9999/base/x", null],
    ["https://other.example/base/x", null],
    ["https://origin.example.evil.example/", null],
    ["javascript:alert(1)", null],
    ["https://", null],
  ])("%s is %s here", (address, here) => {
    expect(stripped && edgeAddress(stripped, address, BASE, EDGE)).toBe(here)
  })

  it.each([
    ["/up/x", `${EDGE}/up/x`],
    ["https://origin.example/up", `${EDGE}/up`],
    // Another upstream, or this edge itself, serves these.
    ["/elsewhere", null],
    ["/upper", null],
    ["https://origin.example/", null],
  ])("is %s where no prefix is stripped: %s", (address, here) => {
    expect(plain && edgeAddress(plain, address, "https://origin.example/up/a", EDGE)).toBe(here)
  })
})
