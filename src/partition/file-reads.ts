/**
 * Files of a scope, found and listed. A scope is a folder of a branch: the default branch for a project, a stage's branch for a stage, a
 * folder of that branch for a service. Scopes do not fall back on each other.
 */
import { and, asc, eq, gte, isNull, lt, or, type Placeholder, type SQL, sql } from "drizzle-orm"
import type { ObjectId } from "../git/objects.ts"
import { walkKey } from "./commit.ts"
import type { Partition } from "./partition.ts"
import { prepareEach } from "./prepared.ts"
import { branchCommits, branches, files, folders, projects, services } from "./schema.ts"
import {
  branchOf,
  inBranch,
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

/** A file of a scope at its head or at the commit that was asked for. */
export interface FileFound {
  outcome: "found"
  blobId: ObjectId
  size: number
  commitId: ObjectId
}

/** A page of a scope's files, their paths relative to the scope. `total` counts all of them. */
export interface FileList {
  outcome: "found"
  paths: string[]
  total: number
  commitId: ObjectId
}

const fileOf = prepareEach((db, shape: ScopeShape & { atHead: boolean }) => {
  const scope = scopeOf(shape)
  const path = sql.placeholder("path")
  const atHead = and(
    eq(files.branchId, branches.id),
    isNull(files.untilSeq),
    eq(files.walkKey, sql.placeholder("walkKey")),
  )
  return (
    db
      .select({ ...scopeColumns, pinned: branchCommits.commitId, blobId: files.blobId, size: files.size })
      .from(projects)
      .leftJoin(branches, branchOf(scope))
      .leftJoin(services, serviceOf(scope))
      // No commit has the id "": at the head there is no position to look for.
      .leftJoin(branchCommits, isPosition(sql.placeholder("commitId")))
      .leftJoin(files, shape.atHead ? atHead : standsAt(path))
      .where(eq(projects.name, scope.project))
      .limit(1)
  )
})

/** Finds a file. `commitId` null reads the head; else the file as of that commit, of whatever branch of the project it is. */
export async function findFile(
  partition: Partition,
  scope: Scope,
  path: string,
  commitId: ObjectId | null,
): Promise<FileFound | Missing> {
  const { db } = partition
  const branchPath = inBranch(scope, path)
  const shape = { ...shapeOf(scope), atHead: commitId === null }
  const place = { path: branchPath, walkKey: walkKey(branchPath), commitId: commitId ?? "" }
  const [[row]] = await db.batch([fileOf(db, shape, { ...scopeValues(scope), ...place })])
  const missing = missingOf(scope, row)
  if (missing || !row) return missing ?? { outcome: "missing", what: "project" }
  if (commitId !== null && row.pinned === null) return { outcome: "missing", what: "commit" }
  if (row.blobId === null || row.size === null) return { outcome: "missing", what: "resource" }
  return { outcome: "found", blobId: row.blobId, size: row.size, commitId: commitId ?? row.head ?? "" }
}

const listHeader = prepareEach((db, shape: ScopeShape) => {
  const scope = scopeOf(shape)
  return db
    .select({ ...scopeColumns, total: folders.fileCount })
    .from(projects)
    .leftJoin(branches, branchOf(scope))
    .leftJoin(services, serviceOf(scope))
    .leftJoin(
      folders,
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), eq(folders.path, sql.placeholder("folder"))),
    )
    .where(eq(projects.name, scope.project))
})

const filesOnPage = prepareEach((db, shape: ScopeShape & { inFolder: boolean }) => {
  const scope = scopeOf(shape)
  return db
    .select({ path: sql<string>`${files.path}`.as("path") })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(
      through(files, "files_at_head"),
      and(eq(files.branchId, branches.id), isNull(files.untilSeq), shape.inFolder ? inFolder : undefined),
    )
    .where(eq(projects.name, scope.project))
    .orderBy(asc(files.walkKey))
    .limit(sql.placeholder("size"))
    .offset(sql.placeholder("offset"))
})

/** Lists the files of a scope in the order of a directory walk. */
export async function listFiles(
  partition: Partition,
  scope: Scope,
  page: { offset: number; size: number },
): Promise<FileList | Missing> {
  const { db } = partition
  const prefix = inBranch(scope, "")
  const shape = shapeOf(scope)
  const values = { ...scopeValues(scope), folder: prefix.slice(0, -1), ...walkKeysBelow(prefix), ...page }
  const [[found], listed] = await db.batch([
    listHeader(db, shape, values),
    filesOnPage(db, { ...shape, inFolder: prefix !== "" }, values),
  ])
  const missing = missingOf(scope, found)
  if (missing || !found) return missing ?? { outcome: "missing", what: "project" }
  const paths = listed.map((file) => file.path.slice(prefix.length))
  return { outcome: "found", paths, total: found.total ?? 0, commitId: found.head ?? "" }
}

/** A position of any branch of the project at which `commitId` stands. All of them have the same files. */
function isPosition(commitId: Placeholder): SQL | undefined {
  return and(eq(branchCommits.projectId, projects.id), eq(branchCommits.commitId, commitId))
}

/** The version of a file that stands at the joined position. */
function standsAt(path: Placeholder): SQL | undefined {
  const version = sql`(select max(from_seq) from files as version where version.branch_id = ${branchCommits.branchId}
    and version.path = ${path} and version.from_seq <= ${branchCommits.seq})`
  return and(
    eq(files.branchId, branchCommits.branchId),
    eq(files.path, path),
    eq(files.fromSeq, version),
    or(isNull(files.untilSeq), sql`${files.untilSeq} > ${branchCommits.seq}`),
  )
}

/** Files with one of the keys that `walkKeysBelow` answers. */
const inFolder = and(
  gte(files.walkKey, sql.placeholder("fromWalkKey")),
  lt(files.walkKey, sql.placeholder("untilWalkKey")),
)

/** Where the keys of the files below a folder of the branch (`carts/`) begin, and where those behind them do. */
function walkKeysBelow(prefix: string): { fromWalkKey: string; untilWalkKey: string } {
  const fromWalkKey = walkKey(prefix)
  return { fromWalkKey, untilWalkKey: `${fromWalkKey.slice(0, -1)}\u0002` }
}
