/** Files of a scope, written and removed: each write is one commit or none. */
import { objectId, type ObjectId } from "../git/objects.ts"
import type { Blob } from "./blobs.ts"
import { isServiceMissing, readBranch } from "./branch-state.ts"
import { type BranchState, type FileVersion, prepareCommit, type Statement } from "./commit.ts"
import { unlessCollision, writeInTurn } from "./commit-together.ts"
import { findFile } from "./file-reads.ts"
import type { Partition } from "./partition.ts"
import { inBranch, type Missing, type Scope } from "./scope.ts"
import { type CommitText, fileAt, inScope, type Refusal, type Write, type WriteOutcome } from "./write.ts"

/** One file to store, its path relative to the scope. */
export interface FileWrite {
  path: string
  content: Uint8Array<ArrayBuffer>
}

/** Whether a write may go on, given what it found: the id of the file's blob, or of the branch's head (null: there is none). */
export type Condition = (current: ObjectId | null) => boolean

/**
 * Writes `writes` into a scope as one commit, or none when all stand there already. All or nothing; when another writer
 * was faster the commit is made again on the new head. `condition` is asked about the head of the branch.
 */
export async function writeFiles(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const refuse = (branch: BranchState): Refusal | null =>
    condition(branch.commitId) ? null : { outcome: "precondition-failed" }
  return writeInTurn(partition, { ...text, scope, ...(await contentsOf(scope, writes)), refuse, also: [] })
}

/** Why `writeFiles` would refuse these as the branch stands, or null. Nothing is written. */
export async function foreseeRefusal(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  { author, message }: CommitText,
): Promise<Refusal | Missing | null> {
  const { changes } = await contentsOf(scope, writes)
  const branch = await readBranch(partition, scope, [scope.service], changes)
  if (branch.outcome === "missing") return branch
  if (isServiceMissing(branch, scope)) return { outcome: "missing", what: "service" }
  const commit = await prepareCommit(branch.state, changes, author, message)
  return commit.outcome === "prepared" || commit.outcome === "unchanged" ? null : inScope(scope, commit)
}

/** Writes files, like `writeFiles`, and runs `also` in the same batch, also when all of them stand there already. */
export async function writeFilesWith(
  partition: Partition,
  scope: Scope,
  writes: readonly FileWrite[],
  text: CommitText,
  also: readonly Statement[],
): Promise<WriteOutcome> {
  return writeInTurn(partition, { ...text, scope, ...(await contentsOf(scope, writes)), refuse: () => null, also })
}

/** Writes one file, like `writeFiles`. `condition` is asked about the file that stands there. */
export async function writeFile(
  partition: Partition,
  scope: Scope,
  write: FileWrite,
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const refuse = onFile(inBranch(scope, write.path), condition)
  return writeInTurn(partition, { ...text, scope, ...(await contentsOf(scope, [write])), refuse, also: [] })
}

/**
 * Writes one file whose `size` bytes come as a stream, like `writeFile`. What would be refused in the end is refused before anything
 * is uploaded.
 */
export async function uploadFile(
  partition: Partition,
  scope: Scope,
  file: { path: string; body: ReadableStream<Uint8Array>; size: number },
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const startedAt = Date.now()
  const standing = await findFile(partition, scope, file.path, null)
  if (standing.outcome === "missing" && standing.what !== "resource") return standing
  if (!condition(standing.outcome === "found" ? standing.blobId : null)) return { outcome: "precondition-failed" }
  const id = await unlessCollision(() => partition.blobs.upload(scope.project, file.body, file.size))
  if (id === null) return { outcome: "collision" }
  const change = versionOf(scope, file.path, id, file.size)
  const refuse = onFile(change.path, condition)
  return writeInTurn(partition, { ...text, scope, startedAt, blobs: null, changes: [change], refuse, also: [] })
}

/** Removes a file as one commit. `condition` is asked about the file that stands there. */
export async function removeFile(
  partition: Partition,
  scope: Scope,
  path: string,
  text: CommitText,
  condition: Condition,
): Promise<WriteOutcome> {
  const change = versionOf(scope, path, null, 0)
  const conditionFails = onFile(change.path, condition)
  const refuse = (branch: BranchState) => {
    if (fileAt(branch, change.path) === null) return { outcome: "missing", what: "resource" } as const
    return conditionFails(branch)
  }
  return writeInTurn(partition, { ...text, scope, ...withoutBytes([change]), refuse, also: [] })
}

/** A file (its path in the branch) to be put from `id` back to what it was; null for none. */
export interface Restoration {
  path: string
  id: ObjectId | null
  back: { id: ObjectId; mode: string; size: number } | null
}

/** Puts files back as they stood before some commit. Refused when one of them is not what that commit left. */
export async function restoreFiles(
  partition: Partition,
  scope: Scope,
  changes: readonly Restoration[],
  text: CommitText,
): Promise<WriteOutcome> {
  const refuse = (branch: BranchState) => {
    const changed = changes.find(({ path, id }) => fileAt(branch, path) !== id)
    return changed ? ({ outcome: "changed-since", path: changed.path } as const) : null
  }
  const versions = changes.map(({ path, back }): FileVersion =>
    back ? { path, ...back } : { path, id: null, size: 0 },
  )
  // Removals first: a file may have stood where a folder stands now, or the reverse.
  const ordered = [...versions.filter(({ id }) => id === null), ...versions.filter(({ id }) => id !== null)]
  return writeInTurn(partition, { ...text, scope, ...withoutBytes(ordered), refuse, also: [] })
}

/** The bytes that a write brings, and what they are in the branch. */
type Contents = Pick<Write, "startedAt" | "blobs" | "changes">

async function contentsOf(scope: Scope, writes: readonly FileWrite[]): Promise<Contents> {
  const startedAt = Date.now()
  const blobs = await Promise.all(
    writes.map(async ({ content }): Promise<Blob> => ({ id: await objectId("blob", content), content })),
  )
  const changes = writes.map(({ path, content }, index) =>
    versionOf(scope, path, blobs[index]?.id ?? null, content.length),
  )
  return { startedAt, blobs, changes }
}

/** Of changes that bring no bytes, or bytes that a commit names already. */
function withoutBytes(changes: readonly FileVersion[]): Contents {
  return { startedAt: Date.now(), blobs: [], changes }
}

function versionOf(scope: Scope, path: string, id: ObjectId | null, size: number): FileVersion {
  return { path: inBranch(scope, path), id, size }
}

function onFile(path: string, condition: Condition): (branch: BranchState) => Refusal | null {
  return (branch) => (condition(fileAt(branch, path)) ? null : { outcome: "precondition-failed" })
}
