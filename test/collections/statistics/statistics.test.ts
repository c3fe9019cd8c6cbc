import { createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import worker from "../../../src/index.ts"
import { clientAt } from "../../support/address.ts"
import { createProject, send, storageCounts, type TestRequest } from "../../support/client.ts"
import { sendEvent } from "../../support/events.ts"
import { answer, newService } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { tokenWith } from "../../support/people.ts"
import { storeEvents } from "../../support/store-events.ts"

const statisticsPath = "/api/statistics/v1/statistics"
const NOTHING = "no statistics found for selected time frame"
const HALF_HOUR = 1800

const countsSchema = z.array(z.strictObject({ type: z.string(), count: z.number().int().positive() }))
const statisticsSchema = z.strictObject({
  from: z.iso.datetime({ precision: 0 }),
  to: z.iso.datetime({ precision: 0 }),
  projects: z.array(
    z.strictObject({
      name: z.string(),
      services: z.array(
        z.strictObject({
          name: z.string(),
          events: countsSchema,
          keptnServiceExecutions: z.array(z.strictObject({ name: z.string(), executions: countsSchema })),
          executedSequencesPerType: countsSchema.optional(),
        }),
      ),
    }),
  ),
})

function ask(query: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${statisticsPath}?${query}`, request)
}

async function find(query: string, request: TestRequest = {}) {
  return answer(await ask(query, request), statisticsSchema)
}

/** An error has a shape that no other service of Keptn has. */
async function failure(response: Response): Promise<{ status: number; message: string }> {
  expect(response.headers.get("content-type")).toBe("application/json")
  const body = z.strictObject({ message: z.string(), errorCode: z.number() }).parse(await response.json())
  expect(body.errorCode).toBe(response.status)
  return { status: response.status, message: body.message }
}

/** A half hour of the past in which nothing else happens, by its number; in seconds. */
function bucket(number: number): number {
  return 1_650_000_600 + number * HALF_HOUR
}

/** Stores events of one half hour. */
async function store(
  at: number,
  events: readonly { type: string; source?: string; project?: string; service?: string | null }[],
): Promise<void> {
  await storeEvents(events.length, (n) => {
    const { type, source = "test", project = "shop", service = "carts" } = events[n] ?? { type: "" }
    const time = new Date(at * 1000 + 999).toISOString()
    return { type, source, time, data: { project, stage: "dev", ...(service !== null && { service }) } }
  })
}

const deployment = "sh.keptn.event.deployment"
const delivery = "sh.keptn.event.dev.delivery"

describe("statistics", () => {
  it("sum up events by project, service, type and source", async () => {
    await store(bucket(0), [
      { type: `${delivery}.triggered`, source: "cli" },
      { type: `${deployment}.triggered`, source: "shipyard-controller" },
      { type: `${deployment}.started`, source: "helm-service" },
      { type: `${deployment}.started`, source: "job-executor" },
      { type: `${deployment}.started`, source: "helm-service" },
      { type: `${deployment}.finished`, source: "helm-service" },
      { type: `${delivery}.finished`, source: "shipyard-controller" },
      { type: `${delivery}.finished`, source: "shipyard-controller" },
      { type: `${deployment}.started`, source: "helm-service", service: "cart" },
      { type: "custom", project: "another" },
    ])
    expect(await find(`from=${bucket(0)}&to=${bucket(0)}`)).toEqual({
      from: "2022-04-15T05:30:00Z",
      to: "2022-04-15T05:30:00Z",
      projects: [
        {
          name: "another",
          services: [{ name: "carts", events: [{ type: "custom", count: 1 }], keptnServiceExecutions: [] }],
        },
        {
          name: "shop",
          services: [
            {
              name: "cart",
              events: [{ type: `${deployment}.started`, count: 1 }],
              keptnServiceExecutions: [{ name: "helm-service", executions: [{ type: deployment, count: 1 }] }],
            },
            {
              name: "carts",
              events: [
                { type: `${deployment}.finished`, count: 1 },
                { type: `${deployment}.started`, count: 3 },
                { type: `${deployment}.triggered`, count: 1 },
                { type: `${delivery}.finished`, count: 2 },
                { type: `${delivery}.triggered`, count: 1 },
              ],
              keptnServiceExecutions: [
                { name: "helm-service", executions: [{ type: deployment, count: 2 }] },
                { name: "job-executor", executions: [{ type: deployment, count: 1 }] },
              ],
              executedSequencesPerType: [{ type: delivery, count: 2 }],
            },
          ],
        },
      ],
    })
  })

  it("leave out events of no project and of no service, as in Keptn", async () => {
    await store(bucket(2), [
      { type: "x", service: null },
      { type: "x", project: "" },
      { type: "x", service: "" },
    ])
    expect(await failure(await ask(`from=${bucket(2)}&to=${bucket(2)}`))).toEqual({ status: 404, message: NOTHING })
  })

  it.each([
    ["exactly its start", 0, 0, 3],
    ["a second in it", 900, 900, 3],
    ["its last second", 1799, 1799, 3],
    ["itself and the next", 0, 1800, 5],
    ["itself and the one before", -1, 0, 4],
    ["all three, by a second of the outer ones", -1, 1800, 6],
  ])("count a half hour as a whole where the time frame is %s", async (_, from, to, count) => {
    const project = `window-${count}-${from}-${to}`
    const of = (times: number) => Array.from({ length: times }, () => ({ type: "x", project }))
    await store(bucket(10) - 1, of(1))
    await store(bucket(10) + 600, of(3))
    await store(bucket(11), of(2))
    const { projects } = await find(`from=${bucket(10) + from}&to=${bucket(10) + to}`)
    const found = projects.find(({ name }) => name === project)
    expect(found?.services[0]?.events).toEqual([{ type: "x", count }])
  })

  it("hold an event as soon as it was sent, to the right service", async () => {
    await createProject("eu", "fresh", "dev")
    await newService("fresh", "carts")
    await sendEvent({ type: `${deployment}.started`, source: "mine", data: { project: "fresh", service: "carts" } })
    const now = Math.floor(Date.now() / 1000)
    const { projects } = await find(`from=${now - 60}&to=${now}`)
    const services = projects.find(({ name }) => name === "fresh")?.services
    expect(services?.map(({ name }) => name)).toEqual(["carts"])
    expect(services?.[0]?.keptnServiceExecutions).toContainEqual({
      name: "mine",
      executions: [{ type: deployment, count: 1 }],
    })
  })

  it("are of everything where no time is given", async () => {
    const fresh = { type: "x", project: "ever", service: "s" }
    await store(bucket(30), [fresh])
    for (const query of ["", "from=0", `to=${bucket(31)}`]) {
      const { projects } = await find(query)
      expect(projects.map(({ name }) => name)).toContain("ever")
    }
    expect((await find(`to=${bucket(31)}`)).from).toBe("1970-01-01T00:00:00Z")
  })
})

describe("a time frame in which nothing happened", () => {
  it("is answered with 404 as Keptn's own test has it", async () => {
    expect(await failure(await ask("from=1648190000&to=1648195292"))).toEqual({ status: 404, message: NOTHING })
  })

  it("is answered with 200 where it reaches into the current half hour", async () => {
    const token = await tokenWith()
    const current = Math.floor(Date.now() / 1000 / HALF_HOUR) * HALF_HOUR
    for (const [from, to] of [
      [current, current],
      [current + 1, current + 60],
      [current - 60, current],
      [current + 1_000_000, current + 2_000_000],
      [0, 253_402_300_799],
    ]) {
      expect((await find(`from=${from}&to=${to}`, { token })).projects).toEqual([])
    }
    expect((await ask(`from=0&to=${current - 1}`, { token })).status).toBe(404)
  })
})

describe("a time frame", () => {
  it("that ends before it starts is refused with 400", async () => {
    expect(await failure(await ask("from=1648195292&to=1648190000"))).toEqual({
      status: 400,
      message: "Invalid time frame: 'from' timestamp must not be greater than 'to' timestamp",
    })
    expect((await ask("from=253402300799")).status).toBe(400)
  })

  it.each(["from=yesterday", "to=2022-03-25T06:33:20Z", "from=-1", "to=1.5", "to=253402300800", "from=1e3"])(
    "that cannot be read is refused with 400: %s",
    async (query) => {
      const { status, message } = await failure(await ask(query))
      expect([status, message]).toEqual([400, expect.stringMatching(/^Invalid request format: (from|to): /)])
    },
  )

  it("with more than 50,000 counters is refused with 400, and the largest below it is not", async () => {
    const at = bucket(1000)
    await env.DB_EU.prepare(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)
       insert into event_counts select ?, 'huge', 's', 'type-' || i, 'test', 1 from n`,
    )
      .bind(at * 1000)
      .run()
    const one = `from=${at}&to=${at}`
    expect((await find(one)).projects[0]?.services[0]?.events).toHaveLength(50_000)
    await store(at, [{ type: "one too many" }])
    // Also for those who may not see most of it.
    const token = await tokenWith({ roleName: "Viewer", entityId: "shop" })
    for (const request of [{}, { token }]) {
      expect(await failure(await ask(one, request))).toEqual({
        status: 400,
        message: "Invalid time frame: it holds more than 50000 counters, choose a shorter one",
      })
    }
    const response = await ask(one, { token: await knownToken() })
    expect(storageCounts(response).rows).toBeLessThan(201_000)
    await env.DB_EU.prepare("delete from event_counts where project = 'huge'").run()
  })
})

describe("other errors of the service", () => {
  it("have its shape, too, but for those that come from before it", async () => {
    expect((await failure(await send("eu", "/api/statistics/v1/nowhere"))).status).toBe(404)
    expect((await failure(await send("eu", statisticsPath, { method: "PUT" }))).status).toBe(405)
    const response = await send("eu", statisticsPath, { token: null, headers: clientAt() })
    expect([response.status, response.headers.get("content-type")]).toEqual([401, "text/plain"])
  })
})

describe("callers", () => {
  const window = `from=${bucket(40)}&to=${bucket(41)}`

  beforeAll(async () => {
    await store(
      bucket(40),
      ["red", "green", "blue"].map((project) => ({ type: "x", project })),
    )
  })

  it.each([
    ["nobody's friend", [], []],
    ["a Viewer of one", [{ roleName: "Viewer", entityId: "green" }], ["green"]],
    [
      "one with other roles on two",
      [
        { roleName: "Admin", entityId: "red" },
        { roleName: "Integration", entityId: "blue" },
      ],
      ["blue", "red"],
    ],
    ["a Viewer of all", [{ roleName: "Viewer" }], ["blue", "green", "red"]],
    ["a Viewer of another region", [{ roleName: "Viewer", entityRegion: "us" }], []],
    ["a Creator", [{ roleName: "Creator" }], []],
  ])("see what they may read: %s", async (_, roles, names) => {
    const response = await ask(window, { token: await tokenWith(...roles) })
    if (names.length === 0) expect(await failure(response)).toEqual({ status: 404, message: NOTHING })
    else expect((await answer(response, statisticsSchema)).projects.map(({ name }) => name)).toEqual(names)
  })

  it("of another region see what is there", async () => {
    expect((await send("us", `${statisticsPath}?${window}`)).status).toBe(404)
  })
})

describe("the question", () => {
  it("takes one trip, and reads what is in its time frame, twice", async () => {
    await store(
      bucket(60),
      Array.from({ length: 20 }, (_, n) => ({ type: `t${n}` })),
    )
    const measure = async () => {
      const response = await ask(`from=${bucket(60)}&to=${bucket(60)}`, { token: await knownToken() })
      expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1 })
      return storageCounts(response).rows
    }
    const before = await measure()
    for (const other of [58, 59, 61, 62]) {
      await store(
        bucket(other),
        Array.from({ length: 50 }, (_, n) => ({ type: `t${n}` })),
      )
    }
    expect(await measure()).toBeLessThanOrEqual(before + 4)
    expect(before).toBeLessThan(20 * 4 + 10)
  })
})

describe("counters", () => {
  it("are removed by the scheduled job when they are 400 days old", async () => {
    const DAY = 24 * 60 * 60
    const now = Math.floor(Date.now() / 1000)
    const [old, young] = [now - 400 * DAY - 2 * HALF_HOUR, now - 399 * DAY]
    await store(old, [{ type: "old" }])
    await store(young, [{ type: "young" }])
    expect((await find(`from=${old}&to=${old}`)).projects).toHaveLength(1)
    await worker.scheduled(createScheduledController(), env)
    expect((await ask(`from=${old}&to=${old}`)).status).toBe(404)
    expect((await find(`from=${young}&to=${young}`)).projects).toHaveLength(1)
  })
})
