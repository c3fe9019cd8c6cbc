import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { readWindow } from "../../../src/collections/control-plane/evaluation-window.ts"
import { createProject, send, storageCounts, type TestRequest } from "../../support/client.ts"
import { findEvents, onlyEvent } from "../../support/events.ts"
import { answer, failure, newService } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { tokenWith } from "../../support/people.ts"
import { getService, projectsPath } from "../../support/projects.ts"

const PLACE = "shop/stage/dev/service/carts"
const MINUTE = 60_000

function trigger(json: unknown, place = PLACE, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${projectsPath}/${place}/evaluation`, { json, ...request })
}

/** Triggers an evaluation; answers the event that was published. */
async function triggered(json: unknown) {
  const { keptnContext } = await answer(await trigger(json), z.strictObject({ keptnContext: z.uuid() }))
  return onlyEvent(keptnContext)
}

const windowSchema = z.strictObject({
  start: z.iso.datetime({ precision: 3 }),
  end: z.iso.datetime({ precision: 3 }),
})

/** The window of the evaluation that was published. */
async function windowOf(json: unknown): Promise<{ start: string; end: string; minutes: number; age: number }> {
  const { data } = await triggered(json)
  const { start, end } = windowSchema.parse(data["evaluation"])
  const minutes = (Date.parse(end) - Date.parse(start)) / MINUTE
  return { start, end, minutes, age: Date.now() - Date.parse(end) }
}

const start = "2022-01-02T03:00:00.000Z"
const end = "2022-01-02T03:10:00.000Z"

const TOGETHER = "timeframe and end time specifications cannot be set together"
const INCOMPLETE = "timeframe or end time specifications need to be specified when using start parameter"
const NO_START = "end time specifications cannot be set without start parameter"

beforeAll(async () => {
  await createProject("eu", "shop", "dev", "prod")
  await newService("shop", "carts")
})

describe("an evaluation that is triggered", () => {
  it("is published as an event: 200", async () => {
    const labels = { build: "7" }
    const event = await triggered({ start, end, labels, gitcommitid: "abc" })
    expect(event).toEqual({
      type: "sh.keptn.event.dev.evaluation.triggered",
      source: "https://github.com/keptn/keptn/api",
      specversion: "1.0",
      contenttype: "application/json",
      id: expect.any(String),
      time: expect.any(String),
      shkeptncontext: expect.any(String),
      gitcommitid: "abc",
      data: {
        project: "shop",
        stage: "dev",
        service: "carts",
        labels,
        evaluation: { start, end },
        test: {},
        deployment: {},
      },
    })
  })

  it("has neither labels nor a commit that were not given", async () => {
    for (const body of [{}, { labels: null, gitcommitid: null }, { gitcommitid: "" }]) {
      const event = await triggered(body)
      expect(event).not.toHaveProperty("gitcommitid")
      expect(event.data).not.toHaveProperty("labels")
    }
  })

  it("is told of its service", async () => {
    const { id } = await triggered({})
    const { lastEventTypes } = await getService("shop", "dev", "carts")
    expect(lastEventTypes?.["sh.keptn.event.dev.evaluation.triggered"]?.eventId).toBe(id)
  })

  it("is two trips to storage", async () => {
    const response = await trigger({}, PLACE, { token: await knownToken() })
    expect(storageCounts(response).trips).toBe(2)
  })
})

describe("the window of an evaluation", () => {
  it.each([{}, { start: "", end: "", timeframe: "" }, { start: null, end: null, timeframe: null }])(
    "is the last five minutes for %j",
    async (body) => {
      const { minutes, age } = await windowOf(body)
      expect(minutes).toBe(5)
      expect(age).toBeLessThan(MINUTE)
    },
  )

  it("ends now with a timeframe alone", async () => {
    const { minutes, age } = await windowOf({ timeframe: "1h30m" })
    expect(minutes).toBe(90)
    expect(age).toBeLessThan(MINUTE)
  })

  it.each([
    [{ start, timeframe: "10m" }, start, end],
    [{ start, end }, start, end],
    [{ start: "2022-01-02T03:00:00", end: "2022-01-02T03:10:00" }, start, end],
    [{ start: "2022-01-02T04:00:00+01:00", end: "2022-01-02T03:10:00Z" }, start, end],
    [{ start, end: "2022-01-02T03:01:00.000Z" }, start, "2022-01-02T03:01:00.000Z"],
  ])("is, for %j, from %s to %s", async (body, from, to) => {
    expect(await windowOf(body)).toMatchObject({ start: from, end: to })
  })
})

describe("an evaluation is refused with 400", () => {
  it.each([
    [{ timeframe: "5m", end }, TOGETHER],
    [{ start, timeframe: "5m", end }, TOGETHER],
    [{ start }, INCOMPLETE],
    [{ end }, NO_START],
  ])("for parameters that do not go together: %j", async (body, text) => {
    const message = `Invalid request format: ${text}`
    expect(await failure(await trigger(body))).toEqual({ status: 400, code: 400, message })
    // Keptn looks at these before it looks for the service.
    expect((await failure(await trigger(body, "nowhere/stage/dev/service/carts"))).message).toBe(message)
  })

  it.each([
    [{ start: end, end: start }, "end date must be at least 1 minute after start date"],
    [{ start, end: start }, "end date must be at least 1 minute after start date"],
    [{ start, end: "2022-01-02T03:00:59.999Z" }, "end date must be at least 1 minute after start date"],
    [{ timeframe: "59s" }, "could not parse provided timeframe: it must be at least 1 minute"],
    [{ start, timeframe: "0m" }, "could not parse provided timeframe: it must be at least 1 minute"],
    [{ timeframe: "5" }, 'could not parse provided timeframe: time: invalid duration "5"'],
    [{ timeframe: "9999999999h" }, 'could not parse provided timeframe: time: invalid duration "9999999999h"'],
    [{ start: "yesterday", end }, /^could not parse start time 'yesterday': /],
    [{ start, end: "2022-01-02" }, /^could not parse end time '2022-01-02': /],
  ])("without a code for times that are wrong: %j", async (body, text) => {
    const response = await trigger(body)
    expect(response.status).toBe(400)
    const { message } = z.strictObject({ message: z.string() }).parse(await response.json())
    if (typeof text === "string") expect(message).toBe(text)
    else expect(message).toMatch(text)
  })

  it.each([
    ["nowhere/stage/dev/service/carts", "project not found"],
    ["shop/stage/staging/service/carts", "stage not found"],
    ["shop/stage/main/service/carts", "stage not found"],
    ["shop/stage/dev/service/orders", "service not found"],
  ])("with the code 2 for what is not there: %s", async (place, message) => {
    expect(await failure(await trigger({}, place))).toEqual({ status: 400, code: 2, message })
    expect(await failure(await trigger({ timeframe: "1s" }, place))).toEqual({ status: 400, code: 2, message })
  })

  it.each([{ start: 7 }, { labels: "a" }, { labels: { a: 1 } }, [], "x", null])(
    "for a body of the wrong shape: %j",
    async (body) => {
      const refused = await failure(await trigger(body))
      expect(refused).toMatchObject({
        status: 400,
        code: 400,
        message: expect.stringMatching(/^Invalid request format/),
      })
    },
  )

  it("and publishes nothing", async () => {
    const query = "project=shop&type=sh.keptn.event.dev.evaluation.triggered&pageSize=1"
    const { totalCount } = await findEvents(query)
    for (const body of [{ start }, { timeframe: "1s" }, { start: "x", end }]) await trigger(body)
    expect((await findEvents(query)).totalCount).toBe(totalCount)
  })
})

describe("triggering an evaluation", () => {
  it("is for Contributors: 403 for others that see the project, and code 2 for who does not", async () => {
    const contributor = await tokenWith({ roleName: "Contributor", entityId: "shop" })
    const integration = await tokenWith({ roleName: "Integration", entityId: "shop" })
    expect((await trigger({}, PLACE, { token: contributor })).status).toBe(200)
    expect((await trigger({}, PLACE, { token: integration })).status).toBe(403)
    expect(await failure(await trigger({}, PLACE, { token: await tokenWith() }))).toEqual({
      status: 400,
      code: 2,
      message: "project not found",
    })
  })
})

describe("readWindow", () => {
  const now = Date.parse("2022-01-02T03:04:05.678Z")
  const of = (timeframe: string) => readWindow({ timeframe }, now)

  it.each([
    ["1m", MINUTE],
    ["60s", MINUTE],
    ["60000ms", MINUTE],
    ["60000000us", MINUTE],
    ["60000000µs", MINUTE],
    ["60000000000ns", MINUTE],
    ["1.5m", 1.5 * MINUTE],
    [".5h", 30 * MINUTE],
    ["1h1m1s", 61 * MINUTE + 1000],
    ["2562047h", 2_562_047 * 60 * MINUTE],
  ])("reads the timeframe %s", (timeframe, duration) => {
    expect(of(timeframe)).toEqual({ start: now - duration, end: now })
  })

  it.each(["5", "m", "5 m", "5m ", "5M", "1d", "5m5", "-5m", "five", "1..5m", "2562048h", `${"9".repeat(400)}h`])(
    "refuses the timeframe %j",
    (timeframe) => {
      expect(of(timeframe)).toEqual({
        problem: `could not parse provided timeframe: time: invalid duration "${timeframe}"`,
        of: "time",
      })
    },
  )

  it("takes a window of a minute, and none that is shorter", () => {
    expect(of("1m")).toEqual({ start: now - MINUTE, end: now })
    expect(of("59.999s")).toMatchObject({ of: "time" })
  })

  it.each(["2022-13-01T00:00:00Z", "2022-01-02 03:04:05", "1641092645", "2022-01-02T03:04Z", " "])(
    "refuses the time %j",
    (time) => {
      expect(readWindow({ start: time, end }, now)).toMatchObject({ of: "time" })
      expect(readWindow({ start, end: time }, now)).toMatchObject({ of: "time" })
    },
  )

  it("answers what can always be written as a time", () => {
    for (const window of [of("2562047h"), readWindow({ start: "9999-12-31T23:59:59Z", timeframe: "2562047h" }, now)]) {
      if ("problem" in window) throw new Error(window.problem)
      expect(() => new Date(window.start).toISOString() + new Date(window.end).toISOString()).not.toThrow()
    }
  })
})
