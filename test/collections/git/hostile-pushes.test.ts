/** Pushes that no git makes. None of them may leave a row behind, and each is told what is wrong. */
import { beforeEach, describe, expect, it } from "vitest"
import { EMPTY_TREE, encodeTree, FILE_MODE, type ObjectId, TREE_MODE } from "../../../src/git/objects.ts"
import { concat, fromHex, utf8 } from "../../../src/lib/bytes.ts"
import { headOf, headsOf, NO_OBJECT, push } from "../../support/git.ts"
import { auditProject } from "../../support/integrity.ts"
import { newProject } from "../../support/keptn.ts"
import {
  blobOf,
  commitOf,
  copy,
  deltaOf,
  insert,
  type MadeObject,
  type Packed,
  packOf,
  rawCommit,
  rawTree,
  reference,
  treeOf,
} from "../../support/packs.ts"
import { countRows } from "../../support/storage.ts"

const MISSING = "d".repeat(40)
const REF = "refs/heads/dev"

let project: string
let head: ObjectId
let blob: MadeObject

beforeEach(async () => {
  project = await newProject("dev", "prod")
  head = await headOf(project, "dev")
  blob = await blobOf("pushed\n")
})

/** Pushes to `dev` and expects that nothing has changed. Answers the report. */
async function refused(pack: Uint8Array, to: ObjectId, ref = REF): Promise<string[]> {
  const before = { rows: await countRows(), heads: await headsOf(project) }
  const lines = await push(project, [{ ref, from: ref === REF ? head : NO_OBJECT, to }], pack)
  expect({ rows: await countRows(), heads: await headsOf(project) }).toEqual(before)
  return lines
}

/** A commit on the head with this tree, and a pack of both, the blob, and more. */
async function withTree(tree: MadeObject, ...others: Packed[]): Promise<[Uint8Array, ObjectId]> {
  const commit = await commitOf({ tree: tree.id, parents: [head] })
  return [packOf([commit, tree, blob, ...others]), commit.id]
}

/** An entry of a tree, as its bytes. */
function line(mode: string, name: string | Uint8Array, id: ObjectId = blob.id): Uint8Array {
  return concat([utf8(`${mode} `), typeof name === "string" ? utf8(name) : name, Uint8Array.of(0), fromHex(id)])
}

it("takes a push that is sound, of which the others are made", async () => {
  const other = await newProject("dev")
  const from = await headOf(other, "dev")
  const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
  const commit = await commitOf({ tree: tree.id, parents: [from] })
  const update = { ref: REF, from, to: commit.id }
  expect(await push(other, [update], packOf([commit, tree, blob]))).toEqual(["unpack ok", `ok ${REF}`])
  expect(await headOf(other, "dev")).toBe(commit.id)
  expect((await auditProject(other))["dev"]).toEqual(["Initialize project", "pushed"])
})

describe("a pack is refused with a line that says why", () => {
  it.each<[string, (pack: Uint8Array) => Uint8Array, string | RegExp]>([
    ["that is missing", () => new Uint8Array(), "the data ends too early"],
    ["that is garbage", () => utf8("this is no pack, however long it may be"), "the pack does not begin as packs do"],
    ["that is cut off in its header", (pack) => pack.subarray(0, 10), "the data ends too early"],
    ["that is cut off in an object", (pack) => pack.subarray(0, 60), /cannot be decompressed|too early/],
    ["that is cut off in its checksum", (pack) => pack.subarray(0, -1), "the data ends too early"],
    [
      "with another checksum",
      (pack) => concat([pack.subarray(0, -1), Uint8Array.of(pack.at(-1) === 0 ? 1 : 0)]),
      "checksum",
    ],
  ])("%s", async (_, spoil, message) => {
    const [pack, to] = await withTree(await treeOf({ mode: FILE_MODE, name: "a", id: blob.id }))
    expect(await refused(spoil(pack), to)).toEqual([
      expect.stringMatching(/^unpack (?!ok)/),
      `ng ${REF} the pack was refused`,
    ])
    expect((await refused(spoil(pack), to))[0]).toMatch(message)
  })

  it("wherever it is cut off", async () => {
    const [pack, to] = await withTree(await treeOf({ mode: FILE_MODE, name: "a", id: blob.id }))
    for (let length = 0; length < pack.length; length += 7) {
      expect((await refused(pack.subarray(0, length), to))[1]).toBe(`ng ${REF} the pack was refused`)
    }
  })

  it.each<[string, () => Packed[], string]>([
    [
      "with a delta of an object that is nowhere",
      () => [{ type: "ref-delta", base: reference(MISSING), content: deltaOf(6, 1, insert("a")) }],
      `the object ${MISSING}, from which another is made, is missing`,
    ],
    [
      "with a delta of another size",
      () => [{ type: "ref-delta", base: reference(blob.id), content: deltaOf(6, 1, insert("a")) }],
      "a delta is of another base",
    ],
    [
      "with a delta that copies too much",
      () => [{ type: "ref-delta", base: reference(blob.id), content: deltaOf(7, 9, copy(0, 9)) }],
      "a delta copies from behind its base",
    ],
    [
      "with a delta that says to make a gibibyte",
      () => [{ type: "ref-delta", base: reference(blob.id), content: deltaOf(7, 2 ** 30, copy(0, 7)) }],
      "comes as a delta",
    ],
    [
      "with a commit of nine mebibytes",
      () => [{ type: "commit", content: new Uint8Array(9 * 2 ** 20) }],
      "a commit has 9437184 bytes",
    ],
    [
      "with a tree of a mebibyte",
      () => [
        {
          type: "tree",
          content: encodeTree(
            Array.from({ length: 30_000 }, (_, n) => ({ mode: FILE_MODE, name: `file ${n}`, id: blob.id })),
          ),
        },
      ],
      "is too large",
    ],
    [
      "with an object that says 100 bytes and makes 100 mebibytes",
      () => [{ type: "blob", content: new Uint8Array(100 * 2 ** 20), size: 100 }],
      "cannot be decompressed",
    ],
    [
      "with a commit that is none",
      () => [{ type: "commit", content: utf8("tree of life\n") }],
      "is not as git writes commits",
    ],
    [
      "with a commit that has a zero in its message",
      () => [
        { type: "commit", content: utf8(`tree ${EMPTY_TREE}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\n\0`) },
      ],
      "is not as git writes commits",
    ],
  ])("%s", async (_, objects, message) => {
    const [pack, to] = await withTree(await treeOf({ mode: FILE_MODE, name: "a", id: blob.id }), ...objects())
    const [first, second] = await refused(pack, to)
    expect(first).toMatch(/^unpack (?!ok)/)
    expect(first).toContain(message)
    expect(second).toBe(`ng ${REF} the pack was refused`)
  })

  it("with more objects than are taken at once", async () => {
    const { id } = await commitOf({ tree: EMPTY_TREE, parents: [head] })
    expect((await refused(packOf([], 20_001), id))[0]).toBe("unpack it has 20001 objects, and at most 20000 are taken")
  })
})

describe("a tree is refused", () => {
  it.each<[string, () => Uint8Array, string]>([
    ["with a symbolic link", () => line("120000", "link"), "'link' is a symbolic link"],
    ["with a submodule", () => line("160000", "module"), "'module' is a submodule"],
    ["with a mode that begins with a zero", () => line("040000", "folder"), "'folder' has the mode 040000"],
    ["with a mode of old", () => line("100664", "old"), "'old' has the mode 100664"],
    ["with a mode that is none", () => line("0", "none"), "'none' has the mode 0"],
    ["without any mode", () => line("", "none"), "'none' has the mode "],
    ["with an empty folder", () => line(TREE_MODE, "empty", EMPTY_TREE), "the folder 'empty' is empty"],
    ["out of order", () => concat([line(FILE_MODE, "b"), line(FILE_MODE, "a")]), "is not in git's order"],
    [
      "with folders in the order of files",
      () => concat([line(TREE_MODE, "a"), line(FILE_MODE, "a.b")]),
      "is not in git's order",
    ],
    ["with a name twice", () => concat([line(FILE_MODE, "a"), line(FILE_MODE, "a")]), "is not in git's order"],
    [
      "with a file and a folder of one name",
      () => concat([line(FILE_MODE, "a"), line(TREE_MODE, "a")]),
      "is not in git's order",
    ],
    ["with a name that is no UTF-8", () => line(FILE_MODE, Uint8Array.of(0xff)), "names must be UTF-8"],
    ["that is cut off", () => line(FILE_MODE, "a").slice(0, -1), "cannot be read"],
    ["that is none", () => utf8("no tree"), "cannot be read"],
  ])("%s", async (_, content, message) => {
    const [first, second] = await refused(...(await withTree(await rawTree(content()))))
    expect(first).toContain(message)
    expect(first).toMatch(/^unpack (?!ok)/)
    expect(second).toBe(`ng ${REF} the pack was refused`)
  })

  it.each(["a/b", "/", "/a", "a/", "", ".", "..", ".git", ".GIT", "git~1", "a~b", "a\nb", "\u007f", "x".repeat(256)])(
    "with a file called %j",
    async (name) => {
      const lines = await refused(...(await withTree(await rawTree(line(FILE_MODE, name)))))
      expect(lines.join("\n")).toMatch(/^unpack (?!ok)|^ng /m)
    },
  )

  it.each(["a/b", "", ".", "..", ".git", "a~b", "a\nb"])("with a folder called %j", async (name) => {
    const inner = await treeOf({ mode: FILE_MODE, name: "file", id: blob.id })
    const lines = await refused(...(await withTree(await rawTree(line(TREE_MODE, name, inner.id)), inner)))
    expect(lines.join("\n")).toMatch(/^unpack (?!ok)|^ng /m)
  })

  it("that stands for more files than anybody can count", async () => {
    let tree = await treeOf({ mode: FILE_MODE, name: "file", id: blob.id })
    const trees = [tree]
    for (let level = 0; level < 12; level++) {
      const { id } = tree
      tree = await treeOf(...Array.from({ length: 10 }, (_, n) => ({ mode: TREE_MODE, name: `${n}`, id })))
      trees.push(tree)
    }
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const lines = await refused(packOf([commit, ...trees, blob]), commit.id)
    expect(lines).toEqual(["unpack ok", expect.stringMatching(/^ng refs\/heads\/dev more than 50000 changes/)])
  })

  it("that is deeper than any path is long", async () => {
    let tree = await treeOf({ mode: FILE_MODE, name: "file", id: blob.id })
    const trees = [tree]
    for (let level = 0; level < 2000; level++) {
      tree = await treeOf({ mode: TREE_MODE, name: "d", id: tree.id })
      trees.push(tree)
    }
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const lines = await refused(packOf([commit, ...trees, blob]), commit.id)
    expect(lines[1]).toMatch(/^ng refs\/heads\/dev /)
  })
})

describe("a branch stays where it is", () => {
  it("when the commit is not in the pack", async () => {
    expect(await refused(packOf([blob]), MISSING)).toEqual(["unpack ok", `ng ${REF} the commit ${MISSING} is missing`])
  })

  it("when the commit is a blob or a tree", async () => {
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    for (const { id } of [blob, tree]) {
      expect(await refused(packOf([blob, tree]), id)).toEqual(["unpack ok", `ng ${REF} the commit ${id} is missing`])
    }
  })

  it("when the commit's tree is missing", async () => {
    const commit = await commitOf({ tree: MISSING, parents: [head] })
    expect((await refused(packOf([commit]), commit.id))[1]).toBe(`ng ${REF} the tree of '' is named but not stored`)
  })

  it("when a folder's tree is missing, or is a blob", async () => {
    for (const id of [MISSING, blob.id]) {
      const tree = await treeOf({ mode: TREE_MODE, name: "folder", id })
      const [pack, to] = await withTree(tree)
      expect((await refused(pack, to))[1]).toBe(`ng ${REF} the tree of 'folder' is named but not stored`)
    }
  })

  it("when a file's bytes are missing, or are a tree", async () => {
    const inner = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    for (const id of [MISSING, inner.id]) {
      const [pack, to] = await withTree(await treeOf({ mode: FILE_MODE, name: "a", id }), inner)
      expect((await refused(pack, to))[1]).toBe(`ng ${REF} the content ${id} is missing`)
    }
  })

  it("when the bytes of a file are those of another project", async () => {
    const other = await newProject("dev")
    const from = await headOf(other, "dev")
    const secret = await blobOf("of another project")
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: secret.id })
    const theirs = await commitOf({ tree: tree.id, parents: [from] })
    const pack = packOf([theirs, tree, secret])
    expect(await push(other, [{ ref: REF, from, to: theirs.id }], pack)).toContain(`ok ${REF}`)

    const commit = await commitOf({ tree: tree.id, parents: [head] })
    expect((await refused(packOf([commit, tree]), commit.id))[1]).toBe(`ng ${REF} the content ${secret.id} is missing`)
    expect((await refused(packOf([commit]), commit.id))[1]).toBe(`ng ${REF} the tree of '' is named but not stored`)
    const delta: Packed = { type: "ref-delta", base: reference(secret.id), content: deltaOf(18, 18, copy(0, 18)) }
    expect((await refused(packOf([commit, tree, delta]), commit.id))[0]).toContain("is missing")
  })

  it("when a parent is missing, whichever it is", async () => {
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    for (const parents of [[MISSING], [head, MISSING], [MISSING, head]]) {
      const commit = await commitOf({ tree: tree.id, parents })
      expect((await refused(packOf([commit, tree, blob]), commit.id))[1]).toBe(
        `ng ${REF} the commit ${MISSING} is missing`,
      )
    }
  })

  it("when the commit has no parent, and when it has another history", async () => {
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    const root = await commitOf({ tree: tree.id })
    const child = await commitOf({ tree: tree.id, parents: [root.id] })
    for (const { id } of [root, child]) {
      expect((await refused(packOf([root, child, tree, blob]), id))[1]).toMatch(/^ng refs\/heads\/dev non-fast-forward/)
    }
  })

  it("when the commit names itself or nothing as its parents in other ways than git", async () => {
    const person = "a <b> 1 +0000"
    for (const text of [
      `tree ${EMPTY_TREE}\nparent ${head.toUpperCase()}\nauthor ${person}\ncommitter ${person}\n\n`,
      `parent ${head}\ntree ${EMPTY_TREE}\nauthor ${person}\ncommitter ${person}\n\n`,
      `tree ${EMPTY_TREE}\nparent ${head}\nauthor ${person}\n\n`,
      `tree ${EMPTY_TREE}\nparent ${head}\ncommitter ${person}\nauthor ${person}\n\n`,
      `tree ${EMPTY_TREE}\nparent ${head}\nauthor a b 1 +0000\ncommitter ${person}\n\n`,
    ]) {
      const commit = await rawCommit(text)
      expect((await refused(packOf([commit]), commit.id))[0]).toMatch(/^unpack the commit .* is not as git writes/)
    }
  })

  it.each([
    ["refs/heads/new", "unknown branch"],
    ["refs/tags/v1", "tags are not kept"],
    ["refs/heads/DEV", "unknown branch"],
    ["refs/heads/../dev", "unknown branch"],
    ["dev", "unknown branch"],
    ["HEAD", "unknown branch"],
  ])("when the ref is %s", async (ref, message) => {
    const lines = await refused(packOf([]), head, ref)
    expect(lines[1]).toMatch(new RegExp(`^ng ${ref.replaceAll(".", "\\.")} ${message}`))
  })

  it("when it is to be deleted", async () => {
    expect(await refused(new Uint8Array(), NO_OBJECT)).toEqual([
      "unpack ok",
      `ng ${REF} a branch cannot be deleted: it belongs to a stage`,
    ])
  })

  it("when the head is not the one that the client knows", async () => {
    const lines = await push(project, [{ ref: REF, from: MISSING, to: head }], packOf([]))
    expect(lines).toEqual(["unpack ok", `ng ${REF} fetch first`])
  })

  it("when it is to be moved twice at once", async () => {
    const before = { rows: await countRows(), heads: await headsOf(project) }
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    const one = await commitOf({ tree: tree.id, parents: [head], message: "one" })
    const two = await commitOf({ tree: tree.id, parents: [head], message: "two" })
    const updates = [one, two].map(({ id }) => ({ ref: REF, from: head, to: id }))
    expect(await push(project, updates, packOf([one, two, tree, blob]))).toEqual([
      "unpack ok",
      `ng ${REF} a branch cannot be moved twice at once`,
      `ng ${REF} a branch cannot be moved twice at once`,
    ])
    expect({ rows: await countRows(), heads: await headsOf(project) }).toEqual(before)
  })

  it("and the others with it, in an atomic push of which one is refused", async () => {
    const before = { rows: await countRows(), heads: await headsOf(project) }
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    const sound = await commitOf({ tree: tree.id, parents: [head] })
    const updates = [
      { ref: REF, from: head, to: sound.id },
      { ref: "refs/heads/prod", from: await headOf(project, "prod"), to: MISSING },
    ]
    expect(await push(project, updates, packOf([sound, tree, blob]), "atomic")).toEqual([
      "unpack ok",
      `ng ${REF} another branch of this atomic push was refused`,
      `ng refs/heads/prod the commit ${MISSING} is missing`,
    ])
    expect({ rows: await countRows(), heads: await headsOf(project) }).toEqual(before)
  })
})
