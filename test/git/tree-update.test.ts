import { describe, expect, it } from "vitest"
import { EMPTY_TREE, FILE_MODE, objectId, parseTree, TREE_MODE } from "../../src/git/objects.ts"
import { ancestors, type FileChange, type Folder, type NewTrees, updateTrees } from "../../src/git/tree-update.ts"
import { utf8 } from "../../src/lib/bytes.ts"

const A = "a".repeat(40)
const B = "b".repeat(40)

/** Paths with their blobs, as the changes that write them. */
function writes(files: Record<string, string | null>): FileChange[] {
  return Object.entries(files).map(([path, id]) => ({ path, id }))
}

async function updated(folders: ReadonlyMap<string, Folder>, changes: FileChange[]): Promise<NewTrees<FileChange>> {
  const result = await updateTrees(folders, changes)
  if (result.outcome !== "updated") throw new Error(result.outcome)
  return result
}

/** The folders that stand when these files do. */
async function standing(files: Record<string, string>): Promise<Map<string, Folder>> {
  const { folders } = await updated(new Map(), writes(files))
  return new Map(
    folders.map(({ path, content, fileCount }) => [path, { entries: parseTree(content), fileCount }] as const),
  )
}

/** The numbers of files by folder. */
function counts(trees: NewTrees<FileChange>): Record<string, number> {
  return Object.fromEntries(trees.folders.map((folder) => [folder.path, folder.fileCount]))
}

async function blob(text: string): Promise<string> {
  return objectId("blob", utf8(text))
}

describe("the folders above a file", () => {
  it.each([
    ["a", [""]],
    ["a/b", ["", "a"]],
    ["a/b/c.yaml", ["", "a", "a/b"]],
  ])("%s", (path, above) => {
    expect(ancestors(path)).toEqual(above)
  })
})

describe("writing files", () => {
  it("makes the tree that git makes of the same files", async () => {
    const files = {
      "a.txt": "hello",
      "a/x": "x",
      "a.d/y": "x",
      "foo/bar": "content",
      "foo.c": "b",
      "foo-bar": "z",
      empty: "",
      "ä.txt": "u",
    }
    const changes = await Promise.all(
      Object.entries(files).map(async ([path, text]) => ({ path, id: await blob(text) })),
    )
    expect((await updated(new Map(), changes)).root).toBe("891a9a59fd5e3c030dbdbcc0be0428700287548b")
  })

  it("lists new folders with their files, the root included", async () => {
    const trees = await updated(new Map(), writes({ "x.txt": A, "a/y.txt": A, "a/b/c/z.txt": B }))
    expect(counts(trees)).toEqual({ "": 3, a: 2, "a/b": 1, "a/b/c": 1 })
    expect(trees.removed).toEqual([])
    expect(trees.changed.map((change) => change.path)).toEqual(["x.txt", "a/y.txt", "a/b/c/z.txt"])
    for (const { id, content } of trees.folders) expect(await objectId("tree", content)).toBe(id)
  })

  it("touches only the folders above what changes, and keeps their other entries", async () => {
    const before = await standing({ "a/x": A, "a/y": A, "b/z": A, w: A })
    const above = new Map([...before].filter(([path]) => path !== "b"))
    const trees = await updated(above, writes({ "a/x": B }))
    expect(counts(trees)).toEqual({ "": 4, a: 2 })
    const same = await updated(new Map(), writes({ "a/x": B, "a/y": A, "b/z": A, w: A }))
    expect(trees.root).toBe(same.root)
  })

  it("gives the same root whatever the order and the steps", async () => {
    const files = writes({ "a/b": A, "a/c/d": B, e: A })
    const { root } = await updated(new Map(), files)
    expect((await updated(new Map(), files.toReversed())).root).toBe(root)
    expect((await updated(await standing({ "a/b": B, e: A }), files)).root).toBe(root)
  })

  it("reports only the changes that make a difference", async () => {
    const before = await standing({ same: A, other: A })
    const trees = await updated(before, writes({ same: A, other: B }))
    expect(trees.changed).toEqual([{ path: "other", id: B }])
    expect(counts(trees)).toEqual({ "": 2 })
  })

  it("changes nothing when all stands there already", async () => {
    const before = await standing({ "a/b": A, c: B })
    expect(await updateTrees(before, writes({ "a/b": A, c: B }))).toEqual({ outcome: "unchanged" })
    expect(await updateTrees(before, [])).toEqual({ outcome: "unchanged" })
  })

  it("takes the last of several changes of one file", async () => {
    const trees = await updated(new Map(), [
      { path: "a/b", id: A },
      { path: "c", id: A },
      { path: "a/b", id: B },
    ])
    expect(trees.root).toBe((await updated(new Map(), writes({ "a/b": B, c: A }))).root)
    expect(counts(trees)).toEqual({ "": 2, a: 1 })
    expect(trees.changed).toHaveLength(2)
  })

  it("keeps the mode of a file that is overwritten", async () => {
    const before = new Map([["", { entries: [{ mode: "100755", name: "run.sh", id: A }], fileCount: 1 }]])
    const [root] = (await updated(before, writes({ "run.sh": B }))).folders
    expect(parseTree(root?.content ?? new Uint8Array())).toEqual([{ mode: "100755", name: "run.sh", id: B }])
  })

  it("does not change the folders it was given", async () => {
    const before = await standing({ "a/b": A })
    const copy = structuredClone(before)
    await updateTrees(before, writes({ "a/b": B, "a/c": A, d: A }))
    expect(before).toEqual(copy)
  })
})

describe("removing files", () => {
  it("removes a folder with its last file, and those above it that are empty then", async () => {
    const before = await standing({ "a/b/c/d": A, "a/x": A })
    const trees = await updated(before, writes({ "a/b/c/d": null }))
    expect(counts(trees)).toEqual({ "": 1, a: 1 })
    expect(trees.removed.toSorted()).toEqual(["a/b", "a/b/c"])
    expect(trees.root).toBe((await updated(new Map(), writes({ "a/x": A }))).root)
  })

  it("leaves the empty tree when the last file goes", async () => {
    const trees = await updated(await standing({ "a/b": A }), writes({ "a/b": null }))
    expect(trees.root).toBe(EMPTY_TREE)
    expect(counts(trees)).toEqual({ "": 0 })
    expect(trees.removed).toEqual(["a"])
  })

  it("changes nothing when there is no such file", async () => {
    const before = await standing({ "a/b": A })
    expect(await updateTrees(before, writes({ "a/c": null, "x/y/z": null, w: null }))).toEqual({ outcome: "unchanged" })
  })

  it("and writing in one change keeps a folder that is emptied and filled", async () => {
    const before = await standing({ "a/b": A })
    const trees = await updated(before, writes({ "a/b": null, "a/c": B }))
    expect(trees.removed).toEqual([])
    expect(counts(trees)).toEqual({ "": 1, a: 1 })
    expect(trees.root).toBe((await updated(new Map(), writes({ "a/c": B }))).root)
  })

  it("forgets a folder that was made and emptied in one change", async () => {
    const trees = await updated(await standing({ x: A }), [
      { path: "x", id: B },
      { path: "a/b", id: A },
      { path: "a/b", id: null },
    ])
    expect(trees.root).toBe((await updated(new Map(), writes({ x: B }))).root)
    expect(trees.removed).toEqual([])
  })
})

describe("files and folders in each other's way", () => {
  it.each([
    { before: { a: A }, changes: { "a/b": A }, outcome: "file-in-the-way", path: "a" },
    { before: { "a/b": A }, changes: { "a/b/c/d": A }, outcome: "file-in-the-way", path: "a/b" },
    { before: { "a/b": A }, changes: { a: A }, outcome: "folder-in-the-way", path: "a" },
    { before: { "a/b/c": A }, changes: { "a/b": A }, outcome: "folder-in-the-way", path: "a/b" },
    { before: { "a/b": A }, changes: { a: null }, outcome: "folder-in-the-way", path: "a" },
    { before: { x: A }, changes: { a: A, "a/b": A }, outcome: "file-in-the-way", path: "a" },
    { before: { x: A }, changes: { "a/b": A, a: A }, outcome: "folder-in-the-way", path: "a" },
  ])("$before, then $changes: $outcome", async ({ before, changes, outcome, path }) => {
    expect(await updateTrees(await standing(before), writes(changes))).toEqual({ outcome, path })
  })

  it("do not mind names that begin alike", async () => {
    const trees = await updated(await standing({ a: A }), writes({ "a.d/b": A, "ab/c": A }))
    const root = trees.folders.find((folder) => folder.path === "")
    const modes = parseTree(root?.content ?? new Uint8Array()).map((entry) => `${entry.mode} ${entry.name}`)
    expect(modes).toEqual([`${FILE_MODE} a`, `${TREE_MODE} a.d`, `${TREE_MODE} ab`])
  })
})
