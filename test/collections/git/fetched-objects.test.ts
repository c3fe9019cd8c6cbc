/** A fetch sends every object that its client lacks: tried on histories at random, with merges, wrong clocks and branches in different orders. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { FILE_MODE, type ObjectId, TREE_MODE } from "../../../src/git/objects.ts"
import type { PlacedCommit } from "../../../src/partition/commit-graph.ts"
import { positionsToSend } from "../../../src/partition/pack-contents.ts"
import { storageCounts } from "../../support/client.ts"
import { ask, fetchBody, headOf, packObjects, push } from "../../support/git.ts"
import { newProject } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { blobOf, commitOf, type MadeObject, packOf, treeOf } from "../../support/packs.ts"
import { trials } from "../../support/property.ts"

/** A commit as it is made up: parents by how many commits before it they are, and which of a few contents its two files have. */
interface Step {
  parents: number[]
  time: number
  contents: [number, number]
}

/** A commit that was made, with the objects that it needs beside those of its parents. */
interface Made {
  id: ObjectId
  parents: ObjectId[]
  objects: MadeObject[]
}

const step: fc.Arbitrary<Step> = fc.record({
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  time: fc.integer({ min: 1_700_000_000, max: 1_700_000_020 }),
  contents: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
})

/** Makes the commits of `steps` on top of `root`. */
async function madeOf(root: ObjectId, steps: readonly Step[]): Promise<Made[]> {
  const made: Made[] = []
  for (const [index, { parents, time, contents }] of steps.entries()) {
    const ids = [...new Set(parents.map((back) => made[index - back]?.id ?? root))]
    const [one, two] = await Promise.all(contents.map((content) => blobOf(`content ${content}`)))
    if (!one || !two) throw new Error("a file has no content")
    const folder = await treeOf({ mode: FILE_MODE, name: "two.txt", id: two.id })
    const tree = await treeOf(
      { mode: TREE_MODE, name: "folder", id: folder.id },
      { mode: FILE_MODE, name: "one.txt", id: one.id },
    )
    const commit = await commitOf({ tree: tree.id, parents: ids, time, message: `commit ${index}` })
    made.push({ id: commit.id, parents: ids, objects: [commit, tree, folder, one, two] })
  }
  return made
}

/** Everything that the commits `starts` need. */
function closure(
  made: readonly Made[],
  starts: readonly ObjectId[],
): { commits: Set<ObjectId>; objects: Set<ObjectId> } {
  const commits = new Set<ObjectId>()
  const objects = new Set<ObjectId>()
  const open = [...starts]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const commit = made.find((one) => one.id === id)
    if (commit === undefined || commits.has(id)) continue
    commits.add(id)
    for (const object of commit.objects) objects.add(object.id)
    open.push(...commit.parents)
  }
  return { commits, objects }
}

/** Moves a branch to `to`, if that continues it. */
async function advance(project: string, branch: string, made: readonly Made[], to: Made): Promise<void> {
  const from = await headOf(project, branch)
  const { commits } = closure(made, [to.id])
  if (from === to.id || (made.some(({ id }) => id === from) && !commits.has(from))) return
  const ref = `refs/heads/${branch}`
  const objects = made.filter(({ id }) => commits.has(id)).flatMap((one) => one.objects)
  const pack = packOf([...new Map(objects.map((object) => [object.id, object])).values()])
  expect(await push(project, [{ ref, from, to: to.id }], pack)).toEqual(["unpack ok", `ok ${ref}`])
}

it("whatever the history, what is wanted and what the client has", async () => {
  const moves = fc.array(fc.tuple(fc.boolean(), fc.nat()), { minLength: 3, maxLength: 8 })
  const asked = fc.array(
    fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 2 }), fc.array(fc.nat(), { maxLength: 2 })),
    {
      minLength: 4,
      maxLength: 6,
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), moves, asked, async (steps, moved, fetches) => {
      const project = await newProject("dev", "prod")
      const made = await madeOf(await headOf(project, "main"), steps)
      const one = (number: number) => made[number % made.length]
      for (const [isDev, number] of moved) {
        const to = one(number)
        if (to) await advance(project, isDev ? "dev" : "prod", made, to)
      }
      const heads = [await headOf(project, "dev"), await headOf(project, "prod")]
      const stored = [...closure(made, heads).commits]
      fc.pre(stored.length > 0)
      for (const [wanted, had] of fetches) {
        const idsOf = (numbers: readonly number[]) => numbers.map((number) => stored[number % stored.length] ?? "")
        const sent = new Set(await packObjects(project, idsOf(wanted), idsOf(had)))
        const has = closure(made, idsOf(had)).objects
        expect(sent.union(has).isSupersetOf(closure(made, idsOf(wanted)).objects)).toBe(true)
      }
    }),
    trials(8),
  )
})

/** A commit at places of branches. */
function placed(id: string, ...places: [string, number][]): PlacedCommit {
  return { id, tree: "", parents: [], time: 0, places: places.map(([branchId, seq]) => ({ branchId, seq })) }
}

it("also where two branches have the same commits in opposite orders", () => {
  // Each stands behind the other one on one of the branches: it must not be that both count on the other to be sent.
  const crossed = [placed("one", ["b", 2], ["a", 1]), placed("two", ["b", 1], ["a", 2])]
  expect(positionsToSend(crossed, [])).toEqual({ spans: [["a", 2, 2, null]], wholes: [["a", 1]] })
  expect(positionsToSend(crossed, [placed("zero", ["a", 0])])).toEqual({ spans: [["a", 1, 2, null]], wholes: [] })
})

it("in three trips before the pack, however deep the folders are", async () => {
  const project = await newProject("dev")
  const from = await headOf(project, "dev")
  const blob = await blobOf("deep")
  const trees = [await treeOf({ mode: FILE_MODE, name: "f", id: blob.id })]
  for (let depth = 0; depth < 200; depth++) {
    trees.push(await treeOf({ mode: TREE_MODE, name: "d", id: trees.at(-1)?.id ?? "" }))
  }
  const commit = await commitOf({ tree: trees.at(-1)?.id ?? "", parents: [from] })
  const lines = await push(project, [{ ref: "refs/heads/dev", from, to: commit.id }], packOf([commit, ...trees, blob]))
  expect(lines).toEqual(["unpack ok", "ok refs/heads/dev"])
  for (const haves of [[], [`have ${from}`]]) {
    const body = fetchBody(`want ${commit.id}`, ...haves, "done")
    const headers = { "git-protocol": "version=2" }
    const response = await ask(project, "upload-pack", body, { headers, token: await knownToken() })
    expect(storageCounts(response).trips).toBe(3)
    await response.body?.cancel()
  }
  expect(await packObjects(project, [commit.id], [from])).toHaveLength(1 + trees.length + 1)
})
