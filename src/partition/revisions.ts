/** Which commit a revision names, as git resolves one (gitrevisions): ids in any case and abbreviated, `HEAD`, branches. */
import { and, eq, gte, lt } from "drizzle-orm"
import type { ObjectId } from "../git/objects.ts"
import type { Partition } from "./partition.ts"
import { branches, commits, projects } from "./schema.ts"
import { headCommit } from "./scope.ts"

/** A resolved revision. `commitId` null is the head of the branch that the request is about. */
export type Revision = { outcome: "found"; commitId: ObjectId | null } | { outcome: "unknown" | "ambiguous" }

/** Git takes no abbreviation that is shorter. */
const SHORTEST_ABBREVIATION = 4
const FULL_ID = /^[0-9a-f]{40}$/i
const ABBREVIATION = new RegExp(`^[0-9a-f]{${SHORTEST_ABBREVIATION},39}$`)
/** The longest name that is looked for, in characters: no branch has a longer one. */
const LONGEST_REVISION = 256

/**
 * Resolves a revision of a project. A full id is not looked up: whether there is such a commit is for its reader to find. A
 * branch goes before an abbreviated id that is spelled like its name, as in git.
 */
export async function resolveRevision({ db }: Partition, project: string, revision: string): Promise<Revision> {
  if (FULL_ID.test(revision)) return { outcome: "found", commitId: revision.toLowerCase() }
  if (revision === "HEAD") return { outcome: "found", commitId: null }
  if (revision.length > LONGEST_REVISION) return { outcome: "unknown" }
  const [[branch], abbreviated] = await db.batch([
    db
      .select({ head: headCommit.as("head") })
      .from(projects)
      .innerJoin(branches, and(eq(branches.projectId, projects.id), eq(branches.name, branchName(revision))))
      .where(eq(projects.name, project)),
    commitsThatBegin(db, project, revision.toLowerCase()),
  ])
  if (branch) return { outcome: "found", commitId: branch.head }
  const [only, ...others] = abbreviated
  if (only === undefined) return { outcome: "unknown" }
  return others.length > 0 ? { outcome: "ambiguous" } : { outcome: "found", commitId: only.id }
}

/** Two commits at most whose ids begin so: the second one makes it ambiguous. */
function commitsThatBegin(db: Partition["db"], project: string, prefix: string) {
  const from = ABBREVIATION.test(prefix) ? prefix : "g"
  return db
    .select({ id: commits.id })
    .from(projects)
    .innerJoin(commits, and(eq(commits.projectId, projects.id), gte(commits.id, from), lt(commits.id, `${from}g`)))
    .where(eq(projects.name, project))
    .limit(2)
}

function branchName(revision: string): string {
  return revision.replace(/^(refs\/)?heads\//, "")
}
