/** How the resource-service API behaves, in every scope. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { matchesEtag, writeCondition } from "../../gateway/conditional.ts"
import { ApiError } from "../../gateway/errors.ts"
import { type offsetPageQuery, offsetPageOf, readOffsetPage } from "../../gateway/paging.ts"
import { base64Stream, fromBase64, streamOf, toBase64, utf8 } from "../../lib/bytes.ts"
import { BlobMissing, SMALL_BLOB } from "../../partition/blobs.ts"
import { type FileFound, findFile, listFiles } from "../../partition/file-reads.ts"
import { removeFile, writeFile, writeFiles } from "../../partition/file-writes.ts"
import type { Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import { missingError, tagWritten, type WriteResult, writeResult } from "./answers.ts"
import type { ResourceDialect } from "./dialects.ts"
import {
  commitText,
  deletedPath,
  findNamed,
  namedResource,
  pathOf,
  writeMessage,
  writtenPath,
} from "./named-resource.ts"
import { ambiguousText, commitOf } from "./revision.ts"
import { rawAnswer, wantsRaw } from "./raw-files.ts"
import type { resourceListSchema, resourceSchema, writeListSchema, writeOneSchema } from "./schemas.ts"

type RegionalContext = Context<RegionalEnv>

/** Lists a page of a scope's files; null when the caller has it already (`If-None-Match`). */
export async function list(
  c: RegionalContext,
  scope: Scope,
  query: z.infer<typeof offsetPageQuery>,
): Promise<z.infer<typeof resourceListSchema> | null> {
  const page = readOffsetPage(query)
  const found = await listFiles(c.get("partition"), scope, page)
  if (found.outcome === "missing") throw missingError(found)
  tag(c, found.commitId)
  if (matchesEtag(c.req.header("if-none-match"), found.commitId)) return null
  const metadata = { upstreamURL: "", version: found.commitId }
  const resources = found.paths.map((path) => ({ resourceURI: `/${path}`, metadata }))
  return { resources, ...offsetPageOf(page, resources.length, found.total) }
}

/** Reads one file, as JSON or as it is. A caller that has it already (`If-None-Match`) is told so. */
export async function read(c: RegionalContext, scope: Scope, gitCommitID: string | null): Promise<Response> {
  const named = namedResource(c, scope)
  const commitId = await commitOf(c, scope.project, gitCommitID, ambiguousCommit)
  const found = await findNamed(c.get("partition"), scope, named, commitId)
  if (found.outcome === "missing") throw missingError(found)
  tag(c, found.blobId)
  c.header("Vary", "Accept")
  if (matchesEtag(c.req.header("if-none-match"), found.blobId)) return c.body(null, 304)
  try {
    return await (wantsRaw(c) ? rawAnswer(c, scope, found.path, found) : jsonAnswer(c, scope, named.sent, found))
  } catch (error) {
    // When the project was deleted meanwhile, the file is not there, or is another one.
    if (!(error instanceof BlobMissing)) throw error
    const now = await findFile(c.get("partition"), scope, found.path, commitId)
    if (now.outcome === "found" && now.commitId === found.commitId) throw error
    return read(c, scope, gitCommitID)
  }
}

/** Writes files as one commit. */
export async function write(
  c: RegionalContext,
  dialect: ResourceDialect,
  scope: Scope,
  body: z.infer<typeof writeListSchema>,
): Promise<WriteResult> {
  const writes = body.resources.map(({ resourceURI, resourceContent }) => ({
    path: pathOf(resourceURI),
    content: decodeContent(resourceContent),
  }))
  const text = commitText(c, writeMessage(writes))
  const outcome = await writeFiles(c.get("partition"), scope, writes, text, writeCondition(c.req))
  return writeResult(dialect, scope, outcome)
}

/** Writes the file that the path names as one commit. */
export async function writeOne(
  c: RegionalContext,
  dialect: ResourceDialect,
  scope: Scope,
  body: z.infer<typeof writeOneSchema>,
): Promise<WriteResult> {
  const path = await writtenPath(c.get("partition"), scope, namedResource(c, scope))
  const file = { path, content: decodeContent(body.resourceContent) }
  const text = commitText(c, writeMessage([file]))
  const outcome = await writeFile(c.get("partition"), scope, file, text, writeCondition(c.req))
  tagWritten(c, outcome)
  return writeResult(dialect, scope, outcome)
}

/** Deletes the file that the path names as one commit. */
export async function remove(c: RegionalContext, dialect: ResourceDialect, scope: Scope): Promise<WriteResult> {
  const path = await deletedPath(c.get("partition"), scope, namedResource(c, scope))
  const text = commitText(c, `Delete ${path}`)
  const outcome = await removeFile(c.get("partition"), scope, path, text, writeCondition(c.req))
  return writeResult(dialect, scope, outcome)
}

/** As `missingError` answers an unknown commit: with another status, clients would look for the file in other scopes. */
function ambiguousCommit(revision: string): ApiError {
  return new ApiError("keptn_failure", ambiguousText(revision))
}

/** Says what the answer is a version of. The caller may keep it, and must ask whether it is still the one. */
function tag(c: RegionalContext, id: string): void {
  c.header("ETag", `"${id}"`)
  c.header("Cache-Control", "private, no-cache")
}

/** A large file is encoded as it comes: its base64 would fill the memory of an isolate. */
async function jsonAnswer(c: RegionalContext, scope: Scope, resourceURI: string, file: FileFound): Promise<Response> {
  const { blobs } = c.get("partition")
  const metadata = { upstreamURL: "", version: file.commitId }
  const before = `{"resourceURI":${JSON.stringify(resourceURI)},"resourceContent":"`
  const after = `","metadata":${JSON.stringify(metadata)}}`
  if (c.req.method === "HEAD") {
    const length = utf8(before + after).length + 4 * Math.ceil(file.size / 3)
    return c.body(null, 200, { "Content-Type": "application/json", "Content-Length": String(length) })
  }
  if (file.size <= SMALL_BLOB) {
    const bytes = await blobs.get(scope.project, file.blobId, file.size)
    const answer: z.infer<typeof resourceSchema> = { resourceURI, resourceContent: toBase64(bytes), metadata }
    return c.json(answer, 200)
  }
  const bytes = await blobs.stream(scope.project, file.blobId, null)
  const text = streamOf(c.get("meter").partsInTime(bytes)).pipeThrough(base64Stream(before, after))
  return c.body(text, 200, { "Content-Type": "application/json" })
}

function decodeContent(text: string): Uint8Array<ArrayBuffer> {
  const content = fromBase64(text)
  if (content === null) throw new ApiError("invalid_request", "resource content is not base64 encoded")
  return content
}
