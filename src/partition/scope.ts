/** Which part of a project a request is about, and how that part is found. */
import { and, eq, isNotNull, isNull, type Placeholder, type SQL, sql } from "drizzle-orm"
import { branchCommits, branches, projects, services } from "./schema.ts"

/** The part of a project that a request is about. A service without a stage does not exist. */
export interface Scope {
  project: string
  stage: string | null
  service: string | null
}

/** The shape of a prepared statement about a scope: whether it looks for a stage's branch, or for the default one. */
export interface ScopeShape {
  ofStage: boolean
}

/** The shape of statements about `scope`. */
export function shapeOf({ stage }: Scope): ScopeShape {
  return { ofStage: stage !== null }
}

/** What such statements are run with. */
export function scopeValues({ project, stage, service }: Scope) {
  // No service has the name "".
  return { project, stage, service: service ?? "" }
}

/** A scope of that shape, whose names are placeholders. */
export function scopeOf({ ofStage }: ScopeShape) {
  return {
    project: sql.placeholder("project"),
    stage: ofStage ? sql.placeholder("stage") : null,
    service: sql.placeholder("service"),
  }
}

/** What a request named and the region does not have. */
export type Missing = { outcome: "missing"; what: "project" | "stage" | "service" | "resource" | "commit" }

/** The position of the joined branch at which its newest commit stands: what its positions are joined by. */
export const isHead = sql`${branchCommits.branchId} = ${branches.id}
  and ${branchCommits.seq} = (select max(seq) from branch_commits where branch_id = ${branches.id})`

/** The newest commit of the joined branch. */
export const headCommit = sql<string | null>`(select commit_id from branch_commits where branch_id = ${branches.id}
  order by seq desc limit 1)`

/** The columns that say which parts of a scope exist, and the head of its branch. D1 wants names that differ. */
export const scopeColumns = {
  projectId: sql<string>`${projects.id}`.as("project_id"),
  branchId: sql<string | null>`${branches.id}`.as("branch_id"),
  service: sql<string | null>`${services.name}`.as("service"),
  head: headCommit.as("head"),
}

/** What of a scope does not exist, given the row that was read for it. */
export function missingOf(
  scope: Scope,
  row: { branchId: string | null; service: string | null } | undefined,
): Missing | null {
  if (!row) return { outcome: "missing", what: "project" }
  if (row.branchId === null) return { outcome: "missing", what: "stage" }
  return scope.service !== null && row.service === null ? { outcome: "missing", what: "service" } : null
}

/** The branch of a scope: that of the stage, or the default branch of the project. */
export function branchOf({ stage }: { stage: string | Placeholder | null }): SQL | undefined {
  const position = branches.stagePosition
  return and(
    eq(branches.projectId, projects.id),
    eq(branches.name, stage ?? projects.defaultBranch),
    stage === null ? isNull(position) : isNotNull(position),
  )
}

/** The service of a scope, which must be joined behind its branch. */
export function serviceOf({ service }: { service: string | Placeholder | null }): SQL | undefined {
  return and(eq(services.branchId, branches.id), eq(services.name, service ?? ""))
}

/** The path in the branch of a path in the scope. */
export function inBranch(scope: Scope, path: string): string {
  return scope.service === null ? path : `${scope.service}/${path}`
}
