import { createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import worker from "../../../src/index.ts"
import { send, storageCounts, type TestRequest } from "../../support/client.ts"
import { answer, failure } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"

const logPath = "/api/controlPlane/v1/log"
const HOUR = 60 * 60 * 1000

const pageSchema = z.strictObject({
  logs: z.array(
    z.strictObject({
      integrationid: z.string(),
      message: z.string(),
      time: z.iso.datetime({ precision: 3 }),
      shkeptncontext: z.string(),
      task: z.string(),
      triggeredid: z.string(),
      gitcommitid: z.string(),
    }),
  ),
  nextPageKey: z.number().int().positive().optional(),
  totalCount: z.number().int().positive().optional(),
})

function postLogs(logs: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", logPath, { json: { logs }, ...request })
}

/** Logs what must be taken. */
async function log(...logs: Record<string, unknown>[]): Promise<void> {
  expect(await answer(await postLogs(logs), z.strictObject({}))).toEqual({})
}

function askLogs(query: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${logPath}?${query}`, request)
}

async function findLogs(query: string) {
  return answer(await askLogs(query), pageSchema)
}

async function messagesOf(query: string): Promise<string[]> {
  return (await findLogs(query)).logs.map(({ message }) => message)
}

/** Stores entries `0` to `count - 1` of an integration, a millisecond apart, as if they had come some hours ago. */
async function storeLogs(integrationId: string, count: number, { hours = 0, step = 1 } = {}): Promise<void> {
  await env.DB_EU.prepare(
    `with recursive n(i) as (select 0 union all select i + 1 from n where i < ?1 - 1)
     insert into integration_logs select null, ?2, i, 1700000000000 + i / ?3, '', '', '', '', ?4, '' from n`,
  )
    .bind(count, integrationId, step, Date.now() - hours * HOUR)
    .run()
}

async function countStored(integrationId: string): Promise<unknown> {
  return env.DB_EU.prepare("select count(*) as n from integration_logs where integration_id = ?")
    .bind(integrationId)
    .first("n")
}

const entry = {
  integrationid: "complete",
  message: "it failed",
  time: "2022-03-08T09:45:44.213Z",
  shkeptncontext: "08735340-6f9e-4b32-97ff-3b6c292bc509",
  task: "deployment",
  triggeredid: "1f2b4c1e",
  gitcommitid: "356a192b",
}

/** How many rows a page reads. */
async function rowsOf(query: string): Promise<number> {
  return storageCounts(await askLogs(query, { token: await knownToken() })).rows
}

/** A time that is known to the millisecond `n`. */
function timeAt(n: number): string {
  return `2022-03-08T09:45:44.00${n}Z`
}

describe("an entry", () => {
  it("comes back as it was sent", async () => {
    await log(entry)
    expect(await findLogs("integrationId=complete")).toEqual({ logs: [entry], totalCount: 1 })
  })

  it("may be in another zone, and more exact than is kept", async () => {
    await log({ ...entry, integrationid: "zoned", time: "2022-03-08T10:45:44.213999999+01:00", more: 1 })
    expect((await findLogs("integrationId=zoned")).logs).toEqual([{ ...entry, integrationid: "zoned" }])
  })

  it.each([undefined, null, "0001-01-01T00:00:00Z"])(
    "with the time %j is of now, and otherwise empty",
    async (time) => {
      const integrationid = `now ${time}`
      await log({ integrationid, time, message: null })
      const [found] = (await findLogs(`integrationId=${encodeURIComponent(integrationid)}`)).logs
      expect(found).toMatchObject({ integrationid, message: "", shkeptncontext: "", task: "", triggeredid: "" })
      expect(Math.abs(Date.parse(found?.time ?? "") - Date.now())).toBeLessThan(10_000)
    },
  )

  it.each([
    { time: "yesterday" },
    { time: "2022-03-08" },
    { time: 1_646_732_744 },
    { message: 1 },
    { message: "m".repeat(16_385) },
    { task: "t".repeat(1025) },
  ])("like %j is refused with 400, with all that came with it", async (members) => {
    const { status, message } = await failure(await postLogs([{ integrationid: "refused" }, members]))
    expect(status).toBe(400)
    expect(message).toMatch(/^Invalid request format: logs\.1\./)
    expect(await findLogs("integrationId=refused")).toEqual({ logs: [] })
  })
})

describe("a request to log", () => {
  it.each([{ logs: [] }, { logs: null }, {}])("of %j is answered with 500", async (json) => {
    expect(await failure(await send("eu", logPath, { json }))).toEqual({
      status: 500,
      code: 500,
      message: "must provide at least one element in input slice",
    })
  })

  it("may hold 1,000 entries of 16 KB", async () => {
    const large = Array.from({ length: 1000 }, () => ({ integrationid: "large", message: "é".repeat(2000) }))
    await log(...large)
    expect(await countStored("large")).toBe(1000)
    await log({ integrationid: "long", message: "m".repeat(16_384) })
    expect((await postLogs([...large, { message: "" }])).status).toBe(400)
  })

  it.each(["not json", "[]", ""])("with the body %j is refused with 400", async (body) => {
    expect((await failure(await send("eu", logPath, { method: "POST", body }))).status).toBe(400)
  })

  it("needs no Content-Type", async () => {
    const body = JSON.stringify({ logs: [{ integrationid: "plain" }] })
    expect((await send("eu", logPath, { body, headers: { "content-type": "text/plain" } })).status).toBe(200)
  })

  it("takes one trip, and so does a page", async () => {
    const caller = { token: await knownToken() }
    for (const response of [await postLogs([entry, entry], caller), await askLogs("", caller)]) {
      expect(response.status).toBe(200)
      expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1 })
    }
  })
})

describe("entries", () => {
  beforeAll(async () => {
    await log(...[2, 0, 1, 3].map((n) => ({ integrationid: "ordered", message: `${n}`, time: timeAt(n) })))
    await log(
      { integrationid: "ordered", message: "later", time: timeAt(1) },
      { integrationid: "other", time: timeAt(2) },
    )
  })

  it("come by their time, the newest first, and of one time those that came last", async () => {
    expect(await messagesOf("integrationId=ordered")).toEqual(["3", "2", "later", "1", "0"])
  })

  it.each([
    [`fromTime=${timeAt(2)}`, ["3", "2"]],
    [`beforeTime=${timeAt(1)}`, ["later", "1", "0"]],
    [`fromTime=${timeAt(1)}&beforeTime=${timeAt(2)}`, ["2", "later", "1"]],
    [`fromTime=${timeAt(2)}&beforeTime=${timeAt(1)}`, []],
  ])("are found by their times, both inclusive: %s", async (query, messages) => {
    expect(await messagesOf(`integrationId=ordered&${query}`)).toEqual(messages)
  })

  it("of all integrations are found without one", async () => {
    const { logs } = await findLogs(`fromTime=${timeAt(2)}&beforeTime=${timeAt(2)}&integrationId=`)
    expect(logs.map(({ integrationid }) => integrationid)).toEqual(["other", "ordered"])
  })

  it("of another region are not found", async () => {
    expect(await (await send("us", logPath)).json()).toEqual({ logs: [] })
  })

  it.each(["2022-03-08T09:45:44Z", "2022-03-08", "2022-03-08T10:45:44.213+01:00", "2022-13-08T09:45:44.213Z", "now"])(
    "are not found by a time like %s: 404",
    async (text) => {
      for (const name of ["fromTime", "beforeTime"]) {
        const { status, message } = await failure(await askLogs(`${name}=${encodeURIComponent(text)}`))
        expect(status).toBe(404)
        expect(message).toMatch(new RegExp(`^Unable to retrieve logs: could not parse provided ${name} `))
      }
    },
  )

  it.each(["pageSize=ten", "nextPageKey=x", "pageSize=1.5"])("are not found by ?%s: 400", async (query) => {
    const { status, message } = await failure(await askLogs(query))
    expect([status, message]).toEqual([400, expect.stringMatching(/^Invalid request format: /)])
  })
})

describe("pages", () => {
  const count = 250

  beforeAll(async () => {
    // Five at a time share a millisecond.
    await storeLogs("paged", count, { step: 5 })
    await storeLogs("beside", count)
  })

  async function walk(query: string): Promise<{ messages: string[]; sizes: number[] }> {
    const messages: string[] = []
    const sizes: number[] = []
    let key: number | undefined = 0
    while (key !== undefined) {
      const page: z.infer<typeof pageSchema> = await findLogs(`integrationId=paged${query}&nextPageKey=${key}`)
      expect(page.totalCount).toBe(count)
      messages.push(...page.logs.map(({ message }) => message))
      sizes.push(page.logs.length)
      key = page.nextPageKey
    }
    return { messages, sizes }
  }

  it.each([
    ["", [100, 100, 50]],
    ["&pageSize=0", [100, 100, 50]],
    ["&pageSize=-1", [100, 100, 50]],
    ["&pageSize=1000", [100, 100, 50]],
    ["&pageSize=83", [83, 83, 83, 1]],
    ["&pageSize=50", [50, 50, 50, 50, 50]],
  ])("of ?%s hold every entry once, and the last has no key", async (query, sizes) => {
    const found = await walk(query)
    expect(found.sizes).toEqual(sizes)
    expect(found.messages).toEqual(Array.from({ length: count }, (_, n) => `${count - 1 - n}`))
  })

  it("are not moved by what is logged meanwhile", async () => {
    await storeLogs("growing", 10)
    const first = await findLogs("integrationId=growing&pageSize=4")
    await log({ integrationid: "growing", message: "new" })
    const messages = await messagesOf(`integrationId=growing&pageSize=4&nextPageKey=${first.nextPageKey}`)
    expect(messages).toEqual(["5", "4", "3", "2"])
  })

  it("end behind a key that there is not", async () => {
    expect((await findLogs("integrationId=paged&nextPageKey=999999999")).logs).toEqual([])
  })

  it("tell the total up to 1,000 and no more", async () => {
    await storeLogs("thousand", 1000)
    expect((await findLogs("integrationId=thousand&pageSize=1")).totalCount).toBe(1000)
    await log({ integrationid: "thousand" })
    expect(await findLogs("integrationId=thousand&pageSize=1")).not.toHaveProperty("totalCount")
  })

  it("read no more rows where more is stored", async () => {
    await storeLogs("measured", 2000)
    const key = (await findLogs("integrationId=measured&pageSize=3")).nextPageKey
    const queries = ["integrationId=measured", `integrationId=measured&nextPageKey=${key}`, "", `nextPageKey=${key}`]
    const before: number[] = []
    for (const query of queries) before.push(await rowsOf(`${query}&pageSize=3`))
    await storeLogs("measured", 2000)
    for (const [index, query] of queries.entries()) {
      expect(await rowsOf(`${query}&pageSize=3`)).toBeLessThanOrEqual((before[index] ?? 0) + 8)
    }
    expect(Math.max(...before)).toBeLessThan(2100)
  })
})

describe("entries that came more than 120 hours ago", () => {
  it("are not shown, and are removed by the scheduled job", async () => {
    await storeLogs("old", 3, { hours: 120.1 })
    await storeLogs("young", 3, { hours: 119.9 })
    expect(await findLogs("integrationId=old")).toEqual({ logs: [] })
    expect(await findLogs("integrationId=young")).toMatchObject({ totalCount: 3 })
    await worker.scheduled(createScheduledController(), env)
    expect([await countStored("old"), await countStored("young")]).toEqual([0, 3])
  })

  it("are removed 10,000 at a time", async () => {
    await storeLogs("ancient", 10_001, { hours: 200 })
    await worker.scheduled(createScheduledController(), env)
    expect(await countStored("ancient")).toBe(1)
    await worker.scheduled(createScheduledController(), env)
    expect(await countStored("ancient")).toBe(0)
  })
})
