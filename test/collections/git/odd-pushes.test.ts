/** Pushes that git makes seldom, and that are taken: what is stored of them must hold, and must be there to be fetched. */
import { beforeEach, describe, expect, it } from "vitest"
import { EMPTY_TREE, FILE_MODE, type ObjectId, TREE_MODE } from "../../../src/git/objects.ts"
import { packObjects, headOf, push, type Update } from "../../support/git.ts"
import { noise } from "../../support/bytes.ts"
import { auditProject } from "../../support/integrity.ts"
import { commitFiles, fetchFile, listFiles, newProject, readFile } from "../../support/keptn.ts"
import {
  blobOf,
  commitOf,
  copy,
  deltaOf,
  distance,
  insert,
  type MadeObject,
  type Packed,
  packEntry,
  packOf,
  reference,
  treeOf,
} from "../../support/packs.ts"

const REF = "refs/heads/dev"

let project: string
let head: ObjectId
let blob: MadeObject

beforeEach(async () => {
  project = await newProject("dev", "prod")
  head = await headOf(project, "dev")
  blob = await blobOf("pushed\n")
})

/** Pushes commits to `dev`, the last of which shall be its head, and expects that they are taken and everything holds. */
async function taken(objects: readonly Packed[], to: ObjectId, from = head): Promise<string[]> {
  const lines = await push(project, [{ ref: REF, from, to }], packOf(objects))
  expect(lines).toEqual(["unpack ok", `ok ${REF}`])
  expect(await headOf(project, "dev")).toBe(to)
  return (await auditProject(project))["dev"] ?? []
}

function file(name: string, id: ObjectId = blob.id, mode = FILE_MODE) {
  return { mode, name, id }
}

describe("a push is taken", () => {
  it("of one commit", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    expect(await taken([commit, tree, blob], commit.id)).toEqual(["Initialize project", "pushed"])
    expect((await fetchFile({ project, stage: "dev" }, "a")).text).toBe("pushed\n")
  })

  it("whose objects come in any order, children before their parents", async () => {
    const one = await treeOf(file("a"))
    const two = await treeOf(file("b"))
    const first = await commitOf({ tree: one.id, parents: [head], message: "one" })
    const second = await commitOf({ tree: two.id, parents: [first.id], message: "two" })
    expect(await taken([blob, two, second, one, first], second.id)).toEqual(["Initialize project", "one", "two"])
  })

  it("of a thousand commits", async () => {
    const objects: MadeObject[] = []
    let parent = head
    for (let n = 0; n < 1000; n++) {
      const content = await blobOf(`${n}`)
      const tree = await treeOf(file("counter", content.id))
      const commit = await commitOf({ tree: tree.id, parents: [parent], message: `${n}`, time: 1_700_000_000 + n })
      objects.push(content, tree, commit)
      parent = commit.id
    }
    const lines = await push(project, [{ ref: REF, from: head, to: parent }], packOf(objects))
    expect(lines).toEqual(["unpack ok", `ok ${REF}`])
    const middle = objects.filter(({ type }) => type === "commit")[500]?.id
    expect((await fetchFile({ project, stage: "dev" }, `counter?gitCommitID=${middle}`)).text).toBe("500")
    expect(await packObjects(project, [parent], [head])).toEqual(objects.map(({ id }) => id).toSorted())
  })

  it("but not of a thousand and one", async () => {
    const objects: MadeObject[] = []
    let parent = head
    for (let n = 0; n < 1001; n++) {
      const commit = await commitOf({ tree: EMPTY_TREE, parents: [parent], message: `${n}` })
      objects.push(commit)
      parent = commit.id
    }
    const lines = await push(project, [{ ref: REF, from: head, to: parent }], packOf(objects))
    expect(lines[1]).toMatch(/^ng refs\/heads\/dev more than 1000 commits at once/)
    expect(await headOf(project, "dev")).toBe(head)
  })

  it("that empties the branch, and one that fills it again", async () => {
    const empty = await commitOf({ tree: EMPTY_TREE, parents: [head] })
    await taken([empty], empty.id)
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual([])
    const tree = await treeOf(file("a"))
    const full = await commitOf({ tree: tree.id, parents: [empty.id] })
    await taken([full, tree, blob], full.id, empty.id)
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/a"])
  })

  it("whose commit changes nothing, and one that goes back", async () => {
    const tree = await treeOf(file("a"))
    const other = await treeOf(file("b"))
    const one = await commitOf({ tree: tree.id, parents: [head] })
    const same = await commitOf({ tree: tree.id, parents: [one.id], message: "the same" })
    const away = await commitOf({ tree: other.id, parents: [same.id] })
    const back = await commitOf({ tree: tree.id, parents: [away.id], message: "back" })
    expect(await taken([one, same, away, back, tree, other, blob], back.id)).toHaveLength(5)
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/a"])
  })

  it("in which a file becomes a folder and a folder a file", async () => {
    const inner = await treeOf(file("inside"))
    const before = await treeOf(file("a"), { mode: TREE_MODE, name: "b", id: inner.id })
    const after = await treeOf({ mode: TREE_MODE, name: "a", id: inner.id }, file("b"))
    const one = await commitOf({ tree: before.id, parents: [head] })
    const two = await commitOf({ tree: after.id, parents: [one.id] })
    await taken([one, two, before, after, inner, blob], two.id)
    expect((await listFiles({ project, stage: "dev" })).uris.toSorted()).toEqual(["/a/inside", "/b"])
    expect((await fetchFile({ project, stage: "dev" }, `b/inside?gitCommitID=${one.id}`)).text).toBe("pushed\n")
  })

  it("in which a mode alone changes, which the next write of the API keeps", async () => {
    const plain = await treeOf(file("run.sh"))
    const executable = await treeOf(file("run.sh", blob.id, "100755"))
    const one = await commitOf({ tree: plain.id, parents: [head] })
    const two = await commitOf({ tree: executable.id, parents: [one.id] })
    await taken([one, two, plain, executable, blob], two.id)
    await commitFiles({ project, stage: "dev" }, { "run.sh": "changed\n" })
    expect(await auditProject(project)).toBeDefined()
    const changed = await blobOf("changed\n")
    const expected = await treeOf(file("run.sh", changed.id, "100755"))
    expect(await packObjects(project, [await headOf(project, "dev")], [two.id])).toContain(expected.id)
  })

  it("with a merge, whose both sides stand on the branch", async () => {
    const [left, right, both] = [
      await treeOf(file("left")),
      await treeOf(file("right")),
      await treeOf(file("left"), file("right")),
    ]
    const one = await commitOf({ tree: left.id, parents: [head], message: "left", time: 10 })
    const other = await commitOf({ tree: right.id, parents: [head], message: "right", time: 20 })
    const merge = await commitOf({ tree: both.id, parents: [one.id, other.id], message: "merge", time: 30 })
    const history = await taken([one, other, merge, left, right, both, blob], merge.id)
    expect(history.toSorted()).toEqual(["Initialize project", "left", "merge", "right"])
    for (const [commit, name] of [
      [one, "left"],
      [other, "right"],
      [merge, "left"],
      [merge, "right"],
    ] as const) {
      expect((await fetchFile({ project, stage: "dev" }, `${name}?gitCommitID=${commit.id}`)).text).toBe("pushed\n")
    }
    expect((await readFile({ project, stage: "dev" }, `right?gitCommitID=${one.id}`)).status).toBe(404)
  })

  it.each([
    ["from before the first one", 1],
    ["from far in the future", 9_999_999_999],
  ])("with commits %s, and they can be fetched", async (_, time) => {
    const tree = await treeOf(file("a"))
    const one = await commitOf({ tree: tree.id, parents: [head], time })
    const two = await commitOf({ tree: EMPTY_TREE, parents: [one.id], time: 1_700_000_000 })
    const three = await commitOf({ tree: tree.id, parents: [two.id], time: 5 })
    await taken([one, two, three, tree, blob], three.id)
    const everything = [one, two, three, tree, blob].map(({ id }) => id)
    expect(await packObjects(project, [three.id], [])).toEqual(expect.arrayContaining(everything))
    expect(await packObjects(project, [three.id], [head])).toEqual(expect.arrayContaining(everything))
  })

  it("with deltas in a row, each of the one before, and of objects that are stored", async () => {
    const one = await blobOf("one two three")
    const base = await treeOf(file("a", one.id))
    const first = await commitOf({ tree: base.id, parents: [head] })
    await taken([first, base, one], first.id)

    const two = await blobOf("one two")
    const three = await blobOf("two")
    const tree = await treeOf(file("b", two.id), file("c", three.id))
    const second = await commitOf({ tree: tree.id, parents: [first.id] })
    const fromStored: Packed = { type: "ref-delta", base: reference(one.id), content: deltaOf(13, 7, copy(0, 7)) }
    const offset = packEntry(fromStored).length
    const fromPack: Packed = { type: "ofs-delta", base: distance(offset), content: deltaOf(7, 3, copy(4, 3)) }
    await taken([fromStored, fromPack, tree, second], second.id, first.id)
    expect((await fetchFile({ project, stage: "dev" }, "b")).text).toBe("one two")
    expect((await fetchFile({ project, stage: "dev" }, "c")).text).toBe("two")
  })

  it("with deltas before what they are made from", async () => {
    const one = await blobOf("one two three")
    const two = await blobOf("one two!")
    const three = await blobOf("one")
    const tree = await treeOf(file("b", two.id), file("c", three.id))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const last: Packed = { type: "ref-delta", base: reference(two.id), content: deltaOf(8, 3, copy(0, 3)) }
    const middle: Packed = {
      type: "ref-delta",
      base: reference(one.id),
      content: deltaOf(13, 8, copy(0, 7), insert("!")),
    }
    await taken([last, middle, tree, commit, one], commit.id)
    expect((await fetchFile({ project, stage: "dev" }, "c")).text).toBe("one")
  })

  it("with deltas of large files before what they are made from, one of the other", async () => {
    const size = 5 * 2 ** 20
    const first = await blobOf(new Uint8Array(size))
    const files: MadeObject[] = [first]
    const deltas: Packed[] = []
    for (const letter of ["a", "b", "c"]) {
      const base = files.at(-1) ?? first
      const content = base.content.slice()
      content[content.length - 1] = letter.charCodeAt(0)
      files.push(await blobOf(content))
      const delta = deltaOf(size, size, copy(0, 0xffffff & (size - 1)), insert(letter))
      deltas.unshift({ type: "ref-delta", base: reference(base.id), content: delta })
    }
    const tree = await treeOf(...files.map(({ id }, n) => file(`${n}`, id)))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    await taken([...deltas, first, tree, commit], commit.id)
  })

  it("with a delta before what it is made from, which is too large to be read whole", async () => {
    const large = await blobOf(noise(9 * 2 ** 20))
    const delta = deltaOf(large.content.length, 3, copy(0, 3))
    const small = await blobOf(large.content.slice(0, 3))
    const tree = await treeOf(file("a", small.id), file("b", large.id))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    await taken([{ type: "ref-delta", base: reference(large.id), content: delta }, large, tree, commit], commit.id)
  })

  it("with a delta of a commit and of a tree", async () => {
    const tree = await treeOf(file("a"))
    const wider = await treeOf(file("a"), file("b"))
    const one = await commitOf({ tree: tree.id, parents: [head] })
    const two = await commitOf({ tree: wider.id, parents: [one.id] })
    const treeDelta: Packed = {
      type: "ref-delta",
      base: reference(tree.id),
      content: deltaOf(
        tree.content.length,
        wider.content.length,
        copy(0, tree.content.length),
        ...pieces(wider.content.subarray(tree.content.length)),
      ),
    }
    const commitDelta: Packed = {
      type: "ref-delta",
      base: reference(one.id),
      content: deltaOf(one.content.length, two.content.length, ...pieces(two.content)),
    }
    await taken([one, tree, blob, treeDelta, commitDelta], two.id)
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/a", "/b"])
  })

  it("with objects twice, and with some that nothing names", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const stray = await commitOf({ tree: tree.id, message: "stray" })
    await taken([commit, tree, blob, blob, tree, commit, stray, await blobOf("nobody's")], commit.id)
  })

  it("of a commit that is signed and has headers of its own", async () => {
    const extra =
      "gpgsig -----BEGIN PGP SIGNATURE-----\n \n parent of nothing\n -----END\nencoding ISO-8859-1\nx-own 1\n"
    const commit = await commitOf({ tree: EMPTY_TREE, parents: [head], extra })
    await taken([commit], commit.id)
    expect(await packObjects(project, [commit.id], [head])).toContain(commit.id)
  })

  it("with a line that looks like a parent behind the committer, which names none", async () => {
    const commit = await commitOf({ tree: EMPTY_TREE, parents: [head], extra: `parent ${"d".repeat(40)}\n` })
    await taken([commit], commit.id)
    const next = await commitOf({ tree: EMPTY_TREE, parents: [commit.id] })
    await taken([next], next.id, commit.id)
    expect(await packObjects(project, [next.id], [])).toEqual(expect.arrayContaining([head, commit.id, next.id]))
  })

  it("to two branches at once", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const updates: Update[] = ["dev", "prod"].map((name) => ({ ref: `refs/heads/${name}`, from: head, to: commit.id }))
    const lines = await push(project, updates, packOf([commit, tree, blob]))
    expect(lines).toEqual(["unpack ok", `ok ${REF}`, "ok refs/heads/prod"])
    expect(await auditProject(project)).toMatchObject({
      dev: ["Initialize project", "pushed"],
      prod: ["Initialize project", "pushed"],
    })
  })

  it("to the one of two branches that can be moved, when it is not atomic", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const updates: Update[] = [
      { ref: REF, from: head, to: commit.id },
      { ref: "refs/heads/new", from: "0".repeat(40), to: commit.id },
    ]
    const lines = await push(project, updates, packOf([commit, tree, blob]))
    expect(lines.slice(0, 2)).toEqual(["unpack ok", `ok ${REF}`])
    expect(lines[2]).toMatch(/^ng refs\/heads\/new unknown branch/)
    await auditProject(project)
  })

  it("of the commits of one branch to another, without any object", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    await taken([commit, tree, blob], commit.id)
    expect(await push(project, [{ ref: "refs/heads/prod", from: head, to: commit.id }], packOf([]))).toEqual([
      "unpack ok",
      "ok refs/heads/prod",
    ])
    await auditProject(project)
    expect((await fetchFile({ project, stage: "prod" }, "a")).text).toBe("pushed\n")
  })

  it("by one of two who push at once, and the other is told to fetch", async () => {
    const tree = await treeOf(file("a"))
    const pushes = await Promise.all(
      Array.from({ length: 5 }, async (_, n) => {
        const commit = await commitOf({ tree: tree.id, parents: [head], message: `${n}` })
        return push(project, [{ ref: REF, from: head, to: commit.id }], packOf([commit, tree, blob]))
      }),
    )
    const answers = pushes.flatMap(([, line]) => line ?? [])
    expect(answers.filter((line) => line === `ok ${REF}`)).toHaveLength(1)
    expect(answers.filter((line) => line === `ng ${REF} fetch first`)).toHaveLength(4)
    expect((await auditProject(project))["dev"]).toHaveLength(2)
  })

  it("while the API writes, and nothing is lost", async () => {
    const tree = await treeOf(file("a"))
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const [lines, ...written] = await Promise.all([
      push(project, [{ ref: REF, from: head, to: commit.id }], packOf([commit, tree, blob])),
      ...["x", "y", "z"].map((name) => commitFiles({ project, stage: "dev" }, { [name]: name })),
    ])
    const history = (await auditProject(project))["dev"] ?? []
    expect(history).toHaveLength(1 + written.length + (lines[1] === `ok ${REF}` ? 1 : 0))
  })
})

/** Bytes as insertions of a delta. */
function pieces(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; offset += 127) {
    const piece = bytes.subarray(offset, offset + 127)
    found.push(Uint8Array.of(piece.length, ...piece))
  }
  return found
}
