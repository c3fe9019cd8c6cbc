/**
 * Git's object encodings: what goes into the hash, byte for byte, so that our ids are the ids git computes.
 * See "Git Objects" in the Git book and `git help hash-object`. Pure.
 */
import { compareBytes, concat, fromHex, toHex, utf8 } from "../lib/bytes.ts"
import { sha1Hex } from "../lib/digest.ts"

/** A git object id: 40 lower-case hexadecimal digits. */
export type ObjectId = string

/** The modes this project writes. Others may come from a push and are kept as they are. */
export const FILE_MODE = "100644"
export const TREE_MODE = "40000"

/** The id of the tree with no entries. */
export const EMPTY_TREE: ObjectId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

/** One line of a tree. `name` has no slash. */
export interface TreeEntry {
  mode: string
  name: string
  id: ObjectId
}

/** Who made a commit and when. `time` is in seconds since 1970; the zone is always UTC. */
export interface Signature {
  name: string
  email: string
  time: number
}

/** What a commit says. Author and committer are the same: there is one hand in an API write. */
export interface Commit {
  tree: ObjectId
  parent: ObjectId | null
  author: Signature
  message: string
}

/** The kinds of objects. Tags are not among them: refs are branches. */
export type ObjectType = "blob" | "tree" | "commit"

/** What git hashes before the `size` bytes of an object of `type`. */
export function objectHeader(type: ObjectType, size: number): Uint8Array<ArrayBuffer> {
  return utf8(`${type} ${size}\0`)
}

/** The id git gives to an object of `type` with `content`. */
export async function objectId(type: ObjectType, content: Uint8Array): Promise<ObjectId> {
  return sha1Hex(concat([objectHeader(type, content.length), content]))
}

/** The content of a tree object. Entries may come in any order; git's order is by bytes, folders as if they ended in a slash. */
export function encodeTree(entries: readonly TreeEntry[]): Uint8Array<ArrayBuffer> {
  const keyed = entries.map((entry) => ({ entry, key: sortKey(entry) }))
  keyed.sort((a, b) => compareBytes(a.key, b.key))
  return concat(keyed.flatMap(({ entry }) => [utf8(`${entry.mode} ${entry.name}\0`), fromHex(entry.id)]))
}

/** The entries of a tree object. Throws when `content` is not a tree. */
export function parseTree(content: Uint8Array): TreeEntry[] {
  const entries: TreeEntry[] = []
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  let offset = 0
  while (offset < content.length) {
    const space = content.indexOf(0x20, offset)
    const end = content.indexOf(0, space)
    if (space < 0 || end < 0 || end + 21 > content.length) throw new Error("not a git tree")
    entries.push({
      mode: decoder.decode(content.subarray(offset, space)),
      name: decoder.decode(content.subarray(space + 1, end)),
      id: toHex(content.subarray(end + 1, end + 21)),
    })
    offset = end + 21
  }
  return entries
}

/** The content of a commit object. */
export function encodeCommit(commit: Commit): Uint8Array<ArrayBuffer> {
  const author = signatureLine(commit.author)
  const lines = [
    `tree ${commit.tree}`,
    ...(commit.parent === null ? [] : [`parent ${commit.parent}`]),
    `author ${author}`,
    `committer ${author}`,
    "",
    commit.message.endsWith("\n") ? commit.message : `${commit.message}\n`,
  ]
  return utf8(lines.join("\n"))
}

/** What a commit object says. Times are in seconds since 1970. */
export interface CommitFacts {
  tree: ObjectId
  parents: ObjectId[]
  author: Signature
  committer: Signature
  message: string
}

const PERSON = String.raw`([^<>\n]*) <([^<>\n]*)> (\d{1,15}) [+-]\d{4}`
const COMMIT = new RegExp(
  String.raw`^tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author ${PERSON}\ncommitter ${PERSON}\n([^\n]+\n)*\n`,
)

/** Reads a commit object; null when it is none, or not as git writes them. */
export function parseCommit(content: Uint8Array): CommitFacts | null {
  const text = new TextDecoder().decode(content)
  const match = COMMIT.exec(text)
  if (!match || text.includes("\0")) return null
  const [head, tree = "", parents = "", authorName, authorEmail, authored, committerName, committerEmail, committed] =
    match
  return {
    tree,
    parents: [...parents.matchAll(/[0-9a-f]{40}/g)].map(([id]) => id),
    author: { name: authorName ?? "", email: authorEmail ?? "", time: Number(authored) },
    committer: { name: committerName ?? "", email: committerEmail ?? "", time: Number(committed) },
    message: text.slice(head.length).replace(/\n$/, ""),
  }
}

function signatureLine(signature: Signature): string {
  return `${identity(signature.name) || "unknown"} <${identity(signature.email)}> ${signature.time} +0000`
}

/** Git drops what would break the line it writes names into: angle brackets, control characters, and marks at both ends. */
function identity(text: string): string {
  return text.replace(/[<>\p{Cc}]/gu, "").replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, "")
}

function sortKey(entry: TreeEntry): Uint8Array {
  return utf8(entry.mode === TREE_MODE ? `${entry.name}/` : entry.name)
}
