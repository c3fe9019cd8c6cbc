/** Commits and trees of a pack: each is held to what git's own check asks, and to what the API can answer. */
import { MalformedGitData } from "../git/byte-reader.ts"
import { commitProblem } from "../git/commit-check.ts"
import {
  EMPTY_TREE,
  encodeTree,
  FILE_MODE,
  type ObjectId,
  parseCommit,
  parseTree,
  TREE_MODE,
  type TreeEntry,
} from "../git/objects.ts"
import type { PackedObject } from "../git/delta-forest.ts"
import { PackTooLarge } from "../git/pack-reader.ts"
import { compareBytes } from "../lib/bytes.ts"
import { LARGEST_OBJECT } from "./commit.ts"
import { hasShortHead } from "./git-objects.ts"

/** Commits and trees are written in one batch, and kept in memory until then. */
export const STRUCTURE_BYTES = 8 * 1024 * 1024
/** Every commit begins with the name of its tree. */
const FIRST_LETTER = "t".charCodeAt(0)

/** The commits and trees of a pack, by id. */
export class PackStructure {
  readonly commits = new Map<ObjectId, Uint8Array>()
  readonly trees = new Map<ObjectId, Uint8Array>()
  #bytes = 0

  /** Adds a commit or a tree. Tags are counted and dropped: nothing that can be pushed names them. Throws what a refused pack throws. */
  add({ type, id, content }: PackedObject): void {
    if (type === "blob") return
    this.#bytes += content.length
    if (this.#bytes > STRUCTURE_BYTES) {
      throw new PackTooLarge(
        "it changes too much at once: push an older commit first (git push origin <commit>:<branch>)",
      )
    }
    if (content.length > LARGEST_OBJECT) {
      throw new PackTooLarge(`the ${type} ${id} is too large: spread the files over more folders`)
    }
    if (type === "commit") {
      checkCommit(id, content)
      this.commits.set(id, content)
    } else if (type === "tree") {
      checkTree(id, content)
      this.trees.set(id, content)
    }
  }
}

function checkCommit(id: ObjectId, content: Uint8Array): void {
  const facts = parseCommit(content)
  if (facts === null || content[0] !== FIRST_LETTER) {
    throw new MalformedGitData(`the commit ${id} is not as git writes commits`)
  }
  const problem = commitProblem(facts)
  if (problem !== null) throw new MalformedGitData(`the commit ${id} cannot be stored: ${problem}`)
  if (!hasShortHead(content)) throw new PackTooLarge(`the commit ${id} has too many parents, or too long names`)
}

/** Holds a tree to what can be read by the API: files and folders only, in git's order. */
function checkTree(id: ObjectId, content: Uint8Array): void {
  const entries = entriesOf(id, content)
  for (const { mode, name, id: entryId } of entries) {
    if (mode === "120000") {
      throw new MalformedGitData(`'${name}' is a symbolic link, which cannot be stored: push the file itself`)
    }
    if (mode === "160000") {
      throw new MalformedGitData(`'${name}' is a submodule, which cannot be stored: push its files`)
    }
    if (mode !== FILE_MODE && mode !== "100755" && mode !== TREE_MODE) {
      throw new MalformedGitData(`'${name}' has the mode ${mode}, which git does not write`)
    }
    if (name === "" || name.includes("/")) throw new MalformedGitData(`'${name}' is not the name of a file or a folder`)
    if (mode === TREE_MODE && entryId === EMPTY_TREE) throw new MalformedGitData(`the folder '${name}' is empty`)
  }
  const names = new Set(entries.map(({ name }) => name))
  if (names.size !== entries.length || compareBytes(encodeTree(entries), content) !== 0) {
    throw new MalformedGitData(`the tree ${id} is not in git's order`)
  }
}

function entriesOf(id: ObjectId, content: Uint8Array): TreeEntry[] {
  try {
    return parseTree(content)
  } catch {
    throw new MalformedGitData(`the tree ${id} cannot be read: names must be UTF-8`)
  }
}
