/** What operators write of their upstreams: what it comes to, and what each mistake is told. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { ConfigError, loadConfig } from "../../src/config.ts"

const ORIGIN = "https://keptn.example.com"
const INTRODUCTION = "the configuration of this Worker is wrong (see wrangler.toml): "

function upstreamsOf(list: unknown, changes: Record<string, unknown> = {}) {
  return loadConfig({ ...env, UPSTREAMS_US: list, ...changes }).upstreams.get("us")
}

/** What is said of a list of upstreams. */
function problemOf(list: unknown, changes: Record<string, unknown> = {}): string {
  try {
    upstreamsOf(list, changes)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replace(INTRODUCTION, "")
    throw error
  }
  return "none"
}

describe("an upstream", () => {
  it("has these settings when it says no more than what it serves and where", () => {
    expect(upstreamsOf([{ collection: "statistics-service", origin: ORIGIN }])).toEqual([
      {
        name: "statistics-service",
        prefix: "/api/statistics",
        collection: "statistics-service",
        origin: ORIGIN,
        basePath: "",
        stripPrefix: false,
        methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"],
        action: "administer",
        firstByteMs: 30_000,
        totalMs: null,
        retries: true,
        maxRequestBytes: 104_857_600,
        maxResponseBytes: null,
        maxHeaderBytes: 32_768,
        circuit: { failures: 5, openMs: 10_000 },
        isPublic: false,
        credential: null,
        document: null,
      },
    ])
  })

  it("can say everything else", () => {
    const settings = {
      prefix: "/bridge/v1",
      origin: "http://10.0.0.1:8080/base/",
      allow_plain_http: true,
      strip_prefix: true,
      methods: ["PROPFIND", "POST"],
      role: "Integration",
      first_byte_seconds: 1,
      total_seconds: 2,
      retry: false,
      public: true,
      max_request_bytes: 3,
      max_response_bytes: 4,
      max_header_bytes: 500,
      circuit: { failures: 6, seconds: 7 },
      credential: { header: "X-Token", secret: "KEPTN_TOKEN" },
      document: "/swagger.yaml",
    }
    expect(upstreamsOf([settings], { KEPTN_TOKEN: " secret\n" })).toEqual([
      {
        name: "/bridge/v1",
        prefix: "/bridge/v1",
        collection: null,
        origin: "http://10.0.0.1:8080",
        basePath: "/base",
        stripPrefix: true,
        methods: ["PROPFIND", "POST"],
        action: "integrate",
        firstByteMs: 1000,
        totalMs: 2000,
        retries: false,
        isPublic: true,
        maxRequestBytes: 3,
        maxResponseBytes: 4,
        maxHeaderBytes: 500,
        circuit: { failures: 6, openMs: 7000 },
        credential: { name: "x-token", value: "secret" },
        document: "/swagger.yaml",
      },
    ])
  })

  it.each([
    ["none", null],
    ["Viewer", "read"],
    ["Integration", "integrate"],
    ["Contributor", "contribute"],
    ["Admin", "administer"],
  ])("with the role %s asks for the right to %s", (role, action) => {
    expect(upstreamsOf([{ prefix: "/x", origin: ORIGIN, role }])?.[0]?.action).toBe(action)
  })

  it("may stand beside others, below a collection too, in a region and not in others", () => {
    const list = ["/api/controlPlane/v1/sequence", "/x", "/x/y"].map((prefix) => ({
      prefix,
      origin: ORIGIN,
      role: "none",
    }))
    const { upstreams } = loadConfig({ ...env, UPSTREAMS_US: list })
    expect(upstreams.get("us")).toHaveLength(3)
    expect(upstreams.get("eu")).toEqual([])
  })

  it("may be given as JSON text, as a secret is", () => {
    expect(upstreamsOf(JSON.stringify([{ collection: "secret-service", origin: ORIGIN }]))).toHaveLength(1)
    expect(upstreamsOf("")).toEqual([])
  })
})

describe("the configuration is refused, and told what is wrong, with", () => {
  const bridge = { prefix: "/bridge", origin: ORIGIN, role: "none" }
  const cases: [string, unknown, string][] = [
    ["no list", {}, "UPSTREAMS_US must be a list of upstreams"],
    ["a text that is no JSON", "keptn", "UPSTREAMS_US must be a list of upstreams"],
    ["an entry that is no table", ["keptn"], "UPSTREAMS_US[0] must be a table"],
    ["nothing to serve", [{ origin: ORIGIN }], "UPSTREAMS_US[0] must have either collection or prefix"],
    [
      "two things to serve",
      [{ ...bridge, collection: "secret-service" }],
      "UPSTREAMS_US[0] must have either collection or prefix",
    ],
    [
      "a collection that is none",
      [{ collection: "git", origin: ORIGIN }],
      "UPSTREAMS_US[0].collection must be one of api-service, control-plane, resource-service, configuration-service, mongodb-datastore, secret-service, statistics-service",
    ],
    ["an unknown setting", [{ ...bridge, host: "x" }], "UPSTREAMS_US[0] has an unknown setting: host"],
    [
      "no role for a prefix",
      [{ prefix: "/x", origin: ORIGIN }],
      "UPSTREAMS_US[0].role must be one of none, Viewer, Integration, Contributor, Admin",
    ],
    [
      "a role that is none",
      [{ ...bridge, role: "viewer" }],
      "UPSTREAMS_US[0].role must be one of none, Viewer, Integration, Contributor, Admin",
    ],
    [
      "no origin",
      [{ prefix: "/x", role: "none" }],
      "UPSTREAMS_US[0].origin must be a URL such as https://keptn.example.com",
    ],
    [
      "an origin that is no URL",
      [{ ...bridge, origin: "keptn" }],
      "UPSTREAMS_US[0].origin must be a URL such as https://keptn.example.com",
    ],
    ["another scheme", [{ ...bridge, origin: "ftp://keptn" }], "UPSTREAMS_US[0].origin must begin with https://"],
    [
      "plain http that is not allowed in so many words",
      [{ ...bridge, origin: "http://keptn" }],
      "UPSTREAMS_US[0].origin must begin with https://, or allow_plain_http must be true: nothing protects what is sent as plain http",
    ],
    [
      "a password in the origin",
      [{ ...bridge, origin: "https://a:b@keptn" }],
      "UPSTREAMS_US[0].origin must hold no user name and no password: use credential",
    ],
    [
      "a query in the origin",
      [{ ...bridge, origin: `${ORIGIN}?a` }],
      "UPSTREAMS_US[0].origin must hold no query and no fragment",
    ],
    [
      "an escape in the origin",
      [{ ...bridge, origin: `${ORIGIN}/a%2fb` }],
      "UPSTREAMS_US[0].origin must have a plain path",
    ],
    [
      "an origin that is this deployment",
      [{ ...bridge, origin: "https://us.api.localhost:8443" }],
      "UPSTREAMS_US[0].origin is a host of this deployment, which would ask itself",
    ],
    [
      "an origin that is this deployment, with a final dot",
      [{ ...bridge, origin: "https://us.api.localhost.:8443" }],
      "UPSTREAMS_US[0].origin is a host of this deployment, which would ask itself",
    ],
    ["a public that is no flag", [{ ...bridge, public: "yes" }], "UPSTREAMS_US[0].public must be true or false"],
    [
      "TRACE",
      [{ ...bridge, methods: ["TRACE"] }],
      "UPSTREAMS_US[0].methods[0] must be a method that can be passed on, in capitals",
    ],
    [
      "a method that the platform cannot send",
      [{ ...bridge, methods: ["GET", "BREW"] }],
      "UPSTREAMS_US[0].methods[1] must be a method that can be passed on, in capitals",
    ],
    [
      "a method in small letters",
      [{ ...bridge, methods: ["get"] }],
      "UPSTREAMS_US[0].methods[0] must be a method that can be passed on, in capitals",
    ],
    ["no methods", [{ ...bridge, methods: [] }], "UPSTREAMS_US[0].methods must name at least one method"],
    [
      "a time that is none",
      [{ ...bridge, first_byte_seconds: 0 }],
      "UPSTREAMS_US[0].first_byte_seconds must be a whole number from 1 to 86400",
    ],
    [
      "half a second",
      [{ ...bridge, total_seconds: 0.5 }],
      "UPSTREAMS_US[0].total_seconds must be a whole number from 0 to 86400",
    ],
    [
      "a number as text",
      [{ ...bridge, max_request_bytes: "1" }],
      "UPSTREAMS_US[0].max_request_bytes must be a whole number from 1",
    ],
    ["a flag that is none", [{ ...bridge, strip_prefix: "yes" }], "UPSTREAMS_US[0].strip_prefix must be true or false"],
    [
      "half a circuit",
      [{ ...bridge, circuit: { failures: 0 } }],
      "UPSTREAMS_US[0].circuit.failures must be a whole number from 1 to 1000",
    ],
    [
      "a document that is no path",
      [{ ...bridge, document: "https://evil.example/x" }],
      "UPSTREAMS_US[0].document must be a path that begins with a slash",
    ],
    [
      "a document on another host",
      [{ ...bridge, document: "//evil.example/x" }],
      "UPSTREAMS_US[0].document must be a path that begins with a slash",
    ],
    [
      "a secret that is not there",
      [{ ...bridge, credential: { header: "x-token", secret: "NOWHERE" } }],
      "UPSTREAMS_US[0].credential needs the secret NOWHERE: set it as one line of text",
    ],
    [
      "a credential in a header that the gateway sets",
      [{ ...bridge, credential: { header: "Host", secret: "API_DOMAIN" } }],
      "UPSTREAMS_US[0].credential.header must be a header that the gateway does not set itself",
    ],
    [
      "a credential in another spelling of one",
      [{ ...bridge, credential: { header: "X_Principal_Id", secret: "API_DOMAIN" } }],
      "UPSTREAMS_US[0].credential.header must be a header that the gateway does not set itself",
    ],
    [
      "a header name that is none",
      [{ ...bridge, credential: { header: "x: y", secret: "API_DOMAIN" } }],
      "UPSTREAMS_US[0].credential.header must be the name of a header",
    ],
    ["the same prefix twice", [bridge, bridge], "UPSTREAMS_US[1] serves /bridge, which an upstream before it does"],
    [
      "several mistakes",
      [{ ...bridge, retry: 1 }, { collection: "secret-service" }],
      "UPSTREAMS_US[0].retry must be true or false; UPSTREAMS_US[1].origin must be a URL such as https://keptn.example.com",
    ],
  ]

  it.each(cases)("%s", (_, list, problem) => {
    expect(problemOf(list)).toBe(problem)
  })

  it.each([
    ["/", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["bridge", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/bridge/", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/a//b", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/a/../b", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/a%2fb", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/a?b", "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end"],
    ["/api", "cannot be /api: /api/assets this edge answers itself"],
    ["/api/openapi/x", "cannot be /api/openapi/x: /api/openapi this edge answers itself"],
    ["/git/x", "cannot be /git/x: /git this edge answers itself"],
    ["/v3", "cannot be /v3: /v3 this edge answers itself"],
    ["/health", "cannot be /health: /health this edge answers itself"],
    ["/favicon.ico", "cannot be /favicon.ico: /favicon.ico this edge answers itself"],
    ["/api/secrets", "cannot be /api/secrets: /api/secrets is collection secret-service"],
  ])("the prefix %s", (prefix, problem) => {
    expect(problemOf([{ prefix, origin: ORIGIN, role: "none" }])).toBe(`UPSTREAMS_US[0].prefix ${problem}`)
  })

  it("upstreams of a region that there is not", () => {
    expect(problemOf([], { UPSTREAMS_ASIA: [] })).toBe("UPSTREAMS_ASIA is for none of the REGIONS")
  })

  it("a credential of several lines, without repeating it", () => {
    const list = [{ ...bridge, credential: { header: "x-token", secret: "S" } }]
    expect(problemOf(list, { S: "one\r\ntwo: three" })).toBe(
      "UPSTREAMS_US[0].credential needs the secret S: set it as one line of text",
    )
  })
})
