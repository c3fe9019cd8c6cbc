/** What this collection answers to a write, and to what it cannot do. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { ApiError } from "../../gateway/errors.ts"
import type { WriteOutcome } from "../../partition/write.ts"
import type { Missing, Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import type { ResourceDialect } from "./dialects.ts"
import { projectNotFound } from "./parameters.ts"
import type { writeResultSchema } from "./schemas.ts"

export type WriteResult = z.infer<typeof writeResultSchema>

/** Tags the answer to a write of one file, so that the next write can be conditional. */
export function tagWritten(c: Context<RegionalEnv>, outcome: WriteOutcome): void {
  if (outcome.outcome === "written" && outcome.blobIds[0] !== undefined) c.header("ETag", `"${outcome.blobIds[0]}"`)
}

/** The answer to a write. Throws an `ApiError` for one that was not made. */
export function writeResult(dialect: ResourceDialect, scope: Scope, outcome: WriteOutcome): WriteResult {
  if (outcome.outcome !== "written") throw writeError(outcome)
  return dialect.writeResult(scope, outcome.commitId)
}

function writeError(outcome: Exclude<WriteOutcome, { outcome: "written" }>): ApiError {
  switch (outcome.outcome) {
    case "missing":
      return missingError(outcome)
    case "file-in-the-way":
      return new ApiError(
        "conflict",
        `'${outcome.path}' is a file, so nothing can be stored below it: delete it or choose another name`,
      )
    case "folder-in-the-way":
      return new ApiError(
        "conflict",
        `'${outcome.path}' is a folder, so it cannot be written as a file: choose another name`,
      )
    case "folder-too-large":
      return new ApiError(
        "payload_too_large",
        `the folder '${outcome.path}' would hold too many files: spread them over several`,
      )
    case "changed-since":
      return new ApiError(
        "conflict",
        `'${outcome.path}' was changed after that commit, so it cannot be put back: write the file you want instead`,
      )
    case "precondition-failed":
      return new ApiError(
        "precondition_failed",
        "what is stored is not what If-Match or If-None-Match expects: read it again, and decide anew",
      )
    case "collision":
      return new ApiError("conflict", "other content is stored under the git object id of this content: it is refused")
    case "busy":
      return new ApiError("conflict", "too many writers at once on this branch: nothing was written, try again", {
        headers: { "Retry-After": "1" },
      })
  }
}

/** What a caller named and is not there. */
export function missingError({ what }: Missing): ApiError {
  switch (what) {
    case "project":
      return projectNotFound()
    case "stage":
      return new ApiError("not_found", "Stage not found")
    case "service":
      return new ApiError("not_found", "Service not found")
    case "resource":
      return new ApiError("not_found", "Resource not found")
    case "commit":
      // As Keptn answers it: with 404, clients would take the file for missing and look for it in other scopes.
      return new ApiError("keptn_failure", "Internal server error")
  }
}
