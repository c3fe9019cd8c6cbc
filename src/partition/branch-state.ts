/** What commits on a branch start from. */
import { and, eq, inArray, isNull, sql } from "drizzle-orm"
import { parseTree } from "../git/objects.ts"
import { ancestors, type Folder } from "../git/tree-update.ts"
import { valuesOf } from "./bulk.ts"
import { type BranchState, type FileVersion, folderColumns } from "./commit.ts"
import type { Partition } from "./partition.ts"
import { prepareEach } from "./prepared.ts"
import { branchCommits, branches, deletedProjects, folders, projects, services, trees } from "./schema.ts"
import {
  branchOf,
  isHead,
  type Missing,
  missingOf,
  type Scope,
  scopeColumns,
  scopeOf,
  type ScopeShape,
  scopeValues,
  serviceOf,
  shapeOf,
} from "./scope.ts"
import { through } from "./through.ts"
import { type BlobInTheWay, blobsInTheWay, takeBack } from "./unnamed-blobs.ts"

/** A branch as it was read, and what the bytes of its next commits have to look at. */
export interface Branch {
  outcome: "found"
  state: BranchState
  /** Those of the services that were asked for which are there. */
  standingServices: ReadonlySet<string | null>
  /** When the bytes of a deleted project of this name were last removed (ms since 1970), see unnamed-blobs.ts. */
  clearedAt: number | null
  inTheWay: readonly BlobInTheWay[]
}

const branchHeader = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  return db
    .select({ ...scopeColumns, seq: branchCommits.seq, clearedAt: deletedProjects.clearedAt })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(branchCommits, isHead)
    .leftJoin(deletedProjects, eq(deletedProjects.name, projects.name))
    .where(eq(projects.name, scope.project))
})

const foldersAbove = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  const isAbove = inArray(folders.path, valuesOf(sql.placeholder("paths")))
  return db
    .select({ ...folderColumns, content: trees.content })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(folders, "folders_at_head"),
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), isAbove),
    )
    .innerJoin(trees, and(eq(trees.projectId, projects.id), eq(trees.id, folders.treeId)))
    .where(eq(projects.name, scope.project))
})

/**
 * Reads what commits on the branch of a scope start from: the head, and the trees above the `changes` that they make together. They may
 * be in any of `ofServices`, null for none; of a branch that is there, some of these may be missing.
 */
export async function readBranch(
  { aside: db }: Partition,
  { project, stage }: Scope,
  ofServices: readonly (string | null)[],
  changes: readonly FileVersion[],
): Promise<Branch | Missing> {
  const [service = null, ...others] = new Set(ofServices)
  const scope = { project, stage, service }
  const shape = shapeOf(scope)
  const paths = JSON.stringify([...new Set(changes.flatMap((change) => ancestors(change.path)))])
  const blobIds = JSON.stringify([...new Set(changes.flatMap((change) => change.id ?? []))])
  const values = { ...scopeValues(scope), paths, blobIds }
  const [[found], rows, , inTheWay, ...otherHeaders] = await db.batch([
    branchHeader(db, shape, values),
    foldersAbove(db, shape, values),
    takeBack(db, values),
    blobsInTheWay(db, values),
    ...others.map((other) => branchHeader(db, shape, scopeValues({ ...scope, service: other }))),
  ])
  const missing = missingOf({ ...scope, service: null }, found)
  if (missing || !found?.branchId) return missing ?? { outcome: "missing", what: "project" }
  const { projectId, branchId, head, clearedAt } = found
  const standing = rows.map((row): [string, Folder] => [
    row.path,
    { entries: parseTree(row.content), fileCount: row.fileCount },
  ])
  const state = { projectId, branchId, seq: found.seq ?? -1, commitId: head, folders: new Map(standing) }
  const standingServices = new Set([[found], ...otherHeaders].map(([row]) => row?.service ?? null))
  return { outcome: "found", state, standingServices, clearedAt, inTheWay }
}

/** Whether the service of a scope is not there, though its branch is. */
export function isServiceMissing(branch: Branch, { service }: Scope): boolean {
  return service !== null && !branch.standingServices.has(service)
}
