/** What a request says about files: which one its path names, and what the commit of a write says. */
import type { Context } from "hono"
import { principalOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { authorOf } from "../../lib/author.ts"
import { filePath } from "../../lib/file-path.ts"
import { LONGEST_PROJECT_NAME } from "../../partition/projects.ts"
import type { CommitText } from "../../partition/repository.ts"
import type { Scope } from "../../partition/scope.ts"
import type { RegionalEnv } from "../regional.ts"
import { projectNotFound } from "./parameters.ts"
import { unescapeUri } from "./resource-uri.ts"

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

/** The file that a path names: its path in the scope, and the name as it was sent, which is what Keptn echoes. */
export function namedResource(c: Context<RegionalEnv>, scope: Scope): { path: string; sent: string } {
  const depth = PROJECT_DEPTH + (scope.stage === null ? 0 : 2) + (scope.service === null ? 0 : 2)
  const behind = (path: string): string => path.split("/").slice(depth).join("/")
  return {
    path: pathOf(unescapeUri(behind(c.req.path))),
    sent: behind(new URL(c.req.url).pathname.replace(/\/{2,}/g, "/")),
  }
}

/** The path of the file that a resource URI names. Throws an `ApiError` when it names none. */
export function pathOf(uri: string): string {
  const path = filePath(uri)
  if (path === null) throw new ApiError("invalid_request", "invalid resource uri")
  return path
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
