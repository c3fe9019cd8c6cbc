import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { Meter, MeteredD1 } from "../../src/lib/meter.ts"

/** A call to storage that answers when it is told to. */
function pending(meter: Meter, storage: "d1" | "r2" | "kv") {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  return { answered: meter.count(storage, () => promise), resolve: () => resolve("answer"), reject }
}

describe("the trips of a request", () => {
  it("are none without a call", () => {
    expect(new Meter().serverTiming()).toBe('trips;desc="0", d1;desc="0", r2;desc="0", kv;desc="0", rows;desc="0"')
  })

  it("are as many as calls that follow each other", async () => {
    const meter = new Meter()
    for (const storage of ["d1", "r2", "kv"] as const) await meter.count(storage, () => Promise.resolve())
    expect(meter.trips).toBe(3)
    expect(meter.calls).toEqual({ d1: 1, r2: 1, kv: 1 })
  })

  it("are one for calls at the same time", async () => {
    const meter = new Meter()
    const calls = [pending(meter, "d1"), pending(meter, "r2"), pending(meter, "r2")]
    for (const call of calls) call.resolve()
    await Promise.all(calls.map((call) => call.answered))
    expect(meter.trips).toBe(1)
    expect(meter.calls).toEqual({ d1: 1, r2: 2, kv: 0 })
  })

  it("are the longest chain: a call counts from the last answer before it", async () => {
    const meter = new Meter()
    const slow = pending(meter, "r2")
    await meter.count("d1", () => Promise.resolve())
    await meter.count("d1", () => Promise.resolve())
    expect(meter.trips).toBe(2)
    slow.resolve()
    await slow.answered
    // The slow one began first: it does not make the chain longer, nor shorter.
    expect(meter.trips).toBe(2)
    await meter.count("kv", () => Promise.resolve())
    expect(meter.trips).toBe(3)
  })

  it("count a call while it is still under way, and one that fails", async () => {
    const meter = new Meter()
    const call = pending(meter, "d1")
    expect(meter.trips).toBe(1)
    call.reject(new Error("down"))
    await expect(call.answered).rejects.toThrow("down")
    await meter.count("d1", () => Promise.resolve())
    expect(meter.trips).toBe(2)
    expect(meter.calls.d1).toBe(2)
  })

  it("pass on what storage answers", async () => {
    expect(await new Meter().count("kv", () => Promise.resolve(7))).toBe(7)
  })
})

describe("a database that is counted", () => {
  it("counts a batch as one call, with the rows it read", async () => {
    const meter = new Meter()
    const database = new MeteredD1(env.DB_EU, meter)
    const numbers = "select value from json_each('[1,2,3,4,5]')"
    const results = await database.batch([database.prepare(numbers), database.prepare("select ? as n").bind(7)])
    expect(results[1]?.results).toEqual([{ n: 7 }])
    expect(meter.calls.d1).toBe(1)
    expect(meter.trips).toBe(1)

    const [tables] = await database.batch([database.prepare("select name from sqlite_master")])
    expect(meter.rowsRead).toBe(results.concat(tables ?? []).reduce((sum, result) => sum + result.meta.rows_read, 0))
    expect(tables?.meta.rows_read).toBeGreaterThan(0)
    expect(meter.serverTiming()).toBe(
      `trips;desc="2", d1;desc="2", r2;desc="0", kv;desc="0", rows;desc="${meter.rowsRead}"`,
    )
  })

  it("reports each batch that changes something, also one that fails, and none that reads", async () => {
    const reported: string[] = []
    let now = ""
    const database = new MeteredD1(env.DB_GLOBAL, new Meter(), { onChange: () => void reported.push(now) })
    const run = (name: string, ...statements: string[]) => {
      now = name
      return database.batch(statements.map((statement) => database.prepare(statement)))
    }
    await run("read", "select 1", "select id from organizations")
    await run("no row", "select 1", "update users set active = 1 where id = 'nobody'")
    await run("insert", "insert into job_runs (id, jobs) values (7, '[]')")
    await expect(run("again", "insert into job_runs (id, jobs) values (7, '[]')")).rejects.toThrow("UNIQUE")
    await run("delete", "delete from job_runs where id = 7")
    expect(reported).toEqual(["no row", "insert", "again", "delete"])
  })

  it("runs no statement outside a batch, and none in a session, uncounted", async () => {
    const database = new MeteredD1(env.DB_EU, new Meter())
    const statement = database.prepare("select 1").bind()
    for (const run of [
      () => statement.first(),
      () => statement.run(),
      () => statement.all(),
      () => statement.raw(),
      () => database.exec(),
      () => database.dump(),
    ]) {
      await expect(run()).rejects.toThrow("batch()")
    }
    expect(() => database.withSession()).toThrow("batch()")
  })
})
