/** Files as they are, without JSON and base64 around them: of any size that the deployment allows, and never held whole. */
import { create as contentDisposition } from "content-disposition"
import type { Context } from "hono"
import { accepts } from "hono/accepts"
import parseRange from "range-parser"
import { writeCondition } from "../../gateway/conditional.ts"
import { ApiError } from "../../gateway/errors.ts"
import { type ByteRange, SMALL_BLOB } from "../../partition/blobs.ts"
import type { FileFound } from "../../partition/file-reads.ts"
import { uploadFile, writeFile } from "../../partition/file-writes.ts"
import type { Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import { tagWritten, type WriteResult, writeResult } from "./answers.ts"
import type { ResourceDialect } from "./dialects.ts"
import { commitText, namedResource, rawPath, writeMessage } from "./named-resource.ts"

type RegionalContext = Context<RegionalEnv>

const RAW = "application/octet-stream"
const JSON_TYPE = "application/json"

/** Whether the caller asks for the bytes themselves. Who accepts anything gets JSON, as from Keptn. */
export function wantsRaw(c: RegionalContext): boolean {
  return accepts(c, { header: "Accept", supports: [JSON_TYPE, RAW], default: JSON_TYPE }) === RAW
}

/** Answers with the bytes of a file, or with the one part of them that `Range` asks for. Several parts are answered as the whole. */
export async function rawAnswer(c: RegionalContext, scope: Scope, path: string, file: FileFound): Promise<Response> {
  const range = requestedRange(c, file)
  const length = range?.length ?? file.size
  c.header("Accept-Ranges", "bytes")
  c.header("Content-Type", RAW)
  c.header("Content-Length", String(length))
  c.header("Content-Disposition", contentDisposition(path.slice(path.lastIndexOf("/") + 1)))
  if (range) c.header("Content-Range", `bytes ${range.offset}-${range.offset + range.length - 1}/${file.size}`)
  const status = range ? 206 : 200
  return c.req.method === "HEAD" ? c.body(null, status) : c.newResponse(await bytesOf(c, scope, file, range), status)
}

/** Writes the body of a request as the file that its path names. Larger ones go to the bucket as they come. */
export async function writeRaw(c: RegionalContext, dialect: ResourceDialect, scope: Scope): Promise<WriteResult> {
  const size = Number(c.req.header("content-length") ?? Number.NaN)
  if (!Number.isSafeInteger(size)) {
    throw new ApiError("length_required", "send the size of the file as Content-Length (curl -T does)")
  }
  const path = rawPath(namedResource(c, scope))
  const text = commitText(c, writeMessage([{ path }]))
  const condition = writeCondition(c.req)
  const { body } = c.req.raw
  const outcome =
    size > SMALL_BLOB && body !== null
      ? await uploadFile(c.get("partition"), scope, { path, body, size }, text, condition)
      : await writeFile(c.get("partition"), scope, { path, content: await bodyOf(c) }, text, condition)
  tagWritten(c, outcome)
  return writeResult(dialect, scope, outcome)
}

async function bodyOf(c: RegionalContext): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await c.req.arrayBuffer())
}

/** The part that is asked for; null for all of it, which is what HEAD is about. Throws when there is no such part. */
function requestedRange(c: RegionalContext, file: FileFound): ByteRange | null {
  const header = c.req.header("range")
  const condition = c.req.header("if-range")
  if (c.req.method !== "GET" || header === undefined || !header.startsWith("bytes=")) return null
  if (condition !== undefined && condition !== `"${file.blobId}"`) return null
  // A suffix that is longer than the file is all of it (RFC 9110, 14.1.2); the parser would find that there is no such part.
  const within = header.replaceAll(
    /([=,]\s*)-(\d+)/g,
    (_, before: string, length: string) => `${before}-${Math.min(Number(length), file.size)}`,
  )
  const ranges = parseRange(file.size, within, { combine: true })
  if (ranges === -1) {
    throw new ApiError("range_not_satisfiable", `the file has ${file.size} bytes`, {
      headers: { "Content-Range": `bytes */${file.size}` },
    })
  }
  const [only, ...others] = ranges === -2 ? [] : ranges
  return only && others.length === 0 ? { offset: only.start, length: only.end - only.start + 1 } : null
}

async function bytesOf(
  c: RegionalContext,
  scope: Scope,
  file: FileFound,
  range: ByteRange | null,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const { blobs } = c.get("partition")
  if (file.size > SMALL_BLOB) return blobs.stream(scope.project, file.blobId, range)
  const bytes = await blobs.get(scope.project, file.blobId, file.size)
  return new Uint8Array(range ? bytes.subarray(range.offset, range.offset + range.length) : bytes)
}
