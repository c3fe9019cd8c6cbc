/** A configuration that is not complete is refused as a whole, in one sentence that names everything that is wrong with it. */
import { createExecutionContext, createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { beforeAll, describe, expect, it, vi } from "vitest"
import { ConfigError, loadConfig } from "../src/config.ts"
import { newSealingKey, SealingKeys } from "../src/lib/sealing.ts"
import { adminToken } from "./support/client.ts"
import { captureLog } from "./support/log.ts"

const INTRODUCTION = "the configuration of this Worker is wrong (see wrangler.toml): "

/** What `loadConfig` says is wrong when the environment is changed like this. */
function problemsWith(changes: Record<string, unknown>): string[] {
  try {
    loadConfig({ ...env, ...changes })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error.message.startsWith(INTRODUCTION)).toBe(true)
    return error.message.slice(INTRODUCTION.length).split("; ")
  }
  return []
}

/** The Worker as a new isolate has it. */
async function newWorker() {
  vi.resetModules()
  return (await import("../src/index.ts")).default
}

describe("the environment of wrangler.toml", () => {
  it("is what the edge is built from", () => {
    const { regions, secretKeys, upstreams, ...config } = loadConfig({ ...env })
    expect(secretKeys).toBeInstanceOf(SealingKeys)
    expect([...upstreams]).toEqual([
      ["eu", []],
      ["us", []],
    ])
    expect(config).toEqual({
      apiDomain: "api.localhost",
      defaultRegion: "eu",
      // Not that of wrangler.toml, but of vitest.config.ts.
      tokenCacheSeconds: 900,
      maxBodyBytes: 5_242_880,
      maxRawBytes: 104_857_600,
      auditRetentionDays: 365,
      eventRetentionDays: null,
      integrationTtlHours: 48,
      eventValidation: false,
      serverTiming: true,
      storageTimeout: 30_000,
      version: env.VERSION.id,
      directory: env.DB_GLOBAL,
      assets: env.ASSETS,
      authFailures: env.AUTH_FAILURES,
    })
    expect([...regions]).toEqual([
      ["eu", { database: env.DB_EU, bucket: env.BLOBS_EU, cache: env.CACHE_EU }],
      ["us", { database: env.DB_US, bucket: env.BLOBS_US, cache: env.CACHE_US }],
    ])
  })

  it("needs no cache where none is to be used", () => {
    const { regions } = loadConfig({ ...env, CACHED_REGIONS: "us", CACHE_EU: undefined })
    expect([...regions].map(([name, { cache }]) => [name, cache])).toEqual([
      ["eu", null],
      ["us", env.CACHE_US],
    ])
  })

  it("may leave out the default region, and every cache", () => {
    const config = loadConfig({ ...env, DEFAULT_REGION: "", CACHED_REGIONS: "" })
    expect(config.defaultRegion).toBeNull()
    expect([...config.regions.values()].map(({ cache }) => cache)).toEqual([null, null])
  })

  it("may have blanks between its regions", () => {
    expect([...loadConfig({ ...env, REGIONS: " us , eu, " }).regions.keys()]).toEqual(["us", "eu"])
  })

  it("may have one region", () => {
    const changes = { REGIONS: "us", CACHED_REGIONS: "us", DEFAULT_REGION: "us", DB_EU: undefined, BLOBS_EU: undefined }
    expect([...loadConfig({ ...env, ...changes }).regions.keys()]).toEqual(["us"])
  })

  it("turns the validation of events on with its other word", () => {
    expect(loadConfig({ ...env, EVENT_VALIDATION: "on" }).eventValidation).toBe(true)
  })

  it("may have no keys for secrets, or several", () => {
    for (const value of [undefined, "", " \n"]) expect(loadConfig({ ...env, SECRET_KEYS: value }).secretKeys).toBeNull()
    const list = [newSealingKey(new Date()), newSealingKey(new Date())].join(" , ")
    expect(loadConfig({ ...env, SECRET_KEYS: `${list}\n` }).secretKeys?.olderPrefixes).toHaveLength(1)
  })

  it("turns Server-Timing off with its other word", () => {
    expect(loadConfig({ ...env, SERVER_TIMING: "off" }).serverTiming).toBe(false)
  })
})

describe("a binding", () => {
  const kinds = {
    DB_GLOBAL: "D1 database",
    DB_EU: "D1 database",
    DB_US: "D1 database",
    BLOBS_EU: "R2 bucket",
    BLOBS_US: "R2 bucket",
    CACHE_EU: "KV namespace",
    CACHE_US: "KV namespace",
    ASSETS: "static assets",
    AUTH_FAILURES: "rate limit",
    VERSION: "version metadata",
  }
  const bindings = Object.entries(kinds)

  it.each(bindings)("%s that is missing is named, and its kind: %s", (name, kind) => {
    expect(problemsWith({ [name]: undefined })).toEqual([`${name} must be a ${kind} binding`])
  })

  it.each(bindings)("%s that is not a %s but something else is named", (name, kind) => {
    const others = { ...env, null: null, text: "text", number: 1, empty: {} }
    const wrong = Object.entries(others).filter(([other]) =>
      other in kinds ? bindings.every(([key, of]) => key !== other || of !== kind) : !other.startsWith("__"),
    )
    expect(wrong.length).toBeGreaterThan(15)
    for (const [other, value] of wrong) {
      expect([other, problemsWith({ [name]: value })]).toEqual([other, [`${name} must be a ${kind} binding`]])
    }
  })
})

describe("a variable", () => {
  const region = "must hold region codes of lower-case letters and digits"
  const domain = "must be a lower-case domain name"
  const timing = 'must be "on" or "off"'
  const number = "must be a whole number"

  it.each([
    ["API_DOMAIN", undefined, "API_DOMAIN is missing"],
    ["API_DOMAIN", "", `API_DOMAIN ${domain}`],
    ["API_DOMAIN", "API.example.com", `API_DOMAIN ${domain}`],
    ["API_DOMAIN", "https://api.example.com", `API_DOMAIN ${domain}`],
    ["API_DOMAIN", "api.example.com:8787", `API_DOMAIN ${domain}`],
    ["API_DOMAIN", "api.example.com.", `API_DOMAIN ${domain}`],
    ["REGIONS", undefined, "REGIONS is missing"],
    ["TOKEN_CACHE_SECONDS", undefined, "TOKEN_CACHE_SECONDS is missing"],
    ["TOKEN_CACHE_SECONDS", "", `TOKEN_CACHE_SECONDS ${number}`],
    ["TOKEN_CACHE_SECONDS", "-1", `TOKEN_CACHE_SECONDS ${number}`],
    ["TOKEN_CACHE_SECONDS", "5s", `TOKEN_CACHE_SECONDS ${number}`],
    ["TOKEN_CACHE_SECONDS", "0.5", `TOKEN_CACHE_SECONDS ${number}`],
    ["TOKEN_CACHE_SECONDS", "901", "TOKEN_CACHE_SECONDS must be at most 900"],
    ["TOKEN_CACHE_SECONDS", 5, "TOKEN_CACHE_SECONDS must be a text, in quotes"],
    ["MAX_BODY_BYTES", undefined, "MAX_BODY_BYTES is missing"],
    ["MAX_BODY_BYTES", "5m", `MAX_BODY_BYTES ${number}`],
    ["MAX_BODY_BYTES", "0", "MAX_BODY_BYTES must be from 1 to 16777216"],
    ["MAX_BODY_BYTES", "16777217", "MAX_BODY_BYTES must be from 1 to 16777216"],
    ["MAX_RAW_BYTES", "0", "MAX_RAW_BYTES must be greater than 0"],
    ["INTEGRATION_TTL_HOURS", undefined, "INTEGRATION_TTL_HOURS is missing"],
    ["INTEGRATION_TTL_HOURS", "0", "INTEGRATION_TTL_HOURS must be greater than 0"],
    ["INTEGRATION_TTL_HOURS", "2 days", `INTEGRATION_TTL_HOURS ${number}`],
    ["SERVER_TIMING", undefined, `SERVER_TIMING ${timing}`],
    ["SERVER_TIMING", "true", `SERVER_TIMING ${timing}`],
    ["EVENT_VALIDATION", undefined, `EVENT_VALIDATION ${timing}`],
    ["EVENT_VALIDATION", "ON", `EVENT_VALIDATION ${timing}`],
    ["CACHED_REGIONS", undefined, "CACHED_REGIONS is missing"],
    ["CACHED_REGIONS", "eu,ap", "CACHED_REGIONS holds 'ap', which REGIONS does not"],
    ["DEFAULT_REGION", undefined, "DEFAULT_REGION is missing"],
    ["DEFAULT_REGION", "ap", "DEFAULT_REGION must be empty or one of eu, us"],
    ["DEFAULT_REGION", "EU", "DEFAULT_REGION must be empty or one of eu, us"],
  ])("%s that is %j is named", (name, value, problem) => {
    expect(problemsWith({ [name]: value })).toEqual([problem])
  })

  it.each([
    ["", "must name at least one region"],
    [" , ", "must name at least one region"],
    ["EU", region],
    ["eu us", region],
    ["e-u", region],
    ["1eu", region],
    ["eu,us,global", "cannot hold 'global', the name of the global host"],
  ])("REGIONS that is %j is named", (value, problem) => {
    expect(problemsWith({ REGIONS: value, DEFAULT_REGION: "", CACHED_REGIONS: "" })).toContainEqual(
      expect.stringMatching(new RegExp(`^REGIONS(\\.\\d+)? ${problem}$`)),
    )
  })

  it("REGIONS with a region that has no bindings has them named", () => {
    expect(problemsWith({ REGIONS: "eu,us,ap", CACHED_REGIONS: "eu,ap" })).toEqual([
      "DB_AP must be a D1 database binding",
      "BLOBS_AP must be a R2 bucket binding",
      "CACHE_AP must be a KV namespace binding",
    ])
  })

  it("TOKEN_CACHE_SECONDS may be from 0 to 900", () => {
    expect(problemsWith({ TOKEN_CACHE_SECONDS: "0" })).toEqual([])
    expect(problemsWith({ TOKEN_CACHE_SECONDS: "900" })).toEqual([])
  })
})

describe("SECRET_KEYS", () => {
  const key = "A".repeat(43)
  const form = "must be a list of id:key, each key 32 bytes in base64url:"

  it.each([
    ["secret-text", `${form} entry 1 is not`],
    [`one:${key},two:secret-text`, `${form} entry 2 is not`],
    [`one:${key},`, `${form} entry 2 is not`],
    [`one:${key}A`, `${form} entry 1 is not`],
    [`o.ne:${key}`, `${form} entry 1 is not`],
    [`one:${key},one:${key}`, "must not have two keys with one id: entry 2 does"],
    [Array.from({ length: 17 }, (_, index) => `${index}:${key}`).join(","), "must hold at most 16 keys"],
    [5, "must be a text"],
  ])("that is %j is named, and not repeated", (value, problem) => {
    expect(problemsWith({ SECRET_KEYS: value })).toEqual([`SECRET_KEYS ${problem}`])
  })
})

describe("several problems", () => {
  it("are all named in one error", () => {
    const problems = problemsWith({
      API_DOMAIN: undefined,
      SERVER_TIMING: "maybe",
      TOKEN_CACHE_SECONDS: "1000",
      DEFAULT_REGION: "ap",
      CACHED_REGIONS: "eu,us,ap",
      DB_GLOBAL: undefined,
      BLOBS_US: env.DB_US,
      VERSION: undefined,
    })
    expect(problems.toSorted()).toEqual([
      "API_DOMAIN is missing",
      "BLOBS_US must be a R2 bucket binding",
      "CACHED_REGIONS holds 'ap', which REGIONS does not",
      "DB_GLOBAL must be a D1 database binding",
      "DEFAULT_REGION must be empty or one of eu, us",
      'SERVER_TIMING must be "on" or "off"',
      "TOKEN_CACHE_SECONDS must be at most 900",
      "VERSION must be a version metadata binding",
    ])
  })

  it("are named of an environment with nothing in it", () => {
    expect(() => loadConfig({})).toThrow(ConfigError)
    for (const name of [
      "API_DOMAIN",
      "REGIONS",
      "CACHED_REGIONS",
      "DEFAULT_REGION",
      "TOKEN_CACHE_SECONDS",
      "MAX_BODY_BYTES",
      "MAX_RAW_BYTES",
      "EVENT_VALIDATION",
      "SERVER_TIMING",
      "DB_GLOBAL",
      "ASSETS",
      "AUTH_FAILURES",
      "VERSION",
    ]) {
      expect(() => loadConfig({})).toThrow(` ${name} `)
    }
  })
})

describe("the Worker with a wrong configuration", () => {
  const IncomingRequest = Request<unknown, IncomingRequestCfProperties>
  const broken = Object.assign({}, env, { API_DOMAIN: "", BLOBS_US: undefined })
  const text = `${INTRODUCTION}API_DOMAIN must be a lower-case domain name; BLOBS_US must be a R2 bucket binding`

  let worker: Awaited<ReturnType<typeof newWorker>>

  beforeAll(async () => {
    worker = await newWorker()
  })

  it.each(["/health", "/nginx-health", "/api", "/api/assets/docs.js", "/api/v1/metadata", "/v3/users/me", "/"])(
    "answers %s with 503 and what is wrong, and serves nothing",
    async (path) => {
      const lines = captureLog()
      const request = new IncomingRequest(`http://eu.api.localhost${path}`, { headers: { "x-token": adminToken } })
      const response = await worker.fetch(request, broken, createExecutionContext())
      expect(response.status).toBe(503)
      expect(response.headers.get("content-type")).toBe("application/json")
      expect(await response.json()).toEqual({ code: 503, message: text })
      expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
        ["error", { event: "configuration", error: text }],
      ])
    },
  )

  it("serves as soon as the configuration is right", async () => {
    const mended = await newWorker()
    captureLog()
    const statuses: number[] = []
    for (const environment of [broken, broken, env, env]) {
      const request = new IncomingRequest("http://eu.api.localhost/health")
      statuses.push((await mended.fetch(request, environment, createExecutionContext())).status)
    }
    expect(statuses).toEqual([503, 503, 200, 200])
  })

  it("runs no scheduled job", async () => {
    await expect(worker.scheduled(createScheduledController(), broken)).rejects.toThrow(text)
  })
})
