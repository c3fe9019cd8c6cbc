import { describe, expect, it } from "vitest"
import { FILE_MODE, type ObjectId, parseTree, TREE_MODE, type TreeEntry } from "../../src/git/objects.ts"
import { diffTrees, type ReadTrees } from "../../src/git/tree-diff.ts"
import { treeOf } from "../support/packs.ts"

const A = "a".repeat(40)
const B = "b".repeat(40)

/** Trees by their ids. */
type Store = Map<ObjectId, TreeEntry[]>

/** A folder as tests write it: files by their blobs, folders by what they hold. */
interface Shape {
  [name: string]: ObjectId | Shape
}

/** Stores the trees of a shape; answers the id of its root. */
async function plant(store: Store, shape: Shape): Promise<ObjectId> {
  const entries: TreeEntry[] = []
  for (const [name, below] of Object.entries(shape)) {
    if (typeof below === "string") entries.push({ mode: FILE_MODE, name, id: below })
    else entries.push({ mode: TREE_MODE, name, id: await plant(store, below) })
  }
  const { id, content } = await treeOf(...entries)
  store.set(id, parseTree(content))
  return id
}

/** Reads all that is asked for, and notes it; with a `most`, no more than that at once. */
function readingFrom(store: Store, most = Infinity): { read: ReadTrees; asked: Set<ObjectId> } {
  const asked = new Set<ObjectId>()
  const read = async (ids: readonly ObjectId[]) => {
    const portion = ids.slice(0, most)
    for (const id of portion) asked.add(id)
    return new Map(
      portion
        .flatMap((id) => [[id, store.get(id)] as const])
        .flatMap(([id, tree]) => (tree ? [[id, tree] as const] : [])),
    )
  }
  return { read, asked }
}

/** The differences of two shapes, as one line each. */
async function differences(before: Shape | null, after: Shape | null, most?: number): Promise<string[]> {
  const store: Store = new Map()
  const pair = { before: before && (await plant(store, before)), after: after && (await plant(store, after)) }
  const [found = []] = await diffTrees([pair], readingFrom(store, most).read)
  return found.map((one) => `${change(one)} ${one.kind} ${one.path}`).toSorted()
}

function change({ before, after }: { before: ObjectId | null; after: ObjectId | null }): string {
  if (before === null) return "+"
  return after === null ? "-" : "~"
}

describe("the differences of two trees", () => {
  it.each<[string, Shape | null, Shape | null, string[]]>([
    ["nothing", { a: A }, { a: A }, []],
    ["nothing, where there is nothing", null, null, []],
    ["everything, from nothing", null, { a: A, d: { b: B } }, ["+ file a", "+ file d/b", "+ folder ", "+ folder d"]],
    ["everything, to nothing", { a: A, d: { b: B } }, null, ["- file a", "- file d/b", "- folder ", "- folder d"]],
    ["a new file", { a: A }, { a: A, b: B }, ["+ file b", "~ folder "]],
    [
      "a changed file deep down",
      { d: { e: { a: A } } },
      { d: { e: { a: B } } },
      ["~ file d/e/a", "~ folder ", "~ folder d", "~ folder d/e"],
    ],
    ["a file that becomes a folder", { a: A }, { a: { a: A } }, ["+ file a/a", "+ folder a", "- file a", "~ folder "]],
    ["a folder that becomes a file", { a: { a: A } }, { a: A }, ["+ file a", "- file a/a", "- folder a", "~ folder "]],
    [
      "a folder that moves",
      { a: { b: A } },
      { c: { b: A } },
      ["+ file c/b", "+ folder c", "- file a/b", "- folder a", "~ folder "],
    ],
  ])("%s", async (_, before, after, lines) => {
    expect(await differences(before, after)).toEqual(lines.toSorted())
    expect(await differences(before, after, 2)).toEqual(lines.toSorted())
  })

  it("include a file whose mode alone is another", async () => {
    const store: Store = new Map()
    const before = await plant(store, { a: A })
    const { id: after, content } = await treeOf({ mode: "100755", name: "a", id: A })
    store.set(after, parseTree(content))
    const [found] = await diffTrees([{ before, after }], readingFrom(store).read)
    expect(found?.[1]).toMatchObject({ kind: "file", path: "a", before: A, after: A })
  })

  it("are found without reading folders that are the same", async () => {
    const store: Store = new Map()
    const same = { x: { y: { z: A } } }
    const before = await plant(store, { same, a: A })
    const after = await plant(store, { same, a: B })
    const { read, asked } = readingFrom(store)
    await diffTrees([{ before, after }], read)
    expect([...asked].toSorted()).toEqual([before, after].toSorted())
  })

  it("are those of each pair, in their order, folders before what is in them", async () => {
    const store: Store = new Map()
    const one = await plant(store, { d: { a: A } })
    const two = await plant(store, { d: { a: B } })
    const pairs = [
      { before: one, after: two },
      { before: one, after: one },
      { before: null, after: one },
    ]
    const found = await diffTrees(pairs, readingFrom(store).read)
    expect(found.map((list) => list.map(({ path }) => path))).toEqual([["", "d", "d/a"], [], ["", "d", "d/a"]])
  })

  it("cannot be told when a tree is missing", async () => {
    const store: Store = new Map()
    const after = await plant(store, { d: { e: { a: A } }, f: { a: B } })
    for (const id of [...store.keys()].filter((one) => one !== after)) {
      const others = new Map([...store].filter(([one]) => one !== id))
      await expect(diffTrees([{ before: null, after }], readingFrom(others).read)).rejects.toMatchObject({
        name: "MissingTree",
      })
    }
  })
})

/** A folder with the same one in it many times over, and so on: more files than anybody can count. */
async function plantBomb(store: Store, width: number, depth: number): Promise<ObjectId> {
  let id = await plant(store, { file: A })
  for (let level = 0; level < depth; level++) {
    const below = id
    const { id: above, content } = await treeOf(
      ...Array.from({ length: width }, (_, n) => ({ mode: TREE_MODE, name: `${n}`, id: below })),
    )
    store.set(above, parseTree(content))
    id = above
  }
  return id
}

describe("of more differences than enough", () => {
  it.each([
    [10, 12],
    [5000, 3],
  ])("no more are looked for: folders of %i folders, %i deep", async (width, depth) => {
    const store: Store = new Map()
    const bomb = await plantBomb(store, width, depth)
    const [found = []] = await diffTrees([{ before: null, after: bomb }], readingFrom(store).read, 1000)
    expect(found.length).toBeGreaterThanOrEqual(1000)
    expect(found.length).toBeLessThanOrEqual(1000 + width)
  })

  it("none is left out as long as there are fewer", async () => {
    const store: Store = new Map()
    const tree = await plantBomb(store, 5, 3)
    const pair = { before: null, after: tree }
    const all = await diffTrees([pair], readingFrom(store).read)
    expect(await diffTrees([pair], readingFrom(store).read, all.flat().length)).toEqual(all)
  })
})
