/** How the resource-service API behaves, in every scope. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import type { Signature } from "../../git/objects.ts"
import { principalOf } from "../../gateway/authorize.ts"
import { matchesEtag } from "../../gateway/conditional.ts"
import { ApiError } from "../../gateway/errors.ts"
import { type offsetPageQuery, offsetPageOf, readOffsetPage } from "../../gateway/paging.ts"
import { fromBase64, toBase64 } from "../../lib/bytes.ts"
import { authorOf } from "../../lib/author.ts"
import {
  type FileWrite,
  findFile,
  listFiles,
  type Missing,
  type Scope,
  writeFiles,
  type WriteOutcome,
} from "../../partition/repository.ts"
import type { RegionalEnv } from "../regional.ts"
import { filePath, unescapeUri } from "./resource-uri.ts"
import { projectNotFound } from "./routes.ts"
import type { resourceListSchema, resourceSchema, writeListSchema, writeResultSchema } from "./schemas.ts"

type RegionalContext = Context<RegionalEnv>

/** `/api/resource-service/v1/project/{p}/resource/` has 7 parts before the name; a stage and a service add two each. */
const PROJECT_DEPTH = 7

/** The scope that the names in a path stand for. */
export function scopeOf(names: { projectName: string; stageName?: string; serviceName?: string }): Scope {
  return { project: names.projectName, stage: names.stageName ?? null, service: names.serviceName ?? null }
}

/** Lists a page of a scope's files. */
export async function list(
  c: RegionalContext,
  scope: Scope,
  query: z.infer<typeof offsetPageQuery>,
): Promise<z.infer<typeof resourceListSchema>> {
  const page = readOffsetPage(query)
  const found = await listFiles(c.get("partition"), scope, page)
  if (found.outcome === "missing") throw missingError(found)
  const metadata = { upstreamURL: "", version: found.commitId }
  const resources = found.paths.map((path) => ({ resourceURI: `/${path}`, metadata }))
  return { resources, ...offsetPageOf(page, resources.length, found.total) }
}

/** Reads one file; null when the caller has it already (`If-None-Match`). Sets the `ETag` of the answer. */
export async function read(
  c: RegionalContext,
  scope: Scope,
  gitCommitID: string | null,
): Promise<z.infer<typeof resourceSchema> | null> {
  const { decoded, sent } = resourceParameter(c, scope)
  const path = pathOf(unescapeUri(decoded))
  const partition = c.get("partition")
  const found = await findFile(partition, scope, path, gitCommitID)
  if (found.outcome === "missing") throw missingError(found)
  c.header("ETag", `"${found.blobId}"`)
  // The caller may keep the answer, and must ask whether it is still the one.
  c.header("Cache-Control", "private, no-cache")
  if (matchesEtag(c.req.header("if-none-match"), found.blobId)) return null
  const bytes = await partition.blobs.get(scope.project, found.blobId, found.size)
  const metadata = { upstreamURL: "", version: found.commitId }
  return { resourceURI: sent, resourceContent: toBase64(bytes), metadata }
}

/** Writes files as one commit. */
export async function write(
  c: RegionalContext,
  scope: Scope,
  body: z.infer<typeof writeListSchema>,
): Promise<z.infer<typeof writeResultSchema>> {
  const writes = body.resources.map(decodeWrite)
  const author: Signature = authorOf(principalOf(c), Date.now())
  const outcome = await writeFiles(c.get("partition"), scope, writes, author, writeMessage(writes))
  if (outcome.outcome !== "written") throw writeError(outcome)
  return { commitID: outcome.commitId, metadata: { upstreamURL: "", version: outcome.commitId } }
}

/** What the path holds after `/resource/`: decoded once, to be read, and as it was sent, which is what Keptn echoes. */
function resourceParameter(c: RegionalContext, scope: Scope): { decoded: string; sent: string } {
  const depth = PROJECT_DEPTH + (scope.stage === null ? 0 : 2) + (scope.service === null ? 0 : 2)
  const behind = (path: string): string => path.split("/").slice(depth).join("/")
  return { decoded: behind(c.req.path), sent: behind(new URL(c.req.url).pathname.replace(/\/{2,}/g, "/")) }
}

function decodeWrite(resource: { resourceURI: string; resourceContent: string }): FileWrite {
  const content = fromBase64(resource.resourceContent)
  if (content === null) throw new ApiError("invalid_request", "resource content is not base64 encoded")
  return { path: pathOf(resource.resourceURI), content }
}

function pathOf(uri: string): string {
  const path = filePath(uri)
  if (path === null) throw new ApiError("invalid_request", "invalid resource uri")
  return path
}

function writeMessage(writes: readonly FileWrite[]): string {
  const [first] = writes
  return writes.length === 1 && first ? `Write ${first.path}` : `Write ${writes.length} resources`
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
    case "busy":
      return new ApiError("conflict", "too many writers at once on this branch: nothing was written, try again", {
        headers: { "Retry-After": "1" },
      })
  }
}

function missingError({ what }: Missing): ApiError {
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
