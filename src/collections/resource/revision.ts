/** The commit that a request names. */
import type { Context } from "hono"
import type { ApiError } from "../../gateway/errors.ts"
import type { ObjectId } from "../../git/objects.ts"
import { resolveRevision } from "../../partition/revisions.ts"
import type { RegionalEnv } from "../regional.ts"

/** No commit has this id: what is looked for under it is not found, and the reader says what is missing. */
const NO_COMMIT = "0".repeat(40)

/**
 * The commit that `revision` names in a project, null for the head of the branch that the request is about. A revision that
 * is unknown becomes an id that no commit has. Throws `ambiguous` for one that several commits match.
 */
export async function commitOf(
  c: Context<RegionalEnv>,
  project: string,
  revision: string | null,
  ambiguous: (revision: string) => ApiError,
): Promise<ObjectId | null> {
  if (revision === null) return null
  const resolved = await resolveRevision(c.get("partition"), project, revision)
  if (resolved.outcome === "ambiguous") throw ambiguous(revision)
  return resolved.outcome === "found" ? resolved.commitId : NO_COMMIT
}

/** What the text of both errors says. */
export function ambiguousText(revision: string): string {
  return `several commits begin with ${revision}: give more of the id`
}
