/** Services: created and deleted in every stage, each a folder on the stage's branch. */
import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm"
import { parseTree, type Signature } from "../git/objects.ts"
import type { Folder } from "../git/tree-update.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { blobOf } from "./blobs.ts"
import {
  appendCommits,
  type BranchState,
  folderColumns,
  isUnmoved,
  prepareCommit,
  requireThat,
  type Statement,
} from "./commit.ts"
import { appendEvent } from "./events.ts"
import type { Partition } from "./partition.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import { branchCommits, branches, files, folders, type KeptnEvent, projects, services, trees } from "./schema.ts"
import { isHead } from "./scope.ts"
import { through } from "./through.ts"

/** Creates a service in every stage: a row and a folder with its `metadata.yaml`, as one commit per stage, all or nothing. */
export async function createService(
  partition: Partition,
  project: string,
  service: string,
  author: Signature,
  news: readonly KeptnEvent[],
): Promise<
  | { outcome: "created" | "exists" | "no-project" | "busy" }
  | { outcome: "file-in-the-way" | "folder-too-large"; stage: string }
> {
  const { db } = partition
  const now = Date.now()
  const path = `${service}/metadata.yaml`
  const metadata = await blobOf(serviceMetadata(service, now))
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
    const stages = await readStageBranches(partition, project, service, { whole: false })
    if (stages === null) return { outcome: "no-project" }
    await partition.blobs.put(project, [metadata])
    const statements: Statement[] = []
    for (const stage of stages) {
      const commit = await prepareCommit(stage, [{ path, ...metadata }], author, `Create service ${service}`)
      if (commit.outcome === "file-in-the-way" || commit.outcome === "folder-too-large") {
        return { outcome: commit.outcome, stage: stage.name }
      }
      statements.push(db.insert(services).values({ branchId: stage.branchId, name: service, createdAt: now }))
      if (commit.outcome === "prepared") statements.push(...appendCommits(db, stage, [commit.commit]))
    }
    const [head, ...rest] = [...statements, ...news.flatMap((event) => appendEvent(db, event))]
    try {
      if (head) await db.batch([head, ...rest])
      return { outcome: "created" }
    } catch (error) {
      if (isKeyTaken(error, "services")) return { outcome: "exists" }
      if (!isKeyTaken(error, "branch_commits") && !isParentGone(error)) throw error
    }
    await pauseBeforeRetry(attempt)
  }
  return { outcome: "busy" }
}

/** Deletes a service in every stage: its row and its folder, as one commit per stage, all or nothing. */
export async function deleteService(
  partition: Partition,
  project: string,
  service: string,
  author: Signature,
  news: readonly KeptnEvent[],
): Promise<"deleted" | "no-service" | "no-project" | "busy"> {
  const { db } = partition
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
    const [stages, standing] = await Promise.all([
      readStageBranches(partition, project, service, { whole: true }),
      serviceStands(partition, project, service),
    ])
    if (stages === null) return "no-project"
    if (!standing) return "no-service"
    const statements: Statement[] = []
    for (const stage of stages) {
      statements.push(db.delete(services).where(and(eq(services.branchId, stage.branchId), eq(services.name, service))))
      const removals = stage.files.map((path) => ({ path, id: null, size: 0 }))
      const commit = await prepareCommit(stage, removals, author, `Delete service ${service}`)
      if (commit.outcome === "prepared") statements.push(...appendCommits(db, stage, [commit.commit]))
      else if (commit.outcome === "unchanged") statements.push(requireThat(db, isUnmoved(stage)))
      else throw new Error(`a service cannot be removed: ${commit.outcome}`)
    }
    const [first, ...others] = [...statements, ...news.flatMap((event) => appendEvent(db, event))]
    try {
      if (first) await db.batch([first, ...others])
      return "deleted"
    } catch (error) {
      if (!isKeyTaken(error, "branch_commits") && !isParentGone(error)) throw error
    }
    await pauseBeforeRetry(attempt)
  }
  return "busy"
}

async function serviceStands({ db }: Partition, project: string, service: string): Promise<boolean> {
  const [rows] = await db.batch([
    db
      .select({ name: services.name })
      .from(projects)
      .innerJoin(branches, eq(branches.projectId, projects.id))
      .innerJoin(services, and(eq(services.branchId, branches.id), eq(services.name, service)))
      .where(eq(projects.name, project))
      .limit(1),
  ])
  return rows.length > 0
}

/** A stage's branch with its folders and files that concern a service. */
type StageBranch = BranchState & { name: string; files: string[] }

/** The state of all stage branches with the folder of `service`, or the `whole` of it; null when there is no such project. */
async function readStageBranches(
  partition: Partition,
  project: string,
  service: string,
  { whole }: { whole: boolean },
): Promise<StageBranch[] | null> {
  const { db } = partition
  const below = (path: SQL, slash: string) => (whole ? isBelow(path, service, slash) : sql`false`)
  const ofProject = and(eq(projects.name, project), isNotNull(branches.stagePosition))
  const heads = db
    .select({
      projectId: sql<string>`${projects.id}`.as("project"),
      branchId: sql<string>`${branches.id}`.as("branch"),
      name: branches.name,
      seq: branchCommits.seq,
      commitId: branchCommits.commitId,
    })
    .from(projects)
    .innerJoin(branches, eq(branches.projectId, projects.id))
    .innerJoin(branchCommits, isHead)
    .where(ofProject)
  const foldersWhere = (condition: SQL) =>
    db
      .select({ branchId: branches.id, ...folderColumns, content: trees.content })
      .from(projects)
      .innerJoin(branches, eq(branches.projectId, projects.id))
      .innerJoin(
        through(folders, "folders_at_head"),
        and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), condition),
      )
      .innerJoin(trees, and(eq(trees.projectId, projects.id), eq(trees.id, folders.treeId)))
      .where(ofProject)
  const filesBelow = db
    .select({ branchId: branches.id, path: sql<string>`${files.path}`.as("path") })
    .from(projects)
    .innerJoin(branches, eq(branches.projectId, projects.id))
    .innerJoin(
      through(files, "files_at_head"),
      and(eq(files.branchId, branches.id), isNull(files.untilSeq), below(sql`files.walk_key`, "\u0001")),
    )
    .where(ofProject)
  const [rows, above, within, fileRows] = await db.batch([
    heads,
    foldersWhere(sql`folders.path in ('', ${service})`),
    foldersWhere(below(sql`folders.path`, "/")),
    filesBelow,
  ])
  const filesOf = Map.groupBy(fileRows, (file) => file.branchId)
  const foldersOf = Map.groupBy([...above, ...within], (folder) => folder.branchId)
  const states = rows.map((row) => ({
    ...row,
    files: (filesOf.get(row.branchId) ?? []).map((file) => file.path),
    folders: new Map(
      (foldersOf.get(row.branchId) ?? []).map((folder): [string, Folder] => [
        folder.path,
        { entries: parseTree(folder.content), fileCount: folder.fileCount },
      ]),
    ),
  }))
  return states.length === 0 ? null : states
}

/** Whether a path is below the folder of a service; `slash` is what its parts are separated by. */
function isBelow(path: SQL, service: string, slash: string): SQL {
  const after = String.fromCharCode(slash.charCodeAt(0) + 1)
  return sql`(${path} > ${service + slash} and ${path} < ${service + after})`
}

function serviceMetadata(name: string, now: number): string {
  return `servicename: ${JSON.stringify(name)}\ncreationtimestamp: ${new Date(now).toISOString()}\n`
}
