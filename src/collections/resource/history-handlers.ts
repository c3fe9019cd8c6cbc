/** How the history of a project behaves. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { ApiError } from "../../gateway/errors.ts"
import { readOffsetPage } from "../../gateway/paging.ts"
import type { Signature } from "../../git/objects.ts"
import {
  type FileDifference,
  findCommit,
  type FoundCommit,
  type HistoryEntry,
  listCommits,
  LONGEST_PAGE,
  restorationsOf,
} from "../../partition/history.ts"
import { DEFAULT_BRANCH } from "../../partition/projects.ts"
import { restoreFiles } from "../../partition/file-writes.ts"
import type { Missing, Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import { missingError, type WriteResult, writeResult } from "./answers.ts"
import { resourceService } from "./dialects.ts"
import type { commitListQuery, commitListSchema, commitSchema } from "./history-schemas.ts"
import { commitText, pathOf } from "./named-resource.ts"
import { ambiguousText, commitOf } from "./revision.ts"

type RegionalContext = Context<RegionalEnv>

/** Lists a page of the commits of a project, a stage or a service. */
export async function list(
  c: RegionalContext,
  project: string,
  query: z.infer<typeof commitListQuery>,
): Promise<z.infer<typeof commitListSchema>> {
  const { stage = null, service = null, path } = query
  if (service !== null && stage === null) {
    throw new ApiError("invalid_request", "a service is one of a stage: give stage, too")
  }
  const { offset, size } = readOffsetPage(query)
  if (size > LONGEST_PAGE) throw new ApiError("invalid_request", `pageSize must be at most ${LONGEST_PAGE}`)
  const changed = path === undefined || path === "" ? null : pathOf(path.replace(/\/+$/, ""))
  // A key is the position of the last commit that was shown; the first page is behind all positions, and none is behind 0.
  const page = { before: offset === 0 ? null : offset, size }
  const found = await listCommits(c.get("partition"), { project, stage, service }, changed, page)
  if (found.outcome === "missing") throw historyError(found)
  const commits = found.commits.map((commit) => ({
    ...membersOf(commit),
    changedPaths: commit.changes.map((change) => change.path),
  }))
  return { commits, nextPageKey: String(found.next ?? 0) }
}

/** Reads one commit. */
export async function read(c: RegionalContext, scope: Scope, commitId: string): Promise<z.infer<typeof commitSchema>> {
  const { commit, branches } = await foundCommit(c, scope, commitId)
  return { ...membersOf(commit), branches, changes: commit.changes.map(changeOf) }
}

/** Reverts one commit on the branch of a scope. */
export async function revert(c: RegionalContext, scope: Scope, commitId: string): Promise<WriteResult> {
  const { commit, branches, projectId } = await foundCommit(c, scope, commitId)
  const branch = scope.stage ?? DEFAULT_BRANCH
  if (!branches.includes(branch)) {
    throw new ApiError(
      "conflict",
      `the commit is not on branch '${branch}', but on ${branches.join(", ")}: give its stage`,
    )
  }
  if (commit.truncated) {
    throw new ApiError("payload_too_large", "the commit changed too many files: revert it with git, and push that")
  }
  const [subject = ""] = commit.message.split("\n")
  const text = commitText(c, `Revert "${subject}"\n\nThis reverts commit ${commit.id}.`)
  const partition = c.get("partition")
  const restorations = await restorationsOf(partition, projectId, commit.changes)
  return writeResult(resourceService, scope, await restoreFiles(partition, scope, restorations, text))
}

async function foundCommit(c: RegionalContext, scope: Scope, revision: string): Promise<FoundCommit> {
  const commitId = await commitOf(c, scope.project, revision, ambiguousCommit)
  const found = await findCommit(c.get("partition"), scope, commitId)
  if (found.outcome === "missing") throw historyError(found)
  return found
}

function ambiguousCommit(revision: string): ApiError {
  return new ApiError("invalid_request", ambiguousText(revision))
}

function historyError(missing: Missing): ApiError {
  return missing.what === "commit" ? new ApiError("not_found", "Commit not found") : missingError(missing)
}

function membersOf(commit: HistoryEntry) {
  const { id, parents, author, committer, message, truncated } = commit
  return { id, parents, author: personOf(author), committer: personOf(committer), message, truncated }
}

function personOf({ name, email, time }: Signature) {
  return { name, email, time: dateTimeOf(time) }
}

/** The years that RFC 3339 can name, in seconds since 1970. */
const [FIRST_SECOND, LAST_SECOND] = [-62_167_219_200, 253_402_300_799]

/** A date of RFC 3339. Commits that were pushed before dates were checked may name others: those are shown as the nearest one. */
function dateTimeOf(seconds: number): string {
  return new Date(Math.min(Math.max(seconds, FIRST_SECOND), LAST_SECOND) * 1000).toISOString()
}

function changeOf({ path, before, after }: FileDifference): z.infer<typeof commitSchema>["changes"][number] {
  const blobs = { ...(before !== null && { before }), ...(after !== null && { after }) }
  if (before === null) return { path, status: "added", ...blobs }
  return { path, status: after === null ? "removed" : "modified", ...blobs }
}
