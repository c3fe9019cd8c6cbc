/** The contract of the history of a project. Keptn has none: these routes are beyond its API. */
import { createRoute, z } from "@hono/zod-openapi"
import { keptnErrors } from "../../gateway/responses.ts"
import { resourceService } from "./dialects.ts"
import { commitListQuery, commitListSchema, commitQuery, commitSchema } from "./history-schemas.ts"
import { contribute, json, projectName, read } from "./parameters.ts"
import { writeResultSchema } from "./schemas.ts"

const BASE = `${resourceService.base}/project/{projectName}/commit`

const commitId = z.string().openapi({
  param: { name: "commitID", in: "path" },
  example: "HEAD",
  description: "A commit of any branch of the project, or `HEAD` for the newest one of the branch that `stage` names",
})

const ofHistory = { tags: ["history"] }

export const listCommits = createRoute({
  ...ofHistory,
  ...read,
  method: "get",
  path: BASE,
  operationId: "listCommits",
  summary: "List commits",
  description:
    "A page of the commits of a branch, newest first, with the files that each changed compared with its first parent. Pages have at most " +
    "100. Beyond Keptn.",
  request: { params: z.object({ projectName }), query: commitListQuery },
  responses: {
    200: json(commitListSchema, "A page of the commits"),
    ...keptnErrors("invalid_request", "not_found"),
  },
})

export const readCommit = createRoute({
  ...ofHistory,
  ...read,
  method: "get",
  path: `${BASE}/{commitID}`,
  operationId: "readCommit",
  summary: "Read a commit",
  description:
    "One commit of any branch, with the blobs of each file before and after it, compared with its first parent. Of its changes the first 1,000 are " +
    "shown. Beyond Keptn.",
  request: { params: z.object({ projectName, commitID: commitId }), query: commitQuery },
  responses: {
    200: json(commitSchema, "The commit"),
    ...keptnErrors("invalid_request", "not_found"),
  },
})

export const revertCommit = createRoute({
  ...ofHistory,
  ...contribute,
  method: "post",
  path: `${BASE}/{commitID}/revert`,
  operationId: "revertCommit",
  summary: "Revert a commit",
  description:
    "Makes one new commit on the branch that puts back every file as it was before the given one, or changes nothing. Refused with 409 when " +
    "one of these files was changed again since. Beyond Keptn.",
  request: { params: z.object({ projectName, commitID: commitId }), query: commitQuery },
  responses: {
    201: json(writeResultSchema, "The commit that reverts it"),
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
  },
})
