/** Moves the branches of a push, once it is known that the bytes of its files stand. */
import type { ObjectId } from "../git/objects.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { appendCommits, type NewCommit, type Statement } from "./commit.ts"
import type { Partition } from "./partition.ts"
import { FETCH_FIRST } from "./push-problem.ts"
import type { Branch, Repository } from "./refs.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import { blobsInTheWay, mayBeCleared, takeBack } from "./unnamed-blobs.ts"

/** A branch with the commits that a push adds to it. */
export interface Addition {
  branch: Branch
  commits: NewCommit[]
}

/** The files that a push stored: when it began, their ids, and how they are stored again. */
export interface StoredFiles {
  startedAt: number
  ids: readonly ObjectId[]
  again: () => Promise<unknown>
}

/** Moves the branches in one batch; returns what stood in the way of it, null for nothing. Throws what `again` throws. */
export async function storeAdditions(
  { db }: Partition,
  repository: Repository,
  additions: readonly Addition[],
  files: StoredFiles,
): Promise<string | null> {
  const standing = await lookAtMarks(db, repository, files)
  if (standing === "being-removed") return "the storage is being cleaned: push again"
  if (standing === "may-be-gone") await files.again()
  const [first, ...others] = additions.flatMap(({ branch, commits }): Statement[] =>
    appendCommits(db, { projectId: repository.projectId, branchId: branch.id, seq: branch.seq }, commits),
  )
  try {
    if (first) await db.batch([first, ...others])
    return null
  } catch (error) {
    if (isKeyTaken(error, "branch_commits")) return FETCH_FIRST
    if (isParentGone(error)) return "the project was deleted meanwhile"
    throw error
  }
}

/** Takes back those of the files that are marked as garbage, and waits for those that are being removed. */
async function lookAtMarks(
  db: Partition["db"],
  { project, clearedAt }: Repository,
  { ids, startedAt }: StoredFiles,
): Promise<"stand" | "may-be-gone" | "being-removed"> {
  if (ids.length === 0) return "stand"
  const values = { project, blobIds: JSON.stringify(ids) }
  for (let look = 1; look <= WRITE_ATTEMPTS; look++) {
    const [, inTheWay] = await db.batch([takeBack(db, values), blobsInTheWay(db, values)])
    if (inTheWay.every(({ removedAt }) => removedAt !== null)) {
      const removals = [clearedAt, ...inTheWay.map(({ removedAt }) => removedAt)]
      return removals.some((removedAt) => mayBeCleared(removedAt, startedAt)) ? "may-be-gone" : "stand"
    }
    await pauseBeforeRetry(look)
  }
  return "being-removed"
}
