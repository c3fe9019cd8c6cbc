/** What administrators are told of the installation: that all is well, and each thing that is not. */
import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { z } from "zod"
import { createEdge } from "../../../src/app.ts"
import { type Config, loadConfig } from "../../../src/config.ts"
import { adminToken, createProject, send } from "../../support/client.ts"
import { edgeWith } from "../../support/edge.ts"
import { Fault, intercept, type StorageCall } from "../../support/intercept.ts"
import { captureLog } from "../../support/log.ts"

const database = {
  database: z.strictObject({ reachable: z.boolean(), bytes: z.number().nullable() }),
  migrations: z.strictObject({ applied: z.array(z.string()), pending: z.array(z.string()) }).nullable(),
  jobs: z.array(
    z.strictObject({ name: z.string(), started_at: z.iso.datetime(), duration_ms: z.number(), failed: z.boolean() }),
  ),
}
const reachable = z.strictObject({ reachable: z.boolean() })
const statusSchema = z.strictObject({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  directory: z.strictObject(database),
  regions: z.array(
    z.strictObject({
      region: z.string(),
      ...database,
      bucket: reachable,
      cache: reachable.nullable(),
      oldest_event: z.iso.datetime().nullable(),
    }),
  ),
})

const config = loadConfig({ ...env })

/** The status as an edge with this configuration tells it. */
async function statusOf(changes: Partial<Config> = {}) {
  const response = await edgeWith(changes)("http://global.api.localhost/v3/status", {
    headers: { "x-token": adminToken },
  })
  expect(response.status).toBe(200)
  return statusSchema.parse(await response.json())
}

/** The configuration with the storage of `eu` broken in one place. */
function broken(call: StorageCall, run: (real: () => Promise<unknown>) => Promise<unknown>): Partial<Config> {
  const eu = config.regions.get("eu")
  if (!eu) throw new Error("no region eu")
  return {
    regions: new Map([...config.regions, ["eu", intercept(eu, (name, real) => (name === call ? run(real) : real()))]]),
  }
}

beforeEach(() => createEdge(config).runJobs())

describe("the status", () => {
  it("of an installation where all is well is ok", async () => {
    const status = await statusOf()
    expect(status.status).toBe("ok")
    expect(status.version).toBe(env.VERSION.id)
    expect(status.directory.migrations?.pending).toEqual([])
    expect(status.regions.map(({ region }) => region)).toEqual(["eu", "us"])
    for (const one of [status.directory, ...status.regions]) {
      expect(one.database.reachable).toBe(true)
      expect(one.database.bytes).toBeGreaterThan(4096)
      expect(one.migrations?.applied.length).toBeGreaterThan(1)
    }
    for (const { bucket, cache } of status.regions) {
      expect([bucket, cache]).toEqual([{ reachable: true }, { reachable: true }])
    }
  })

  it("has the last run of each job", async () => {
    const before = new Date().toISOString()
    await createEdge(config).runJobs()
    const { directory, regions } = await statusOf()
    expect(directory.jobs.map(({ name }) => name)).toEqual(["trim-audit-log", "forget-idempotency-keys"])
    for (const { jobs } of regions) {
      expect(jobs.map(({ name }) => name)).toEqual([
        "clear-deleted-projects",
        "settle-role-changes",
        "collect-garbage",
        "archive-events",
        "reseal-secrets",
        "expire-integrations",
        "expire-integration-logs",
        "expire-statistics",
        "forget-idempotency-keys",
      ])
      for (const job of jobs) expect([job.failed, job.started_at >= before]).toEqual([false, true])
    }
  })

  it("has the time of the oldest event of each region", async () => {
    const before = new Date().toISOString()
    await createProject("eu", "aged", "dev")
    const json = {
      type: "sh.keptn.event.dev.delivery.triggered",
      source: "test",
      data: { project: "aged", stage: "dev", service: "a" },
    }
    for (let count = 0; count < 2; count++) expect((await send("eu", "/api/v1/event", { json })).status).toBe(200)
    const [eu, us] = (await statusOf()).regions
    expect(eu?.oldest_event && eu.oldest_event >= before).toBe(true)
    expect(us?.oldest_event).toBeNull()
  })

  it("says where there is no cache", async () => {
    const regions = new Map([...config.regions].map(([region, bindings]) => [region, { ...bindings, cache: null }]))
    const status = await statusOf({ regions })
    expect([status.status, status.regions.map(({ cache }) => cache)]).toEqual(["ok", [null, null]])
  })

  it("asks each storage once, all at the same time, and reads no more than a few rows", async () => {
    const response = await send("global", "/v3/status")
    const timing = response.headers.get("server-timing")
    // The token, then everything.
    expect(timing).toMatch(/trips;desc="[12]"/)
    expect(timing).toMatch(/r2;desc="2", kv;desc="2"/)
  })
})

describe("the status is degraded, and says of what, when", () => {
  it("a database cannot be reached", async () => {
    const log = captureLog()
    const status = await statusOf(broken("batch", () => Promise.reject(new Fault("no such thing"))))
    expect(status.status).toBe("degraded")
    const [eu, us] = status.regions
    expect(eu).toMatchObject({
      database: { reachable: false, bytes: null },
      migrations: null,
      jobs: [],
      oldest_event: null,
    })
    expect([eu?.bucket.reachable, us?.database.reachable]).toEqual([true, true])
    expect(JSON.stringify(status)).not.toContain("no such thing")
    expect(log.map(({ fields }) => fields)).toContainEqual({
      event: "unreachable",
      what: "the database of eu",
      error: "StorageError: storage failed: Fault: no such thing",
    })
  })

  it("a bucket cannot be reached", async () => {
    const status = await statusOf(broken("head", () => Promise.reject(new Fault("no bucket"))))
    expect([status.status, status.regions[0]?.bucket, status.regions[0]?.database.reachable]).toEqual([
      "degraded",
      { reachable: false },
      true,
    ])
  })

  it("a storage does not answer: nobody waits for it longer than five seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const { promise: never } = Promise.withResolvers<unknown>()
    const asked = Promise.withResolvers<void>()
    const answer = statusOf(
      broken("head", () => {
        asked.resolve()
        return never
      }),
    )
    await asked.promise
    await vi.advanceTimersByTimeAsync(5_000)
    vi.useRealTimers()
    expect((await answer).regions[0]?.bucket).toEqual({ reachable: false })
  })

  it("a migration is missing", async () => {
    const removed = await env.DB_US.prepare("DELETE FROM d1_migrations WHERE name = '0001_git.sql' RETURNING id").first(
      "id",
    )
    const status = await statusOf()
    expect([status.status, status.regions[1]?.migrations?.pending]).toEqual(["degraded", ["0001_git.sql"]])
    await env.DB_US.prepare("INSERT INTO d1_migrations (id, name) VALUES (?, '0001_git.sql')").bind(removed).run()
    expect((await statusOf()).status).toBe("ok")
  })

  it("the last run of a job failed, which keeps no other from running", async () => {
    const { regions = config.regions } = broken("list", () => Promise.reject(new Fault("no list")))
    await expect(createEdge({ ...config, regions }).runJobs()).rejects.toThrow("no list")
    const status = await statusOf()
    expect(status.status).toBe("degraded")
    const failed = status.regions.map(({ jobs }) => jobs.filter((job) => job.failed).map(({ name }) => name))
    expect(failed).toEqual([["collect-garbage"], []])
    await createEdge(config).runJobs()
    expect((await statusOf()).status).toBe("ok")
  })
})
