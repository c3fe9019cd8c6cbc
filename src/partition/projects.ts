/** Projects, their stages and their services: created, read and deleted together with their git history. */
import { and, asc, count, eq, inArray, isNotNull, isNull, lt, sql } from "drizzle-orm"
import { objectId, parseTree, type Signature } from "../git/objects.ts"
import type { Folder } from "../git/tree-update.ts"
import { utf8 } from "../lib/bytes.ts"
import type { Reach } from "../lib/principal.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { valuesOf } from "./bulk.ts"
import { type BranchState, branchFrom, folderColumns, prepareCommit, type Statement } from "./commit.ts"
import { appendEvent } from "./events.ts"
import type { Partition } from "./partition.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import { noteCreator, noteDeletion, type RoleChange } from "./role-changes.ts"
import {
  branchCommits,
  branches,
  deletedProjects,
  events,
  folders,
  type KeptnEvent,
  projects,
  services,
  trees,
} from "./schema.ts"
import { through } from "./through.ts"

/** The branch that holds a project's own files. A stage cannot have this name. */
export const DEFAULT_BRANCH = "main"

/** A project to be created. Stages are in the order of the shipyard. */
export interface NewProject {
  name: string
  shipyard: string
  shipyardVersion: string
  stages: readonly { name: string; parentStages: string[] }[]
}

/** A project with all its stages (in the order of the shipyard) and their services (by name). Times in ms since 1970. */
export interface Project {
  name: string
  shipyard: string
  shipyardVersion: string
  createdAt: number
  stages: Stage[]
}

/** A stage with its services, sorted by name. */
export interface Stage {
  name: string
  parentStages: string[]
  services: Service[]
}

/** A service of one stage. */
export interface Service {
  name: string
  createdAt: number
}

/** Where a page of a list sorted by name starts, and how long it is. */
export interface Page {
  offset: number
  size: number
}

/** How many pages of 1,000 blobs a deletion removes itself; the scheduled job does the rest. */
const CLEARED_AT_ONCE = 5
/** How many deleted projects one run of the scheduled job clears, and how many pages of each. */
const CLEARED_BY_JOB = { projects: 10, pages: 20 }
/**
 * A deletion is not taken up again before this time has passed, in milliseconds. It is far more than clearing takes: two that
 * clear one name at once could remove the bytes of a new project, created when the first of them was done.
 */
const CLEARING_MILLISECONDS = 2 * 60_000

/**
 * Creates a project: its history with `metadata.yaml`, a branch per stage from that first commit, then `shipyard.yaml` on the
 * default branch, as Keptn does. `news`, the events about it, are appended in the same batch. The directory must then be told of
 * `roleChange`.
 */
export async function createProject(
  partition: Partition,
  project: NewProject,
  author: Signature,
  news: readonly KeptnEvent[],
  creatorId: string,
): Promise<{ outcome: "created"; roleChange: RoleChange } | { outcome: "exists" | "being-deleted" }> {
  const { db } = partition
  const now = Date.now()
  const projectId = crypto.randomUUID()
  const main = { projectId, branchId: crypto.randomUUID() }
  const metadata = await blobOf(projectMetadata(project.name, now))
  const shipyard = await blobOf(project.shipyard)
  await partition.blobs.put(project.name, [metadata, shipyard])

  const empty: BranchState = { ...main, seq: -1, commitId: null, folders: new Map() }
  const first = await prepareCommit(db, empty, [{ path: "metadata.yaml", ...metadata }], author, "Initialize project")
  if (first.outcome !== "prepared") throw new Error(`the first commit of a project is ${first.outcome}`)
  const second = await prepareCommit(
    db,
    first.after,
    [{ path: "shipyard.yaml", ...shipyard }],
    author,
    "Add shipyard.yaml",
  )
  if (second.outcome !== "prepared") throw new Error(`the second commit of a project is ${second.outcome}`)

  // A name whose bytes are being removed, or were after ours were put, must not be used: then no row is inserted here, the
  // rows that refer to it fail, and with them the whole batch.
  const row = db.insert(projects)
    .select(sql`select ${projectId}, ${project.name}, ${DEFAULT_BRANCH}, ${project.shipyard}, ${project.shipyardVersion}, ${now}
    where not exists (select 1 from deleted_projects
      where name = ${project.name} and (cleared_at is null or cleared_at >= ${now}))
    and not exists (select 1 from role_changes where project = ${project.name} and principal_id is null)`)
  const roleChange = { id: crypto.randomUUID(), project: project.name, principalId: creatorId }
  const stages = project.stages.map((stage, position) => ({ branchId: crypto.randomUUID(), position, ...stage }))
  const insertBranch = (id: string, name: string, stagePosition: number | null, parentStages: string[]): Statement =>
    db.insert(branches).values({ id, projectId, name, stagePosition, parentStages })
  try {
    await db.batch([
      row,
      insertBranch(main.branchId, DEFAULT_BRANCH, null, []),
      ...first.statements,
      ...stages.flatMap((stage) => [
        insertBranch(stage.branchId, stage.name, stage.position, stage.parentStages),
        ...branchFrom(db, { branchId: stage.branchId, projectId }, first.after),
      ]),
      ...second.statements,
      ...news.map((event) => appendEvent(db, event)),
      noteCreator(db, roleChange, now),
    ])
    return { outcome: "created", roleChange }
  } catch (error) {
    if (isKeyTaken(error, "projects")) return { outcome: "exists" }
    if (isParentGone(error)) return { outcome: "being-deleted" }
    throw error
  }
}

/** Finds one project with its stages and services; null when there is none. */
export async function findProject(partition: Partition, name: string): Promise<Project | null> {
  const found = await findProjects(partition, { all: false, names: [name] }, { offset: 0, size: 1 })
  return found.projects[0] ?? null
}

/** A page of the projects in `visible`, by name, with their stages and services; `total` counts all that are visible. */
export async function findProjects(
  partition: Partition,
  visible: Reach,
  page: Page,
): Promise<{ projects: Project[]; total: number }> {
  const { db } = partition
  const inReach = visible.all ? undefined : inArray(projects.name, valuesOf(JSON.stringify(visible.names)))
  const shown = db
    .select({ id: projects.id })
    .from(projects)
    .where(inReach)
    .orderBy(asc(projects.name))
    .limit(page.size)
    .offset(page.offset)
  const [rows, stageRows, serviceRows, [all]] = await db.batch([
    db.select().from(projects).where(inArray(projects.id, shown)).orderBy(asc(projects.name)),
    db
      .select()
      .from(branches)
      .where(and(inArray(branches.projectId, shown), isNotNull(branches.stagePosition)))
      .orderBy(asc(branches.stagePosition)),
    db
      .select({ branchId: services.branchId, name: services.name, createdAt: services.createdAt })
      .from(services)
      .innerJoin(branches, eq(branches.id, services.branchId))
      .where(inArray(branches.projectId, shown))
      .orderBy(asc(services.name)),
    db.select({ total: count() }).from(projects).where(inReach),
  ])
  const servicesOf = Map.groupBy(serviceRows, (service) => service.branchId)
  const stagesOf = Map.groupBy(stageRows, (stage) => stage.projectId)
  const found = rows.map(({ id, name, shipyard, shipyardVersion, createdAt }) => ({
    name,
    shipyard,
    shipyardVersion,
    createdAt,
    stages: (stagesOf.get(id) ?? []).map((stage) => ({
      name: stage.name,
      parentStages: stage.parentStages,
      services: (servicesOf.get(stage.id) ?? []).map((service) => ({
        name: service.name,
        createdAt: service.createdAt,
      })),
    })),
  }))
  return { projects: found, total: all?.total ?? 0 }
}

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
    const stages = await readStageBranches(partition, project, ["", service])
    if (stages === null) return { outcome: "no-project" }
    await partition.blobs.put(project, [metadata])
    const statements: Statement[] = []
    for (const stage of stages) {
      const commit = await prepareCommit(db, stage, [{ path, ...metadata }], author, `Create service ${service}`)
      if (commit.outcome === "file-in-the-way" || commit.outcome === "folder-too-large") {
        return { outcome: commit.outcome, stage: stage.name }
      }
      statements.push(db.insert(services).values({ branchId: stage.branchId, name: service, createdAt: now }))
      if (commit.outcome === "prepared") statements.push(...commit.statements)
    }
    const [head, ...rest] = [...statements, ...news.map((event) => appendEvent(db, event))]
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

/**
 * Deletes a project with its history and its events; null when there was none. Its bytes go at once as far as they fit into
 * one request, the rest with `clearDeletedProjects`. The directory must then be told of the role change that is answered.
 */
export async function deleteProject(partition: Partition, name: string): Promise<RoleChange | null> {
  const { db } = partition
  const deletedAt = Date.now()
  const roleChange = { id: crypto.randomUUID(), project: name, principalId: null }
  const [gone] = await db.batch([
    db.select({ id: projects.id }).from(projects).where(eq(projects.name, name)),
    ...noteDeletion(db, roleChange, deletedAt),
    db
      .insert(deletedProjects)
      .select(sql`select name, ${deletedAt}, null from projects where name = ${name}`)
      .onConflictDoUpdate({ target: deletedProjects.name, set: { deletedAt, clearedAt: null } }),
    db.delete(projects).where(eq(projects.name, name)),
    db.delete(events).where(eq(events.project, name)),
  ])
  if (gone.length === 0) return null
  await clear(partition, { name, deletedAt }, CLEARED_AT_ONCE)
  return roleChange
}

/** Removes the bytes of projects whose deletion was cut off. Runs by the clock. Answers the names it finished. */
export async function clearDeletedProjects(partition: Partition): Promise<string[]> {
  const finished: string[] = []
  for (let turn = 0; turn < CLEARED_BY_JOB.projects; turn++) {
    const deletion = await takeUpDeletion(partition)
    if (deletion === null) break
    if (await clear(partition, deletion, CLEARED_BY_JOB.pages)) finished.push(deletion.name)
  }
  return finished
}

/** A deletion whose bytes are being removed by one who, at `deletedAt`, began it or took it up. */
interface Deletion {
  name: string
  deletedAt: number
}

/** Makes an open deletion that nobody works on our own; null when there is none. */
async function takeUpDeletion(partition: Partition): Promise<Deletion | null> {
  const { db } = partition
  const now = Date.now()
  const abandoned = and(isNull(deletedProjects.clearedAt), lt(deletedProjects.deletedAt, now - CLEARING_MILLISECONDS))
  const one = db.select({ name: deletedProjects.name }).from(deletedProjects).where(abandoned).limit(1)
  const [rows] = await db.batch([
    db
      .update(deletedProjects)
      .set({ deletedAt: now })
      .where(inArray(deletedProjects.name, one))
      .returning({ name: deletedProjects.name, deletedAt: deletedProjects.deletedAt }),
  ])
  return rows[0] ?? null
}

async function clear(partition: Partition, { name, deletedAt }: Deletion, pages: number): Promise<boolean> {
  const empty = await partition.blobs.clear(name, pages)
  if (empty) {
    const ours = and(eq(deletedProjects.name, name), eq(deletedProjects.deletedAt, deletedAt))
    await partition.db.batch([partition.db.update(deletedProjects).set({ clearedAt: Date.now() }).where(ours)])
  }
  return empty
}

/** The state of all stage branches with their folders at `paths`; null when there is no such project. */
async function readStageBranches(
  partition: Partition,
  project: string,
  paths: readonly string[],
): Promise<(BranchState & { name: string })[] | null> {
  const { db } = partition
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
    .innerJoin(
      branchCommits,
      and(
        eq(branchCommits.branchId, branches.id),
        eq(branchCommits.seq, sql`(select max(seq) from branch_commits where branch_id = ${branches.id})`),
      ),
    )
    .where(ofProject)
  const above = db
    .select({ branchId: branches.id, ...folderColumns, content: trees.content })
    .from(projects)
    .innerJoin(branches, eq(branches.projectId, projects.id))
    .innerJoin(
      through(folders, "folders_at_head"),
      and(eq(folders.branchId, branches.id), isNull(folders.untilSeq), inArray(folders.path, [...paths])),
    )
    .innerJoin(trees, and(eq(trees.projectId, projects.id), eq(trees.id, folders.treeId)))
    .where(ofProject)
  const [rows, folderRows] = await db.batch([heads, above])
  const foldersOf = Map.groupBy(folderRows, (folder) => folder.branchId)
  const states = rows.map((row) => ({
    ...row,
    folders: new Map(
      (foldersOf.get(row.branchId) ?? []).map((folder): [string, Folder] => [
        folder.path,
        { entries: parseTree(folder.content), fileCount: folder.fileCount },
      ]),
    ),
  }))
  return states.length === 0 ? null : states
}

async function blobOf(text: string): Promise<{ id: string; content: Uint8Array<ArrayBuffer>; size: number }> {
  const content = utf8(text)
  return { id: await objectId("blob", content), content, size: content.length }
}

function projectMetadata(name: string, now: number): string {
  return `projectName: ${name}\ncreationTimestamp: ${new Date(now).toISOString()}\nisUsingDirectoryStructure: false\n`
}

function serviceMetadata(name: string, now: number): string {
  return `servicename: ${JSON.stringify(name)}\ncreationtimestamp: ${new Date(now).toISOString()}\n`
}
