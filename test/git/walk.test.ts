import { describe, expect, it } from "vitest"
import type { ObjectId } from "../../src/git/objects.ts"
import { type HistoryCommit, parentsFirst, type Walk, walkHistory } from "../../src/git/walk.ts"

/** A history: commits by their names, with their parents. Later ones are newer, unless `times` says otherwise. */
type Parents = Record<string, string[]>

function historyOf(parents: Parents, times: Record<string, number> = {}): Map<ObjectId, HistoryCommit> {
  return new Map(
    Object.entries(parents).map(([id, above], index) => [
      id,
      { id, tree: `tree of ${id}`, parents: above, time: times[id] ?? index },
    ]),
  )
}

/** Two lines that part behind B and meet in F. */
const DIAMOND: Parents = { A: [], B: ["A"], C: ["B"], D: ["B"], E: ["D"], F: ["C", "E"], G: ["F"] }

const parentsOf = ({ parents }: HistoryCommit) => parents

async function walk(
  history: Map<ObjectId, HistoryCommit>,
  wanted: string,
  known: string,
  commits = 1000,
): Promise<Walk> {
  const limits = { wantedParents: parentsOf, knownParents: parentsOf, commits }
  return walkHistory(async (id) => history.get(id) ?? null, wanted.split(""), known.split(""), limits)
}

async function names(history: Map<ObjectId, HistoryCommit>, wanted: string, known: string): Promise<string> {
  const result = await walk(history, wanted, known)
  if (result.outcome !== "walked") throw new Error(result.outcome)
  return result.commits.map(({ id }) => id).join("")
}

describe("a walk finds what can be reached from the one and not from the other", () => {
  it.each([
    ["G", "", "GFEDCBA"],
    ["G", "A", "GFEDCB"],
    ["G", "C", "GFED"],
    ["G", "E", "GFC"],
    ["G", "CE", "GF"],
    ["G", "G", ""],
    ["C", "G", ""],
    ["CE", "B", "EDC"],
    ["", "G", ""],
  ])("from %j without %j: %j", async (wanted, known, found) => {
    expect(await names(historyOf(DIAMOND), wanted, known)).toBe(found)
  })

  it("also where the clock of a child was behind that of its parent", async () => {
    const found = await names(historyOf(DIAMOND, { F: -5, E: -7 }), "G", "")
    expect(found.split("").toSorted().join("")).toBe("ABCDEFG")
  })

  it("and leaves none out where all clocks were wrong", async () => {
    const times = { A: 9, B: 3, C: 7, D: 1, E: 8, F: 0, G: 2 }
    const found = await names(historyOf(DIAMOND, times), "G", "D")
    for (const id of "CEFG") expect(found).toContain(id)
  })
})

it("says what is missing", async () => {
  expect(await walk(historyOf({ B: ["A"] }), "B", "")).toEqual({ outcome: "missing", id: "A" })
  expect(await walk(historyOf({}), "X", "")).toEqual({ outcome: "missing", id: "X" })
})

it("does not mind that something known is missing", async () => {
  expect(await names(historyOf({ A: [] }), "A", "X")).toBe("A")
})

it("is given up when there is more than the limit", async () => {
  expect(await walk(historyOf(DIAMOND), "G", "", 6)).toEqual({ outcome: "too-many" })
  expect(await walk(historyOf(DIAMOND), "G", "", 7)).toMatchObject({ outcome: "walked" })
})

it("says which commits it reached from the known ones", async () => {
  const result = await walk(historyOf(DIAMOND), "F", "E")
  if (result.outcome !== "walked") throw new Error(result.outcome)
  expect(Object.keys(DIAMOND).filter((id) => result.isKnown(id))).toEqual(expect.arrayContaining(["B", "D", "E"]))
  for (const id of "CFG") expect(result.isKnown(id)).toBe(false)
})

describe("commits are put behind their parents", () => {
  it.each([
    ["as they are", "ABCDEFG"],
    ["backwards", "GFEDCBA"],
    ["shuffled", "DGACFBE"],
    ["some of them", "GCE"],
  ])("%s", (_, order) => {
    const history = historyOf(DIAMOND)
    const sorted = parentsFirst(order.split("").flatMap((id) => history.get(id) ?? [])).map(({ id }) => id)
    expect(sorted.toSorted()).toEqual(order.split("").toSorted())
    for (const [index, id] of sorted.entries()) {
      const parents = (DIAMOND[id] ?? []).filter((parent) => order.includes(parent))
      expect(sorted.slice(0, index)).toEqual(expect.arrayContaining(parents))
    }
  })

  it("also ten thousand with the same parent", () => {
    const star = Array.from({ length: 10_000 }, (_, n) => ({ id: `${n}`, tree: "", parents: n ? ["0"] : [], time: 0 }))
    expect(parentsFirst(star.toReversed())[0]?.id).toBe("0")
  })

  it("also ten thousand of them", () => {
    const line = Array.from({ length: 10_000 }, (_, n) => ({
      id: `${n}`,
      tree: "",
      parents: n ? [`${n - 1}`] : [],
      time: 0,
    }))
    expect(parentsFirst(line.toReversed())).toEqual(line)
  })
})
