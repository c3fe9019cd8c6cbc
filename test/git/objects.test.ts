/** Against ids that git itself gave (`git hash-object`, `git write-tree`, `git commit-tree`). */
import { describe, expect, it } from "vitest"
import {
  type Commit,
  EMPTY_TREE,
  encodeCommit,
  encodeTree,
  FILE_MODE,
  objectId,
  parseTree,
  TREE_MODE,
  type TreeEntry,
} from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"

describe("the id of a blob", () => {
  it.each([
    ["", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"],
    ["hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"],
    ["what is up, doc?", "bd9dbf5aae1a3862dd1526723246b20206e5fc37"],
  ])("of %j is the one git gives", async (text, id) => {
    expect(await objectId("blob", utf8(text))).toBe(id)
  })
})

/** A folder whose entries sort differently with the rule that a folder's name ends in a slash, as `git ls-tree` shows it. */
const entries: TreeEntry[] = [
  { mode: TREE_MODE, name: "a.d", id: "4a507927e244b807acb6220ef712c71af38a270b" },
  { mode: FILE_MODE, name: "a.txt", id: "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0" },
  { mode: TREE_MODE, name: "a", id: "f115c6d5cfb15ca1a72429900dcaca0fd1057951" },
  { mode: FILE_MODE, name: "empty", id: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" },
  { mode: FILE_MODE, name: "foo-bar", id: "fa7af8bf5fdd704f73beb3adc5612682a98e1af5" },
  { mode: FILE_MODE, name: "foo.c", id: "63d8dbd40c23542e740659a7168a0ce3138ea748" },
  { mode: TREE_MODE, name: "foo", id: "ce18857a918abda917f325abc315d161ddb05f90" },
  { mode: FILE_MODE, name: "ä.txt", id: "f3c6c3c68af484bd95bc7b7a38276c6c014d6aa3" },
]
const TREE = "891a9a59fd5e3c030dbdbcc0be0428700287548b"

describe("a tree", () => {
  it("without entries has git's well-known id", async () => {
    expect(await objectId("tree", encodeTree([]))).toBe("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    expect(EMPTY_TREE).toBe("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
  })

  it.each([
    { order: "as git sorts them", given: entries },
    { order: "backwards", given: entries.toReversed() },
    { order: "by name", given: entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)) },
  ])("has the id git gives, whatever order its entries come in: $order", async ({ given }) => {
    expect(await objectId("tree", encodeTree(given))).toBe(TREE)
  })

  it("is read back as its entries, in git's order", () => {
    expect(parseTree(encodeTree(entries.toReversed()))).toEqual(entries)
    expect(parseTree(new Uint8Array())).toEqual([])
  })

  it("keeps modes that are not ours", () => {
    const executable = [{ mode: "100755", name: "run.sh", id: "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0" }]
    expect(parseTree(encodeTree(executable))).toEqual(executable)
  })

  it.each([
    ["no mode", utf8("a.txt\0")],
    ["no end of the name", utf8("100644 a.txt")],
    ["half an id", encodeTree(entries).slice(0, -1)],
    ["a name that is no UTF-8", new Uint8Array([0x31, 0x20, 0xff, 0x00, ...new Uint8Array(20)])],
  ])("cannot be read with %s", (_, content) => {
    expect(() => parseTree(content)).toThrow(Error)
  })
})

describe("a commit", () => {
  const author = { name: "A U Thor", email: "author@example.com", time: 1_700_000_000 }
  const first: Commit = { tree: TREE, parent: null, author, message: "first" }
  const FIRST = "4822761527df5938a3e70deec1bb2cedae7068f9"

  it("has the id git gives: the first of a history", async () => {
    expect(await objectId("commit", encodeCommit(first))).toBe(FIRST)
  })

  it("has the id git gives: with a parent, a body and letters beyond ASCII", async () => {
    const second = { ...first, parent: FIRST, message: "second\n\nwith body ä" }
    expect(await objectId("commit", encodeCommit(second))).toBe("e064501a8610c8bfaeb0ac897ec612aa35acf76d")
  })

  it("ends in exactly one line feed that the message may bring along", () => {
    expect(encodeCommit({ ...first, message: "first\n" })).toEqual(encodeCommit(first))
  })

  it.each([
    { name: ' <Ann, "the" B.> ', shown: 'Ann, "the" B' },
    { name: "Jörg", shown: "Jörg" },
    { name: "two\nlines\u0000", shown: "twolines" },
    { name: "...", shown: "unknown" },
    { name: "", shown: "unknown" },
  ])("names the author $name as git does: $shown", ({ name, shown }) => {
    const text = new TextDecoder().decode(encodeCommit({ ...first, author: { ...author, name } }))
    const line = `${shown} <author@example.com> 1700000000 +0000`
    expect(text).toBe(`tree ${TREE}\nauthor ${line}\ncommitter ${line}\n\nfirst\n`)
  })

  it("cannot be given another header by a name or an address", () => {
    const evil = { name: "x>\nparent 0", email: "a> 0 +0000\nparent 1", time: 1 }
    const text = new TextDecoder().decode(encodeCommit({ ...first, author: evil }))
    expect(text).not.toMatch(/^parent/m)
  })
})
