import { describe, expect, it } from "vitest"
import { utf8 } from "../../src/lib/bytes.ts"
import { jsonChunks } from "../../src/partition/bulk.ts"
import { auditProject } from "../support/integrity.ts"
import { commitFiles, newProject } from "../support/keptn.ts"

/** A bound value of D1 holds 2 MB, in UTF-8. */
const BOUND = 2_000_000

describe("rows as JSON", () => {
  it("are in no chunk when there are none", () => {
    expect(jsonChunks([])).toEqual([])
  })

  it("are in one chunk when they fit", () => {
    expect(jsonChunks([{ a: 1 }, "é", null])).toEqual(['[{"a":1},"é",null]'])
  })

  it.each([
    { rows: 2500, length: 1000, letter: "x" },
    { rows: 2500, length: 1000, letter: "漢" },
    { rows: 3, length: 600_000, letter: "x" },
    { rows: 2, length: 1_200_000, letter: "x" },
    { rows: 100_000, length: 30, letter: "x" },
  ])("of $length $letter, $rows of them, are each in one chunk, in order, and each chunk can be bound", (size) => {
    const rows = Array.from({ length: size.rows }, (_, index) => `${index} ${size.letter.repeat(size.length)}`)
    const chunks = jsonChunks(rows)
    expect(chunks.length).toBeGreaterThan(1)
    expect(chunks.flatMap((chunk) => JSON.parse(chunk))).toEqual(rows)
    for (const chunk of chunks) expect(utf8(chunk).length).toBeLessThan(BOUND)
  })

  it("store a write whose rows need several chunks, whole", async () => {
    const project = await newProject("dev")
    const folder = Array.from({ length: 4 }, () => "漢".repeat(80)).join("/")
    const names = Array.from({ length: 1000 }, (_, index) => `${folder}/${index}.txt`)
    await commitFiles({ project, stage: "dev" }, Object.fromEntries(names.map((name) => [name, "same"])))
    expect((await auditProject(project))["dev"]).toHaveLength(2)
  })
})
