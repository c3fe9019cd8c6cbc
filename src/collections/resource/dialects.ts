/** The two names under which clients know this API, and how their answers differ. */
import type { z } from "@hono/zod-openapi"
import { DEFAULT_BRANCH } from "../../partition/projects.ts"
import type { Scope } from "../../partition/scope.ts"
import type { writeResultSchema } from "./schemas.ts"

/** How one generation of clients knows the API. */
export interface ResourceDialect {
  base: string
  deprecated: boolean
  /** The status of a PUT. */
  updated: 200 | 201
  /** Whether a DELETE answers 204 without a body. */
  deletedIsEmpty: boolean
  /** The answer to a write that left `commitId` at the head of the scope's branch. */
  writeResult: (scope: Scope, commitId: string) => z.infer<typeof writeResultSchema>
}

/** Keptn 0.18 and later. */
export const resourceService: ResourceDialect = {
  base: "/api/resource-service/v1",
  deprecated: false,
  updated: 200,
  deletedIsEmpty: false,
  writeResult: (_, commitId) => writeResult(commitId),
}

/** Keptn up to 0.17: clients read `version` from the top level of what a write answers. */
export const configurationService: ResourceDialect = {
  base: "/api/configuration-service/v1",
  deprecated: true,
  updated: 201,
  deletedIsEmpty: true,
  writeResult: ({ stage }, commitId) => ({
    ...writeResult(commitId),
    version: commitId,
    branch: stage ?? DEFAULT_BRANCH,
    upstreamURL: "",
  }),
}

function writeResult(commitId: string) {
  return { commitID: commitId, metadata: { upstreamURL: "", version: commitId } }
}
