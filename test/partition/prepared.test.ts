/** A statement is made into text once, and belongs to no region and no request. */
import { env } from "cloudflare:workers"
import { sql } from "drizzle-orm"
import { describe, expect, it } from "vitest"
import { prepareEach, prepareOnce } from "../../src/partition/prepared.ts"
import { projects } from "../../src/partition/schema.ts"
import { createProject } from "../support/client.ts"
import { euBindings, openRegion } from "../support/partition.ts"

const eu = openRegion()
const us = openRegion({ ...euBindings, database: env.DB_US }, "us")

describe("a prepared statement", () => {
  it("is made once, and runs with the values of each call on the database of each call", async () => {
    let made = 0
    const named = prepareOnce((db) => {
      made++
      return db
        .select({ name: projects.name })
        .from(projects)
        .where(sql`${projects.name} = ${sql.placeholder("name")}`)
    })
    await createProject("eu", "prepared-eu", "dev")
    await createProject("us", "prepared-us", "dev")
    const find = async ({ db }: typeof eu, name: string) => (await db.batch([named(db, { name })])).flat()
    expect(await find(eu, "prepared-eu")).toEqual([{ name: "prepared-eu" }])
    expect(await find(eu, "prepared-us")).toEqual([])
    expect(await find(us, "prepared-us")).toEqual([{ name: "prepared-us" }])
    expect(await find(us, "prepared-eu")).toEqual([])
    expect(made).toBe(1)
  })

  it("is made once for each shape", async () => {
    const shapes: boolean[] = []
    const one = prepareEach((db, { isTwo }: { isTwo: boolean }) => {
      shapes.push(isTwo)
      return db
        .select({ found: isTwo ? sql<number>`2`.as("found") : sql<number>`1`.as("found") })
        .from(projects)
        .limit(1)
    })
    const ask = async (isTwo: boolean) => (await eu.db.batch([one(eu.db, { isTwo }, {})])).flat()
    await createProject("eu", "prepared-shapes", "dev")
    expect(await ask(true)).toEqual([{ found: 2 }])
    expect(await ask(false)).toEqual([{ found: 1 }])
    expect(await ask(true)).toEqual([{ found: 2 }])
    expect(shapes).toEqual([true, false])
  })

  it("does not run without a value for each of its placeholders", async () => {
    const named = prepareOnce((db) =>
      db
        .select({ name: projects.name })
        .from(projects)
        .where(sql`${projects.name} = ${sql.placeholder("name")}`),
    )
    await expect(eu.db.batch([named(eu.db, { other: "a" })])).rejects.toThrow('No value for placeholder "name"')
  })
})
