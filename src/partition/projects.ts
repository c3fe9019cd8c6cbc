/** Projects: created, read, changed and deleted together with their git history. */
import { and, asc, count, eq, inArray, isNotNull, isNull, lt, sql } from "drizzle-orm"
import type { Signature } from "../git/objects.ts"
import { utf8 } from "../lib/bytes.ts"
import type { Reach } from "../lib/principal.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { blobOf } from "./blobs.ts"
import { valuesOf } from "./bulk.ts"
import { appendCommits, type BranchState, branchFrom, prepareCommit, type Statement } from "./commit.ts"
import { archiveMark } from "./event-archive.ts"
import { appendEvent } from "./events.ts"
import type { Database, Partition } from "./partition.ts"
import { prepareEach } from "./prepared.ts"
import { writeFilesWith } from "./file-writes.ts"
import { noteCreator, noteDeletion, type RoleChange } from "./role-changes.ts"
import {
  branches,
  deletedProjects,
  eventCounts,
  events,
  type GitRemote,
  integrationLogs,
  jobCursors,
  type KeptnEvent,
  projects,
  serviceEvents,
  services,
} from "./schema.ts"
import { CLOCK_MARGIN, takeBack } from "./unnamed-blobs.ts"

/** The branch that holds a project's own files. A stage cannot have this name. */
export const DEFAULT_BRANCH = "main"
/** The longest name of a project, in UTF-16 code units, as in Keptn. */
export const LONGEST_PROJECT_NAME = 200
/** The file on the default branch that the stages come from. */
const SHIPYARD = "shipyard.yaml"

/** A shipyard as a project keeps it. Stages are in its order. */
export interface ProjectShipyard {
  shipyard: string
  shipyardVersion: string
  stages: readonly { name: string; parentStages: string[] }[]
}

/** The git remote of a project, and the sealed credentials for it. */
export interface ProjectRemote {
  gitRemote: GitRemote
  gitSecret: string
}

/** A project to be created. */
export interface NewProject extends ProjectShipyard {
  name: string
  remote: ProjectRemote | null
}

/** A project with all its stages (in the order of the shipyard) and their services (by name). Times in ms since 1970. */
export interface Project {
  name: string
  shipyard: string
  shipyardVersion: string
  createdAt: number
  gitRemote: GitRemote | null
  stages: Stage[]
}

/** A stage with its services, sorted by name. */
export interface Stage {
  name: string
  parentStages: string[]
  services: Service[]
}

/** A service of one stage, with the last event of each type about it. */
export interface Service {
  name: string
  createdAt: number
  deployedImage: string | null
  lastEvents: ServiceEvent[]
}

/** An event as it is told of a service. `time` in ms since 1970. */
export interface ServiceEvent {
  type: string
  eventId: string
  context: string
  time: number
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
  const first = await prepareCommit(empty, [{ path: "metadata.yaml", ...metadata }], author, "Initialize project")
  if (first.outcome !== "prepared") throw new Error(`the first commit of a project is ${first.outcome}`)
  const second = await prepareCommit(first.after, [{ path: SHIPYARD, ...shipyard }], author, `Add ${SHIPYARD}`)
  if (second.outcome !== "prepared") throw new Error(`the second commit of a project is ${second.outcome}`)

  const blobIds = JSON.stringify([metadata.id, shipyard.id])
  // A name whose bytes are being removed, or were after ours were put, must not be used: then no row is inserted here, the
  // rows that refer to it fail, and with them the whole batch.
  const row = db.insert(projects)
    .select(sql`select ${projectId}, ${project.name}, ${DEFAULT_BRANCH}, ${project.shipyard}, ${project.shipyardVersion}, ${now},
      ${project.remote && JSON.stringify(project.remote.gitRemote)}, ${project.remote && project.remote.gitSecret}
    where not exists (select 1 from deleted_projects
      where name = ${project.name} and (cleared_at is null or cleared_at >= ${now}))
    and not exists (select 1 from role_changes where project = ${project.name} and principal_id is null)
    and not exists (select 1 from unnamed_blobs where project = ${project.name} and blob_id in ${valuesOf(blobIds)}
      and (removed_at is null or removed_at >= ${now - CLOCK_MARGIN}))`)
  const roleChange = { id: crypto.randomUUID(), project: project.name, principalId: creatorId, createdAt: now }
  const stages = project.stages.map((stage, position) => ({ branchId: crypto.randomUUID(), position, ...stage }))
  const insertBranch = (id: string, name: string, stagePosition: number | null, parentStages: string[]): Statement =>
    db.insert(branches).values({ id, projectId, name, stagePosition, parentStages })
  try {
    await db.batch([
      takeBack(db, { project: project.name, blobIds }),
      row,
      insertBranch(main.branchId, DEFAULT_BRANCH, null, []),
      // Events can be sent for a name that no project has: they do not belong to this one. They go after the rows that fail
      // when the name cannot be used, so that a refused creation touches none.
      ...forgetEvents(db, project.name),
      ...appendCommits(db, empty, [first.commit]),
      ...stages.flatMap((stage) => [
        insertBranch(stage.branchId, stage.name, stage.position, stage.parentStages),
        ...branchFrom(db, { branchId: stage.branchId, projectId }, first.after),
      ]),
      ...appendCommits(db, first.after, [second.commit]),
      ...news.flatMap((event) => appendEvent(db, event)),
      noteCreator(db, roleChange),
    ])
    return { outcome: "created", roleChange }
  } catch (error) {
    if (isKeyTaken(error, "projects")) return { outcome: "exists" }
    if (isParentGone(error)) return { outcome: "being-deleted" }
    throw error
  }
}

/** All projects, or those with one of the `names`. */
interface ReachShape {
  all: boolean
}

const inReach = ({ all }: ReachShape) => (all ? undefined : inArray(projects.name, valuesOf(sql.placeholder("names"))))

const onPage = (db: Database, shape: ReachShape) =>
  db
    .select({ id: projects.id })
    .from(projects)
    .where(inReach(shape))
    .orderBy(asc(projects.name))
    .limit(sql.placeholder("size"))
    .offset(sql.placeholder("offset"))

const projectsOnPage = prepareEach((db, shape: ReachShape) =>
  db
    .select()
    .from(projects)
    .where(inArray(projects.id, onPage(db, shape)))
    .orderBy(asc(projects.name)),
)

const stagesOnPage = prepareEach((db, shape: ReachShape) =>
  db
    .select()
    .from(branches)
    .where(and(inArray(branches.projectId, onPage(db, shape)), isNotNull(branches.stagePosition)))
    .orderBy(asc(branches.stagePosition)),
)

const servicesOnPage = prepareEach((db, shape: ReachShape) =>
  db
    .select({
      branchId: services.branchId,
      name: services.name,
      createdAt: services.createdAt,
      deployedImage: services.deployedImage,
    })
    .from(services)
    .innerJoin(branches, eq(branches.id, services.branchId))
    .where(inArray(branches.projectId, onPage(db, shape)))
    .orderBy(asc(services.name)),
)

const eventsOnPage = prepareEach((db, shape: ReachShape) =>
  db
    .select({
      branchId: serviceEvents.branchId,
      service: serviceEvents.service,
      type: serviceEvents.type,
      eventId: serviceEvents.eventId,
      context: serviceEvents.context,
      time: serviceEvents.time,
    })
    .from(serviceEvents)
    .innerJoin(branches, eq(branches.id, serviceEvents.branchId))
    .where(inArray(branches.projectId, onPage(db, shape))),
)

const projectsInReach = prepareEach((db, shape: ReachShape) =>
  db.select({ total: count() }).from(projects).where(inReach(shape)),
)

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
  const shape = { all: visible.all }
  const values = { names: visible.all ? null : JSON.stringify(visible.names), ...page }
  const [rows, stageRows, serviceRows, eventRows, [all]] = await db.batch([
    projectsOnPage(db, shape, values),
    stagesOnPage(db, shape, values),
    servicesOnPage(db, shape, values),
    eventsOnPage(db, shape, values),
    projectsInReach(db, shape, values),
  ])
  const eventsOf = Map.groupBy(eventRows, ({ branchId, service }) => `${branchId} ${service}`)
  const servicesOf = Map.groupBy(serviceRows, (service) => service.branchId)
  const stagesOf = Map.groupBy(stageRows, (stage) => stage.projectId)
  const found = rows.map(({ id, name, shipyard, shipyardVersion, createdAt, gitRemote }) => ({
    name,
    shipyard,
    shipyardVersion,
    createdAt,
    gitRemote,
    stages: (stagesOf.get(id) ?? []).map((stage) => ({
      name: stage.name,
      parentStages: stage.parentStages,
      services: (servicesOf.get(stage.id) ?? []).map((service) => ({
        name: service.name,
        createdAt: service.createdAt,
        deployedImage: service.deployedImage,
        lastEvents: eventsOf.get(`${stage.id} ${service.name}`) ?? [],
      })),
    })),
  }))
  return { projects: found, total: all?.total ?? 0 }
}

/**
 * Changes what is given of a project. A new shipyard is committed to the default branch; its stages must be those that the project
 * has, in whatever order.
 */
export async function updateProject(
  partition: Partition,
  name: string,
  changes: { shipyard: ProjectShipyard | null; remote: ProjectRemote | null },
  author: Signature,
): Promise<"updated" | "no-project" | "stages-changed" | "shipyard-in-the-way" | "busy"> {
  const { db } = partition
  const project = await findProject(partition, name)
  if (project === null) return "no-project"
  const { shipyard, remote } = changes
  if (shipyard && !haveSameNames(shipyard.stages, project.stages)) return "stages-changed"
  const set = {
    ...(shipyard && { shipyard: shipyard.shipyard, shipyardVersion: shipyard.shipyardVersion }),
    ...remote,
  }
  const row = Object.keys(set).length === 0 ? [] : [db.update(projects).set(set).where(eq(projects.name, name))]
  const ofStages = (shipyard?.stages ?? []).map((stage, stagePosition) =>
    db
      .update(branches)
      .set({ stagePosition, parentStages: stage.parentStages })
      .where(and(eq(branches.name, stage.name), isStageOf(name))),
  )
  const also: Statement[] = [...row, ...ofStages]
  if (shipyard === null) {
    const [first, ...others] = also
    if (first) await db.batch([first, ...others])
    return "updated"
  }
  const file = { path: SHIPYARD, content: utf8(shipyard.shipyard) }
  const scope = { project: name, stage: null, service: null }
  const outcome = await writeFilesWith(partition, scope, [file], { author, message: `Update ${SHIPYARD}` }, also)
  switch (outcome.outcome) {
    case "written":
      return "updated"
    case "missing":
      return "no-project"
    case "busy":
      return "busy"
    default:
      return "shipyard-in-the-way"
  }
}

function haveSameNames(some: readonly { name: string }[], others: readonly { name: string }[]): boolean {
  const names = new Set(some.map(({ name }) => name))
  return names.size === others.length && others.every(({ name }) => names.has(name))
}

function isStageOf(project: string) {
  return sql`stage_position is not null and project_id = (select id from projects where name = ${project})`
}

/**
 * Deletes a project with its history and its events; null when there was none. Its bytes go at once as far as they fit into
 * one request, the rest with `clearDeletedProjects`. The directory must then be told of the role change that is answered.
 */
export async function deleteProject(partition: Partition, name: string): Promise<RoleChange | null> {
  const { db } = partition
  const deletedAt = Date.now()
  const roleChange = { id: crypto.randomUUID(), project: name, principalId: null, createdAt: deletedAt }
  const [gone] = await db.batch([
    db.select({ id: projects.id }).from(projects).where(eq(projects.name, name)),
    ...noteDeletion(db, roleChange),
    db
      .insert(deletedProjects)
      .select(sql`select name, ${deletedAt}, null from projects where name = ${name}`)
      .onConflictDoUpdate({ target: deletedProjects.name, set: { deletedAt, clearedAt: null } }),
    db.delete(projects).where(eq(projects.name, name)),
    ...forgetEvents(db, name),
  ])
  if (gone.length === 0) return null
  await clear(partition, { name, deletedAt }, CLEARED_AT_ONCE)
  return roleChange
}

/**
 * The statements that remove what the database holds of the events of a project name. What was logged about them stays,
 * as about no project: a later project of that name does not inherit it.
 */
function forgetEvents(db: Database, project: string) {
  return [
    db.update(integrationLogs).set({ project: "" }).where(eq(integrationLogs.project, project)),
    db.delete(events).where(eq(events.project, project)),
    db.delete(eventCounts).where(eq(eventCounts.project, project)),
    db.delete(jobCursors).where(eq(jobCursors.job, archiveMark(project))),
  ] as const
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

function projectMetadata(name: string, now: number): string {
  return `projectName: ${name}\ncreationTimestamp: ${new Date(now).toISOString()}\nisUsingDirectoryStructure: false\n`
}
