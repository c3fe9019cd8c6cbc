/** Commits that put back what another one changed. */
import { describe, expect, it } from "vitest"
import { EMPTY_TREE, FILE_MODE, TREE_MODE, type TreeEntry } from "../../../src/git/objects.ts"
import { storageCounts } from "../../support/client.ts"
import { headOf, push } from "../../support/git.ts"
import { pushManyFiles } from "../../support/many-files.ts"
import { listMessages, readCommit, revertCommit } from "../../support/history.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  fetchFile,
  listFiles,
  newProject,
  type Place,
  readFile,
  removeFile,
  statuses,
} from "../../support/keptn.ts"
import { noise, sameBytes } from "../../support/bytes.ts"
import { knownToken } from "../../support/known.ts"
import { blobOf, commitOf as madeCommit, type MadeObject, packOf, treeOf } from "../../support/packs.ts"
import { tokenWith } from "../../support/people.ts"
import { countRows } from "../../support/storage.ts"

interface Stage extends Place {
  stage: string
}

async function newStage(): Promise<Stage> {
  return { project: await newProject("dev", "prod"), stage: "dev" }
}

async function remove(place: Place, path: string): Promise<string> {
  return commitOf(await removeFile(place, path))
}

/** Reverts a commit on the branch of a stage; answers the new commit. */
async function revert(place: Stage, id: string): Promise<string> {
  return commitOf(await revertCommit(place, id), 201)
}

/** The files of a place with their texts. */
async function textsOf(place: Place): Promise<Record<string, string>> {
  const texts: Record<string, string> = {}
  for (const uri of (await listFiles(place, "pageSize=1000")).uris) {
    texts[uri.slice(1)] = (await fetchFile(place, uri.slice(1))).text
  }
  return texts
}

/** Expects that the commit cannot be reverted, and that nothing is written. Answers the message. */
async function refused(place: { project: string; stage?: string }, id: string, status = 409): Promise<string> {
  const before = await countRows()
  const error = await failure(await revertCommit(place, id))
  expect(error.status).toBe(status)
  expect(await countRows()).toEqual(before)
  return error.message
}

/** Pushes a commit on the head of `dev` whose tree has these files and folders and nothing else. */
async function pushTree(place: Stage, objects: readonly MadeObject[], entries: readonly TreeEntry[]): Promise<string> {
  const from = await headOf(place.project, "dev")
  const tree = await treeOf(...entries)
  const commit = await madeCommit({ tree: tree.id, parents: [from] })
  const update = { ref: "refs/heads/dev", from, to: commit.id }
  const report = await push(place.project, [update], packOf([...objects, tree, commit]))
  expect(report).toEqual(["unpack ok", "ok refs/heads/dev"])
  return commit.id
}

describe("reverting a commit", () => {
  it("takes away the files it added", async () => {
    const place = await newStage()
    const before = await textsOf(place)
    const id = await commitFiles(place, { "d/a.txt": "a", "b.txt": "b" })
    await revert(place, id)
    expect(await textsOf(place)).toEqual(before)
    await auditProject(place.project)
  })

  it("puts back the contents it changed", async () => {
    const place = await newStage()
    await commitFiles(place, { "a.txt": "old", "b.txt": "stays" })
    const id = await commitFiles(place, { "a.txt": "new" })
    await commitFiles(place, { "c.txt": "later" })
    const reverted = await revert(place, id)
    expect(await fetchFile(place, "a.txt")).toMatchObject({ text: "old", version: reverted })
    expect((await fetchFile(place, "c.txt")).text).toBe("later")
    expect((await fetchFile(place, `a.txt?gitCommitID=${id}`)).text).toBe("new")
    await auditProject(place.project)
  })

  it.each([0, 1000, 1_500_000])("puts back a file of %i bytes that it deleted", async (size) => {
    const place = await newStage()
    const bytes = noise(size)
    await commitFiles(place, { "d/e/a.bin": bytes })
    const id = await remove(place, "d/e/a.bin")
    await revert(place, id)
    expect(sameBytes((await fetchFile(place, "d/e/a.bin")).bytes, bytes)).toBe(true)
    await auditProject(place.project)
  })

  it("puts back many files at once", async () => {
    const place = await newStage()
    const names = Array.from({ length: 300 }, (_, index) => `d${index % 9}/e${index % 4}/${index}.txt`)
    await commitFiles(place, Object.fromEntries(names.slice(0, 200).map((name) => [name, `old ${name}`])))
    const before = await listFiles(place, "pageSize=1000")
    const id = await commitFiles(place, Object.fromEntries(names.map((name) => [name, `new ${name}`])))
    await revert(place, id)
    expect((await listFiles(place, "pageSize=1000")).uris).toEqual(before.uris)
    for (const name of names.slice(198, 200)) expect((await fetchFile(place, name)).text).toBe(`old ${name}`)
    for (const name of names.slice(200, 202)) expect((await readFile(place, name)).status).toBe(404)
    await auditProject(place.project)
  })

  it("is a commit of the caller that names what it reverts, and answers like a write", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    const reverted = await revert(place, id)
    const commit = await readCommit(place, reverted)
    expect(commit).toMatchObject({
      parents: [id],
      branches: ["dev"],
      message: `Revert "Write a.txt"\n\nThis reverts commit ${id}.`,
      changes: [{ path: "a.txt", status: "removed" }],
    })
    expect(commit.author.email).toMatch(/@noreply\.quarterdeck\.invalid$/)
  })

  it("can be reverted, as often as one likes", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    const once = await revert(place, id)
    const twice = await revert(place, once)
    expect((await fetchFile(place, "a.txt")).text).toBe("a")
    await revert(place, twice)
    expect((await readFile(place, "a.txt")).status).toBe(404)
    expect((await listMessages(place.project, "stage=dev")).slice(0, 3).map((text) => text.split("\n")[0])).toEqual([
      'Revert "Revert "Revert "Write a.txt"""',
      'Revert "Revert "Write a.txt""',
      'Revert "Write a.txt"',
    ])
    await auditProject(place.project)
  })

  it("takes HEAD for the newest commit of the branch, of the project's own as well", async () => {
    const { project } = await newStage()
    await commitFiles({ project }, { "p.txt": "p" })
    await commitFiles({ project, stage: "dev" }, { "s.txt": "s" })
    await commitOf(await revertCommit({ project }, "HEAD"), 201)
    expect((await readFile({ project }, "p.txt")).status).toBe(404)
    expect((await fetchFile({ project, stage: "dev" }, "s.txt")).text).toBe("s")
    await revert({ project, stage: "dev" }, "HEAD")
    expect((await readFile({ project, stage: "dev" }, "s.txt")).status).toBe(404)
    await auditProject(project)
  })

  it("can leave a branch empty", async () => {
    const place = await newStage()
    await revert(place, "HEAD")
    expect((await listFiles(place)).uris).toEqual([])
    expect((await listFiles({ ...place, stage: "prod" })).uris).toEqual(["/metadata.yaml"])
    await revert(place, "HEAD")
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
    await auditProject(place.project)
  })

  it("goes where the files were written again as the commit left them", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    await commitFiles(place, { "a.txt": "other" })
    await commitFiles(place, { "a.txt": "a" })
    await revert(place, id)
    expect((await readFile(place, "a.txt")).status).toBe(404)
  })

  it("takes 5 trips for files at the root: two to find the commit, one for sizes, two to write", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    const response = await revertCommit(place, id, { token: await knownToken() })
    expect(storageCounts(response)).toMatchObject({ trips: 5, d1: 6, r2: 0, kv: 0 })
  })
})

describe("reverting a commit that was pushed", () => {
  it("puts the file back where the commit made a folder of it", async () => {
    const place = await newStage()
    const [one, two] = [await blobOf("one"), await blobOf("two")]
    await pushTree(place, [one], [{ mode: FILE_MODE, name: "a", id: one.id }])
    const inner = await treeOf({ mode: FILE_MODE, name: "b", id: two.id })
    const id = await pushTree(place, [two, inner], [{ mode: TREE_MODE, name: "a", id: inner.id }])
    expect((await readCommit(place, id)).changes.map(({ path, status }) => `${status} ${path}`)).toEqual([
      "removed a",
      "added a/b",
    ])
    const reverted = await revert(place, id)
    expect(await textsOf(place)).toEqual({ a: "one" })
    await auditProject(place.project)
    await revert(place, reverted)
    expect(await textsOf(place)).toEqual({ "a/b": "two" })
    await auditProject(place.project)
  })

  it("is refused when something else stands in the folder that it made of a file: 409", async () => {
    const place = await newStage()
    const [one, two] = [await blobOf("one"), await blobOf("two")]
    await pushTree(place, [one], [{ mode: FILE_MODE, name: "a", id: one.id }])
    const inner = await treeOf({ mode: FILE_MODE, name: "b", id: two.id })
    const id = await pushTree(place, [two, inner], [{ mode: TREE_MODE, name: "a", id: inner.id }])
    await commitFiles(place, { "a/c": "three" })
    expect(await refused(place, id)).toContain("'a' is a folder")
    expect(await textsOf(place)).toEqual({ "a/b": "two", "a/c": "three" })
  })

  it("puts back the mode of a file", async () => {
    const place = await newStage()
    const one = await blobOf("one")
    await pushTree(place, [one], [{ mode: "100755", name: "run", id: one.id }])
    const id = await pushTree(place, [], [{ mode: FILE_MODE, name: "run", id: one.id }])
    const tree = await treeOf({ mode: "100755", name: "run", id: one.id })
    await revert(place, id)
    const { dev = [] } = await auditProject(place.project)
    expect(dev).toHaveLength(4)
    const executable = await pushTree(place, [one, tree], [{ mode: FILE_MODE, name: "run", id: one.id }])
    expect((await readCommit(place, executable)).changes).toHaveLength(1)
    await remove(place, "run")
    await revert(place, "HEAD")
    expect(await textsOf(place)).toEqual({ run: "one" })
  })

  it("puts back all files of a branch that it emptied", async () => {
    const place = await newStage()
    await commitFiles(place, { "a/b.txt": "b", "c.txt": "c" })
    const before = await textsOf(place)
    const from = await headOf(place.project, "dev")
    const commit = await madeCommit({ tree: EMPTY_TREE, parents: [from] })
    await push(place.project, [{ ref: "refs/heads/dev", from, to: commit.id }], packOf([commit]))
    expect(await textsOf(place)).toEqual({})
    await revert(place, commit.id)
    expect(await textsOf(place)).toEqual(before)
    await auditProject(place.project)
  })

  it("takes a merge back to its first parent", async () => {
    const place = await newStage()
    const base = await headOf(place.project, "dev")
    const [one, two] = [await blobOf("one"), await blobOf("two")]
    const entries = { one: { mode: FILE_MODE, name: "1", id: one.id }, two: { mode: FILE_MODE, name: "2", id: two.id } }
    const trees = [await treeOf(entries.one), await treeOf(entries.two), await treeOf(entries.one, entries.two)]
    const [left, right, both] = trees.map(({ id }) => id)
    const first = await madeCommit({ tree: left ?? "", parents: [base], message: "left" })
    const second = await madeCommit({ tree: right ?? "", parents: [base], message: "right" })
    const merge = await madeCommit({ tree: both ?? "", parents: [first.id, second.id], message: "merge" })
    const update = { ref: "refs/heads/dev", from: base, to: merge.id }
    const report = await push(place.project, [update], packOf([one, two, ...trees, first, second, merge]))
    expect(report).toEqual(["unpack ok", "ok refs/heads/dev"])
    expect((await readCommit(place, merge.id)).parents).toEqual([first.id, second.id])
    expect(await listMessages(place.project, "stage=dev&path=2")).toContain("merge")
    await revert(place, merge.id)
    expect(await textsOf(place)).toEqual({ 1: "one" })
  })
})

describe("a commit that cannot be reverted", () => {
  it.each([
    ["written", (place: Stage) => commitFiles(place, { "a.txt": "later" })],
    ["deleted", (place: Stage) => remove(place, "a.txt")],
    [
      "made a folder",
      async (place: Stage) => {
        await remove(place, "a.txt")
        await commitFiles(place, { "a.txt/b.txt": "later" })
      },
    ],
  ])("is one whose file was %s since: 409, and nothing is written", async (_, change) => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a", "b.txt": "b" })
    await change(place)
    expect(await refused(place, id)).toBe(
      "'a.txt' was changed after that commit, so it cannot be put back: write the file you want instead",
    )
    expect((await fetchFile(place, "b.txt")).text).toBe("b")
  })

  it("is a deletion after which the file was written anew: 409", async () => {
    const place = await newStage()
    await commitFiles(place, { "a.txt": "a" })
    const id = await remove(place, "a.txt")
    await commitFiles(place, { "a.txt": "anew" })
    await refused(place, id)
    expect((await fetchFile(place, "a.txt")).text).toBe("anew")
  })

  it("is a deletion after which the file's folder became a file: 409", async () => {
    const place = await newStage()
    await commitFiles(place, { "d/a.txt": "a" })
    const id = await remove(place, "d/a.txt")
    await commitFiles(place, { d: "a file" })
    expect(await refused(place, id)).toContain("'d' is a file")
  })

  it("is one that is reverted already: 409", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    await revert(place, id)
    await refused(place, id)
  })

  it("is one of another branch: 409 that says of which", async () => {
    const place = await newStage()
    const { project } = place
    const id = await commitFiles(place, { "a.txt": "a" })
    for (const [branch, name] of [
      [{ project }, "main"],
      [{ project, stage: "prod" }, "prod"],
    ] as const) {
      const message = `the commit is not on branch '${name}', but on dev: give its stage`
      expect(await refused(branch, id)).toBe(message)
    }
  })

  it("is one that changed more than a thousand files: 413", async () => {
    const place = await newStage()
    const id = await pushManyFiles(place.project)
    expect(await refused(place, id, 413)).toContain("revert it with git")
  })

  it("is one that is not there: 404", async () => {
    const place = await newStage()
    expect(await refused(place, "d".repeat(40), 404)).toBe("Commit not found")
    await refused(place, "HEAD~1", 404)
    await refused({ ...place, stage: "nowhere" }, "HEAD", 404)
    await refused({ project: "nowhere" }, "HEAD", 404)
  })

  it("is any, for one who may only read: 403", async () => {
    const place = await newStage()
    const token = await tokenWith({ roleName: "Viewer", entityId: place.project })
    expect((await revertCommit(place, "HEAD", { token })).status).toBe(403)
  })
})

describe("reverts at once", () => {
  it("of one commit: one is answered 201 and the others 409", async () => {
    const place = await newStage()
    const id = await commitFiles(place, { "a.txt": "a" })
    const responses = await Promise.all([1, 2, 3].map(() => revertCommit(place, id)))
    expect(statuses(responses)).toEqual([201, 409, 409])
    expect((await auditProject(place.project))["dev"]).toHaveLength(3)
  })

  it("of different commits are all made", async () => {
    const place = await newStage()
    const ids: string[] = []
    for (const n of [1, 2, 3, 4]) ids.push(await commitFiles(place, { [`${n}.txt`]: `${n}` }))
    await Promise.all(ids.map((id) => revert(place, id)))
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml"])
    expect((await auditProject(place.project))["dev"]).toHaveLength(9)
  })
})
