/**
 * Git's object encodings: what goes into the hash, byte for byte, so that our ids are the ids git computes.
 * See "Git Objects" in the Git book and `git help hash-object`. Pure.
 */
import { compareBytes, concat, fromHex, toHex, utf8 } from "../lib/bytes.ts"
import { sha1Hex, startDigest } from "../lib/digest.ts"

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

/** The kinds of objects that are stored. Tags are not among them: refs are branches. */
export type ObjectType = "blob" | "tree" | "commit"

/** The kinds of objects that have an id. */
export type HashedType = ObjectType | "tag"

/** What git hashes before the `size` bytes of an object of `type`. */
export function objectHeader(type: HashedType, size: number): Uint8Array<ArrayBuffer> {
  return utf8(`${type} ${size}\0`)
}

/** Content up to this size, in bytes, is copied to be hashed. */
const COPIED_BYTES = 1024 * 1024

/** The id git gives to an object of `type` with `content`. */
export async function objectId(type: HashedType, content: Uint8Array): Promise<ObjectId> {
  const header = objectHeader(type, content.length)
  // A large one is not copied: there may be little memory left beside it.
  if (content.length > COPIED_BYTES) return startDigest("sha1").update(header).update(content).digest("hex")
  return sha1Hex(concat([header, content]))
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

/** A signature as a commit object has it. `zone`: the offset from UTC that stands behind the time, such as `+0100`. */
export interface WrittenSignature extends Signature {
  zone: string
}

/** What a commit object says. Times are in seconds since 1970, and can be any number. */
export interface CommitFacts {
  tree: ObjectId
  parents: ObjectId[]
  author: WrittenSignature
  committer: WrittenSignature
  message: string
}

const PERSON = /^([^<>]*) <([^<>]*)> (-?\d+) ([+-]\d{4})$/

/** Reads a commit object; null when it is none, or its lines are not as git writes them. */
export function parseCommit(content: Uint8Array): CommitFacts | null {
  const text = new TextDecoder().decode(content)
  const end = text.indexOf("\n\n")
  if (end < 0 || text.includes("\0")) return null
  const [first = "", ...lines] = text.slice(0, end).split("\n")
  const tree = idBehind("tree ", first)
  const count = lines.findIndex((line) => !line.startsWith("parent "))
  const parents = lines.slice(0, Math.max(0, count)).map((line) => idBehind("parent ", line) ?? "")
  const author = personBehind("author ", lines[count])
  const committer = personBehind("committer ", lines[count + 1])
  if (tree === null || parents.includes("") || author === null || committer === null) return null
  return { tree, parents, author, committer, message: text.slice(end + 2).replace(/\n$/, "") }
}

function idBehind(name: string, line: string): ObjectId | null {
  const id = line.slice(name.length)
  return line.startsWith(name) && /^[0-9a-f]{40}$/.test(id) ? id : null
}

function personBehind(word: string, line = ""): WrittenSignature | null {
  const [, name, email, time, zone] = (line.startsWith(word) ? PERSON.exec(line.slice(word.length)) : null) ?? []
  if (name === undefined || email === undefined || time === undefined || zone === undefined) return null
  return { name, email, time: Number(time), zone }
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
