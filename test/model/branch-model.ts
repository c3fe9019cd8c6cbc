/** What a branch should do: files by their paths, and what of a write is refused. */
import type { OnFile } from "./operations.ts"
import { tagOf } from "./tags.ts"

/** Content that the edge made up. It differs from all that is written. */
export const UNKNOWN = "\u0000unknown"

/** The contents of files by their paths in the branch. */
export type Files = Map<string, string>

/** A branch. `head` null: there is a commit at the head that nobody has seen yet. */
export interface Branch {
  head: string | null
  /** The commits that were seen at the head. */
  line: string[]
  files: Files
}

/** Why something is not done. */
export interface Refused {
  status: number
  message: string
}

const CONDITION_FAILED: Refused = {
  status: 412,
  message: "what is stored is not what If-Match or If-None-Match expects: read it again, and decide anew",
}

/** The refusal of a condition about a file, given what stands there. */
export function refuseFile(condition: OnFile, standing: string | undefined): Refused | null {
  if (condition === null) return null
  const holds = condition === "absent" ? standing === undefined : standing === condition.is
  return holds ? null : CONDITION_FAILED
}

/** The refusal of a condition about the head of a branch, when the head is `seen`. */
export function refuseHead(condition: string | null, seen: string | null): Refused | null {
  return condition === null || condition === seen ? null : CONDITION_FAILED
}

/** Writes files one after the other; answers the files then, or why none is written. `prefix` is not told of. */
export function writtenTo(
  files: Files,
  writes: readonly (readonly [string, string])[],
  prefix: string,
): Files | Refused {
  const after = new Map(files)
  for (const [path, content] of writes) {
    const obstacle = foldersAbove(path).find((folder) => after.has(folder))
    if (obstacle !== undefined) {
      const name = obstacle.slice(prefix.length)
      const message = `'${name}' is a file, so nothing can be stored below it: delete it or choose another name`
      return { status: 409, message }
    }
    if (isFolder(after, path)) {
      const name = path.slice(prefix.length)
      return { status: 409, message: `'${name}' is a folder, so it cannot be written as a file: choose another name` }
    }
    after.set(path, content)
  }
  return after
}

function isFolder(files: Files, path: string): boolean {
  return [...files.keys()].some((one) => one.startsWith(`${path}/`))
}

/** Whether both hold the same. */
export function areSame(some: Files, others: Files): boolean {
  return some.size === others.size && [...some].every(([path, content]) => others.get(path) === content)
}

/**
 * Whether `commit` can be at the head of a branch, which is noted. `commits` has the files of all commits of the project that were seen:
 * branches with the same history share their commits.
 */
export function noteHead(branch: Branch, commits: Map<string, Files>, commit: string): boolean {
  if (branch.head !== null) return branch.head === commit
  const known = commits.get(commit)
  if (branch.line.includes(commit) || (known && !areSame(known, branch.files))) return false
  branch.head = commit
  branch.line.push(commit)
  commits.set(commit, new Map(branch.files))
  return true
}

/** What a read tells of a content; what the edge made up is taken as it is told. */
export function shown(content: string, told: { text?: string; etag?: string }): { text: string; etag: string } {
  return content === UNKNOWN
    ? { text: told.text ?? "", etag: told.etag ?? "" }
    : { text: content, etag: tagOf(content) }
}

function foldersAbove(path: string): string[] {
  const names = path.split("/").slice(0, -1)
  return names.map((_, index) => names.slice(0, index + 1).join("/"))
}
