/** A change of files on its way into a commit, and what may become of it. */
import { type ObjectId, type Signature, TREE_MODE } from "../git/objects.ts"
import { entryAt } from "../git/tree-update.ts"
import type { Blob } from "./blobs.ts"
import type { BranchState, FileVersion, Statement } from "./commit.ts"
import { inBranch, type Missing, type Scope } from "./scope.ts"

/** What became of a write; paths are relative to the scope. Nothing was written unless it says so. */
export type WriteOutcome =
  | { outcome: "written"; commitId: ObjectId; blobIds: ObjectId[] }
  | Missing
  | Refusal
  /** Other bytes are stored under the git id of these. */
  | { outcome: "collision" }
  /** Other writers were faster each time. */
  | { outcome: "busy" }

/** Why the branch cannot take a write. */
export type Refusal =
  | { outcome: "file-in-the-way" | "folder-in-the-way" | "folder-too-large" | "changed-since"; path: string }
  | { outcome: "precondition-failed" }

/** Who writes, and what the commit says. */
export interface CommitText {
  author: Signature
  message: string
}

/** A write on its way into a commit. */
export interface Write extends CommitText {
  scope: Scope
  startedAt: number
  /** The bytes, to be put, and put again where they were removed meanwhile; null when they are uploaded and cannot be. */
  blobs: readonly Blob[] | null
  changes: readonly FileVersion[]
  /** Why the branch, as it stands, does not take the write; asked on every attempt. */
  refuse: (branch: BranchState) => Refusal | Missing | null
  /** What else is to be done in the same batch. */
  also: readonly Statement[]
}

/** The outcome of a write that `commitId` holds. */
export function written(write: Write, commitId: ObjectId): WriteOutcome {
  return { outcome: "written", commitId, blobIds: write.changes.flatMap(({ id }) => id ?? []) }
}

/** A refusal whose path, if it has one, is relative to the scope. */
export function inScope<T extends Refusal | Missing>(scope: Scope, refusal: T): T {
  return "path" in refusal ? { ...refusal, path: refusal.path.slice(inBranch(scope, "").length) } : refusal
}

/** The blob of the file that stands at a path; null for a folder, and for nothing. */
export function fileAt(branch: BranchState, path: string): ObjectId | null {
  const entry = entryAt(branch.folders, path)
  return entry === null || entry.mode === TREE_MODE ? null : entry.id
}
