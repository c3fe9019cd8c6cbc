/** What a request says about files: which one its path names, and what the commit of a write says. */
import type { Context } from "hono"
import { principalOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { authorOf } from "../../lib/author.ts"
import type { ObjectId } from "../../git/objects.ts"
import { filePath } from "../../lib/file-path.ts"
import { LONGEST_PROJECT_NAME } from "../../partition/projects.ts"
import { wasEverHeld } from "../../partition/held-names.ts"
import type { Partition } from "../../partition/partition.ts"
import { type FileFound, findFile } from "../../partition/file-reads.ts"
import type { CommitText } from "../../partition/write.ts"
import type { Missing, Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import { projectNotFound } from "./parameters.ts"
import { decodedName, isDecodable, queryUnescaped } from "./resource-uri.ts"

/** `/api/resource-service/v1/project/{p}/resource/` has 7 parts before the name; a stage and a service add two each. */
const PROJECT_DEPTH = 7

/** The names in a path. */
export interface Names {
  projectName: string
  stageName?: string
  serviceName?: string
}

/** The scope that the names in a path stand for. Throws an `ApiError` when they can be nobody's. */
export function scopeOf(names: Names): Scope {
  // The store of bytes is asked before the index has answered, and takes no such key.
  if (names.projectName.length > LONGEST_PROJECT_NAME) throw projectNotFound()
  return { project: names.projectName, stage: names.stageName ?? null, service: names.serviceName ?? null }
}

/**
 * The file that a path names: the paths in the scope that it may mean, and the name as it was sent, which is what Keptn echoes.
 * A reading that no file can have is null.
 */
export interface NamedResource {
  once: string | null
  twice: string | null
  /** As go-utils may have meant it; see `queryUnescaped`. */
  unescaped: string | null
  sent: string
}

/** Reads the name in a path. Throws an `ApiError` when it cannot be decoded, or no file can have the name however it is decoded. */
export function namedResource(c: Context<RegionalEnv>, scope: Scope): NamedResource {
  const depth = PROJECT_DEPTH + (scope.stage === null ? 0 : 2) + (scope.service === null ? 0 : 2)
  const behind = (path: string): string => path.split("/").slice(depth).join("/")
  const sentWhole = new URL(c.req.url).pathname
  // Such a path is routed as it was sent. Taken as a name, it would be that of another file.
  if (!isDecodable(sentWhole)) throw invalidUri()
  const { once, twice } = decodedName(behind(c.req.path))
  const named = { once: filePath(once), twice: filePath(twice), unescaped: filePath(queryUnescaped(once)) }
  if (named.once === null && named.twice === null) throw invalidUri()
  return { ...named, sent: behind(sentWhole.replace(/\/{2,}/g, "/")) }
}

/** Finds the file that a path names: the first that stands of those it may mean. */
export async function findNamed(
  partition: Partition,
  scope: Scope,
  { once, twice, unescaped }: NamedResource,
  commitId: ObjectId | null,
): Promise<(FileFound & { path: string }) | Missing> {
  let missing: Missing = { outcome: "missing", what: "resource" }
  for (const path of new Set([once, twice, unescaped])) {
    if (path === null) continue
    const found = await findFile(partition, scope, path, commitId)
    if (found.outcome === "found") return { ...found, path }
    missing = found
    if (found.what !== "resource") return missing
  }
  if (twice === null) throw invalidUri()
  return missing
}

/** The path that a write of JSON means, as Keptn's clients send it: as decoded once where such a file stands, else twice. */
export async function writtenPath(partition: Partition, scope: Scope, { once, twice }: NamedResource): Promise<string> {
  if (once !== null && once !== twice) {
    const standing = await findFile(partition, scope, once, null)
    if (standing.outcome === "found") return once
  }
  return soundPath(twice)
}

/** The path that a write of raw content means: as decoded once. */
export function rawPath({ once }: NamedResource): string {
  return soundPath(once)
}

/**
 * The path that a deletion means. The name as decoded once keeps its meaning after its file is gone: a deletion that is
 * repeated must not find another file.
 */
export async function deletedPath(partition: Partition, scope: Scope, { once, twice }: NamedResource): Promise<string> {
  if (once !== null && once !== twice && (await wasEverHeld(partition, scope, once))) return once
  return soundPath(twice)
}

/** The path of the file that a resource URI names. Throws an `ApiError` when it names none. */
export function pathOf(uri: string): string {
  return soundPath(filePath(uri))
}

function soundPath(path: string | null): string {
  if (path === null) throw invalidUri()
  return path
}

function invalidUri(): ApiError {
  return new ApiError("invalid_request", "invalid resource uri")
}

/** Who a commit of this request is by, and its message. */
export function commitText(c: Context<RegionalEnv>, message: string): CommitText {
  return { author: authorOf(principalOf(c), Date.now()), message }
}

/** What a write is called in the history. */
export function writeMessage(writes: readonly { path: string }[]): string {
  const [first] = writes
  return writes.length === 1 && first ? `Write ${first.path}` : `Write ${writes.length} resources`
}
