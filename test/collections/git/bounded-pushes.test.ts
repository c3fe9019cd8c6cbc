/** Pushes that ask for far more work than they send: each is refused, or done, within a bound, and stores nothing that it need not. */
import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { FILE_MODE, type ObjectId, TREE_MODE } from "../../../src/git/objects.ts"
import { noise } from "../../support/bytes.ts"
import { storageCounts } from "../../support/client.ts"
import { ask, headOf, linesOf, pushBody } from "../../support/git.ts"
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
  reference,
  treeOf,
} from "../../support/packs.ts"
import { storedBlobs } from "../../support/storage.ts"

const REF = "refs/heads/dev"
const MEBIBYTE = 2 ** 20
const UNTIL_IT_HANGS = { timeout: 600_000 }

let project: string
let head: ObjectId
let blob: MadeObject

beforeEach(async () => {
  project = await newProject("dev", "prod")
  head = await headOf(project, "dev")
  blob = await blobOf("pushed\n")
})

/** What a push came to: its report, its trips, and how many bytes of files it stored. */
interface Outcome {
  lines: string[]
  trips: number
  storedBytes: number
}

async function pushed(objects: readonly Packed[], to: ObjectId, from = head): Promise<Outcome> {
  const before = await storedBytes()
  const body = pushBody([{ ref: REF, from, to }], packOf(objects))
  const response = await ask(project, "receive-pack", inParts(body))
  const { trips } = storageCounts(response)
  const lines = await linesOf(response)
  await expectNothingAside()
  return { lines, trips, storedBytes: (await storedBytes()) - before }
}

/** A body as it comes over a network: most of it is not there yet when the first of it is read. */
function inParts(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      await scheduler.wait(0)
      if (offset >= bytes.length) return controller.close()
      const size = Math.max(16_384, Math.ceil(bytes.length / 100))
      controller.enqueue(bytes.slice(offset, offset + size))
      offset += size
    },
  })
}

async function storedBytes(): Promise<number> {
  return [...(await storedBlobs(project)).values()].reduce((sum, size) => sum + size, 0)
}

/** What a push puts aside is removed after it. */
async function expectNothingAside(): Promise<void> {
  await vi.waitFor(async () => {
    expect((await env.BLOBS_EU.list({ prefix: `projects/${project}/uploads/` })).objects).toEqual([])
  }, UNTIL_IT_HANGS)
}

/** A sound commit on the head: with its tree and its blob it can be pushed. */
async function soundCommit(parents: readonly ObjectId[] = [head]): Promise<{ id: ObjectId; objects: MadeObject[] }> {
  const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
  const commit = await commitOf({ tree: tree.id, parents })
  return { id: commit.id, objects: [commit, tree, blob] }
}

/** Deltas that each make `size` bytes of a base of 64 KiB. */
function inflating(base: MadeObject, size: number, count: number): Packed[] {
  return Array.from({ length: count }, (_, n) => {
    const mark = insert(String(n).padStart(8, "0"))
    const copies = Array.from({ length: size / 65_536 - 1 }, () => copy(0, 65_536))
    const content = deltaOf(65_536, size - 65_536 + 8, mark, ...copies)
    return { type: "ref-delta", base: reference(base.id), content }
  })
}

describe("what a push unpacks to is bounded before anything is stored", () => {
  it.each([
    ["that goes forward", (): ObjectId[] => [head]],
    ["that is no fast-forward", (): ObjectId[] => []],
  ])("when deltas of 71 KB make 960 MiB, in a push %s", async (_, parents) => {
    const base = await blobOf(noise(65_536))
    const { id, objects } = await soundCommit(parents())
    const outcome = await pushed([...objects, base, ...inflating(base, 16 * MEBIBYTE, 60)], id)
    expect(outcome.lines[0]).toMatch(/^unpack it unpacks to more than 134217728 bytes/)
    expect(outcome).toMatchObject({ trips: 1, storedBytes: 0 })
  })

  it("when they are many and small", async () => {
    const base = await blobOf(noise(65_536))
    const { id, objects } = await soundCommit()
    const outcome = await pushed([...objects, base, ...inflating(base, 131_072, 2500)], id)
    expect(outcome.lines[0]).toMatch(/^unpack it unpacks to more than 134217728 bytes/)
    expect(outcome).toMatchObject({ trips: 1, storedBytes: 0 })
  })

  it("when files are large and compressed to nearly nothing", async () => {
    const { id, objects } = await soundCommit()
    const files = await Promise.all([1, 2].map((byte) => blobOf(new Uint8Array(70 * MEBIBYTE).fill(byte))))
    const outcome = await pushed([...objects, ...files], id)
    expect(outcome.lines[0]).toMatch(/^unpack its objects have more than 134217728 bytes/)
    expect(outcome.storedBytes).toBe(0)
  })

  it("when the deltas themselves are more than can be kept", async () => {
    const { id, objects } = await soundCommit()
    const deltas = [1, 2, 3].map((byte): Packed => {
      const literal = insert(String(byte).repeat(127))
      const content = deltaOf(7, 127 * 50_000, ...Array.from({ length: 50_000 }, () => literal))
      return { type: "ref-delta", base: reference(blob.id), content }
    })
    const outcome = await pushed([...objects, ...deltas], id)
    expect(outcome.lines[0]).toMatch(/^unpack its deltas have more than 16777216 bytes/)
    expect(outcome.storedBytes).toBe(0)
  })
})

describe("a push that is refused stores nothing", () => {
  it("when it is no fast-forward, whatever it brings and in whatever order", async () => {
    const base = await blobOf(noise(65_536))
    const large = await blobOf(noise(10 * MEBIBYTE))
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: large.id })
    const commit = await commitOf({ tree: tree.id })
    const outcome = await pushed([...inflating(base, MEBIBYTE, 20), base, large, tree, commit], commit.id)
    expect(outcome.lines).toEqual(["unpack ok", expect.stringMatching(/^ng refs\/heads\/dev non-fast-forward/)])
    expect(outcome.storedBytes).toBe(0)
    expect(outcome.trips).toBeLessThanOrEqual(4)
  })

  it("when another has moved the branch meanwhile, which is not what its client knew", async () => {
    const first = await soundCommit()
    expect((await pushed(first.objects, first.id)).lines).toEqual(["unpack ok", `ok ${REF}`])
    const file = await blobOf(noise(MEBIBYTE))
    const tree = await treeOf({ mode: FILE_MODE, name: "b", id: file.id })
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const outcome = await pushed([commit, tree, file], commit.id)
    expect(outcome).toEqual({ lines: ["unpack ok", `ng ${REF} fetch first`], trips: 1, storedBytes: 0 })
  })

  it("when a file has a name that cannot be stored", async () => {
    const tree = await treeOf({ mode: FILE_MODE, name: "a~b", id: blob.id })
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const outcome = await pushed([commit, tree, blob], commit.id)
    expect(outcome.lines[1]).toMatch(/is not a name that can be stored/)
    expect(outcome.storedBytes).toBe(0)
  })

  it("and one that is taken stores what its commits name, and nothing else", async () => {
    const { id, objects } = await soundCommit()
    const strays = await Promise.all(Array.from({ length: 500 }, (_, n) => blobOf(`stray ${n}`)))
    const large = await blobOf(noise(9 * MEBIBYTE))
    const outcome = await pushed([large, ...strays, ...objects], id)
    expect(outcome.lines).toEqual(["unpack ok", `ok ${REF}`])
    expect(outcome.storedBytes).toBe(blob.content.length)
    await auditProject(project)
  })
})

describe("what deltas are made from is looked up as a set", () => {
  it.each([
    ["the same object", () => "d".repeat(40)],
    ["an object each", (n: number) => n.toString(16).padStart(40, "0")],
  ])("when 19,000 are made from %s that is missing", async (_, base) => {
    const { id, objects } = await soundCommit()
    const content = deltaOf(7, 1, insert("x"))
    const deltas = Array.from({ length: 19_000 }, (_unused, n): Packed => ({
      type: "ref-delta",
      base: reference(base(n)),
      content,
    }))
    const outcome = await pushed([...objects, ...deltas], id)
    expect(outcome.lines[0]).toMatch(/^unpack the object [0d]{40}, from which another is made, is missing/)
    expect(outcome).toMatchObject({ trips: 2, storedBytes: 0 })
  })

  it("when many are made from one that is stored, which is read once", async () => {
    const first = await soundCommit()
    await pushed(first.objects, first.id)
    const files = await Promise.all(Array.from({ length: 200 }, (_, n) => blobOf(`pushed\n${n}`)))
    const deltas = Array.from({ length: 200 }, (_, n): Packed => {
      const content = deltaOf(7, 7 + String(n).length, copy(0, 7), insert(String(n)))
      return { type: "ref-delta", base: reference(blob.id), content }
    })
    const tree = await treeOf(...files.map(({ id }, n) => ({ mode: FILE_MODE, name: `${n}`, id })))
    const commit = await commitOf({ tree: tree.id, parents: [first.id] })
    const outcome = await pushed([commit, tree, ...deltas], commit.id, first.id)
    expect(outcome.lines).toEqual(["unpack ok", `ok ${REF}`])
    expect(outcome.trips).toBeLessThanOrEqual(14)
    await auditProject(project)
  })

  it("when one is made from another, thousands deep", async () => {
    const base = await blobOf("0".repeat(40))
    const deltas: Packed[] = []
    let last = base
    for (let n = 1; n <= 4000; n++) {
      const mark = String(n).padStart(8, "0")
      const content = deltaOf(40, 40, insert(mark), copy(8, 32))
      deltas.push({ type: "ref-delta", base: reference(last.id), content })
      last = await blobOf(mark + "0".repeat(32))
    }
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: last.id })
    const commit = await commitOf({ tree: tree.id, parents: [head] })
    const outcome = await pushed([commit, tree, ...deltas.toReversed(), base], commit.id)
    expect(outcome.lines).toEqual(["unpack ok", `ok ${REF}`])
    expect(outcome).toMatchObject({ storedBytes: 40 })
    expect(outcome.trips).toBeLessThanOrEqual(8)
  })
})

describe("the comparison of commits is bounded", () => {
  it("when many commits go to and fro between deep trees that are stored: each level is read once", async () => {
    const [one, other] = [await deepTrees("one"), await deepTrees("other")]
    const first = await commitOf({ tree: one.root, parents: [head] })
    const second = await commitOf({ tree: other.root, parents: [first.id] })
    const stored = await pushed([first, second, ...one.objects, ...other.objects], second.id)
    expect(stored.lines).toEqual(["unpack ok", `ok ${REF}`])

    const commits: MadeObject[] = []
    for (let n = 0; n < 100; n++) {
      const tree = n % 2 === 0 ? one.root : other.root
      commits.push(await commitOf({ tree, parents: [commits.at(-1)?.id ?? second.id], message: `${n}` }))
    }
    const outcome = await pushed(commits, commits.at(-1)?.id ?? "", second.id)
    expect(outcome.lines).toEqual(["unpack ok", `ok ${REF}`])
    expect(outcome.trips).toBeLessThanOrEqual(30)
  })

  it("when one file changes again and again in a folder of very many", async () => {
    const names = Array.from({ length: 15_000 }, (_, n) => `file ${n}`)
    const folders = await Promise.all(
      [blob, await blobOf("another\n")].map(async ({ id }) =>
        treeOf(...names.map((name, n) => ({ mode: FILE_MODE, name, id: n === 0 ? id : blob.id }))),
      ),
    )
    const commits: MadeObject[] = []
    for (let n = 0; n < 200; n++) {
      const tree = folders[n % 2]?.id ?? ""
      commits.push(await commitOf({ tree, parents: [commits.at(-1)?.id ?? head], message: `${n}` }))
    }
    const outcome = await pushed([...commits, ...folders, blob, await blobOf("another\n")], commits.at(-1)?.id ?? "")
    expect(outcome.lines[1]).toMatch(/^ng refs\/heads\/dev more than 50000 changes at once, or folders too large/)
    expect(outcome.storedBytes).toBe(0)
  })

  it("when a commit has a date before all others: no history is walked for it", async () => {
    const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
    const commits: MadeObject[] = []
    for (let n = 0; n < 900; n++) {
      commits.push(await commitOf({ tree: tree.id, parents: [commits.at(-1)?.id ?? head], message: `${n}` }))
    }
    const last = commits.at(-1)?.id ?? ""
    await pushed([...commits, tree, blob], last)
    const old = await commitOf({ tree: tree.id, parents: [last], time: 1 })
    const response = await ask(project, "receive-pack", pushBody([{ ref: REF, from: last, to: old.id }], packOf([old])))
    expect(storageCounts(response).rows).toBeLessThanOrEqual(30)
    expect(await linesOf(response)).toEqual(["unpack ok", `ok ${REF}`])
  })
})

describe("what a report quotes stays in its line", () => {
  it.each([
    ["with line feeds", "a\nok refs/heads/dev\n"],
    ["longer than a line can be", "a".repeat(70_000)],
  ])("of a name %s", async (_, name) => {
    const { id, objects } = await soundCommit()
    const link = await treeOf({ mode: "120000", name, id: blob.id })
    const response = await ask(
      project,
      "receive-pack",
      pushBody([{ ref: REF, from: head, to: id }], packOf([...objects, link])),
    )
    const text = new TextDecoder().decode(await response.arrayBuffer())
    expect(text).toMatch(/^[0-9a-f]{4}unpack 'a[^\n]*\n00[0-9a-f]{2}ng refs\/heads\/dev the pack was refused\n0000$/)
    expect(text.length).toBeLessThan(1200)
  })

  it("of a ref, and a line that is not understood", async () => {
    const long = `refs/heads/${"a".repeat(60_000)}`
    const response = await ask(project, "receive-pack", pushBody([{ ref: long, from: head, to: head }], packOf([])))
    expect(await linesOf(response)).toEqual(["ERR the name of a ref is too long"])
    const odd = pushBody([{ ref: `${"b".repeat(60_000)} c`, from: head, to: head }], packOf([]))
    const [line = ""] = await linesOf(await ask(project, "receive-pack", odd))
    expect(line).toMatch(/^ERR '/)
    expect(line.length).toBeLessThan(1100)
  })
})

/** Ten folders, one in the other, with a file at the bottom. */
async function deepTrees(content: string): Promise<{ root: ObjectId; objects: MadeObject[] }> {
  const file = await blobOf(content)
  const objects = [file]
  let tree = await treeOf({ mode: FILE_MODE, name: "file", id: file.id })
  objects.push(tree)
  for (let level = 0; level < 10; level++) {
    tree = await treeOf({ mode: TREE_MODE, name: "d", id: tree.id })
    objects.push(tree)
  }
  return { root: tree.id, objects }
}
