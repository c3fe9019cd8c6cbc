/**
 * The tables of one region. Their meaning, and why each index is there, is in docs/storage.md.
 * Times are milliseconds since 1970 unless a name says otherwise. The migrations make the tables whose key is all they are
 * read by WITHOUT ROWID (drizzle-kit cannot say that): one row written instead of two.
 */
import { sql } from "drizzle-orm"
import { blob, foreignKey, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core"

export const projects = sqliteTable("projects", {
  id: text("id").primaryKey(),
  name: text("name").notNull().unique(),
  defaultBranch: text("default_branch").notNull(),
  shipyard: text("shipyard").notNull(),
  shipyardVersion: text("shipyard_version").notNull(),
  createdAt: integer("created_at").notNull(),
  /** The git remote that the project was given, as it is answered; null for none. */
  gitRemote: text("git_remote", { mode: "json" }).$type<GitRemote>(),
  /** The credentials for it, sealed. */
  gitSecret: text("git_secret"),
})

/** What is answered of a project's git credentials, in Keptn's shape. */
export interface GitRemote {
  remoteURL: string
  user?: string
  https?: { insecureSkipTLS: boolean; proxy?: { url: string; scheme: string; user?: string } }
}

/**
 * The default branch and one branch per stage. `stagePosition` is the place in the shipyard, null for the default branch;
 * `parentStages` the stages whose sequences can trigger one of this stage.
 */
export const branches = sqliteTable(
  "branches",
  {
    id: text("id").primaryKey(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    stagePosition: integer("stage_position"),
    parentStages: text("parent_stages", { mode: "json" }).$type<string[]>().notNull(),
  },
  (table) => [uniqueIndex("branches_by_name").on(table.projectId, table.name)],
)

/** A service of one stage: a folder on the stage's branch. */
export const services = sqliteTable(
  "services",
  {
    branchId: text("branch_id")
      .notNull()
      .references(() => branches.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    createdAt: integer("created_at").notNull(),
    /** The image of the last deployment that finished. */
    deployedImage: text("deployed_image"),
  },
  (table) => [primaryKey({ columns: [table.branchId, table.name] })],
)

/** The last event of each type that concerned a service in a stage. */
export const serviceEvents = sqliteTable(
  "service_events",
  {
    branchId: text("branch_id").notNull(),
    service: text("service").notNull(),
    type: text("type").notNull(),
    eventId: text("event_id").notNull(),
    context: text("context").notNull(),
    time: integer("time").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.branchId, table.service, table.type] }),
    foreignKey({
      columns: [table.branchId, table.service],
      foreignColumns: [services.branchId, services.name],
    }).onDelete("cascade"),
  ],
)

/** Git commit objects, as git encodes them. */
export const commits = sqliteTable(
  "commits",
  {
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    id: text("id").notNull(),
    treeId: text("tree_id").notNull(),
    content: blob("content", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.id] })],
)

/**
 * The line of commits of a branch. The head is the row with the highest `seq`; position 0 of a stage is the commit of the
 * default branch it started from. Two writers that saw the same head want the same key: the batch of the second fails whole.
 */
export const branchCommits = sqliteTable(
  "branch_commits",
  {
    branchId: text("branch_id")
      .notNull()
      .references(() => branches.id, { onDelete: "cascade" }),
    seq: integer("seq").notNull(),
    projectId: text("project_id").notNull(),
    commitId: text("commit_id").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.branchId, table.seq] }),
    index("branch_commits_by_commit").on(table.projectId, table.commitId),
  ],
)

/** Git tree objects, as git encodes them. */
export const trees = sqliteTable(
  "trees",
  {
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    id: text("id").notNull(),
    content: blob("content", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.id] })],
)

/** One row per version of a folder: the positions of its branch (from inclusive, until exclusive, null = head) in which it stands. */
export const folders = sqliteTable(
  "folders",
  {
    branchId: text("branch_id")
      .notNull()
      .references(() => branches.id, { onDelete: "cascade" }),
    path: text("path").notNull(),
    fromSeq: integer("from_seq").notNull(),
    untilSeq: integer("until_seq"),
    treeId: text("tree_id").notNull(),
    fileCount: integer("file_count").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.branchId, table.path, table.fromSeq] }),
    uniqueIndex("folders_at_head")
      .on(table.branchId, table.path)
      .where(sql`"until_seq" is null`),
    index("folders_by_position").on(table.branchId, table.fromSeq),
  ],
)

/** One row per version of a file, ranged like `folders`. */
export const files = sqliteTable(
  "files",
  {
    branchId: text("branch_id")
      .notNull()
      .references(() => branches.id, { onDelete: "cascade" }),
    path: text("path").notNull(),
    /** The path with its slashes as U+0001: in this order a folder's content comes before its siblings, as in a directory walk. */
    walkKey: text("walk_key").notNull(),
    fromSeq: integer("from_seq").notNull(),
    untilSeq: integer("until_seq"),
    blobId: text("blob_id").notNull(),
    size: integer("size").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.branchId, table.path, table.fromSeq] }),
    uniqueIndex("files_at_head")
      .on(table.branchId, table.walkKey)
      .where(sql`"until_seq" is null`),
    index("files_by_blob").on(table.blobId, table.branchId),
    index("files_by_position").on(table.branchId, table.fromSeq),
  ],
)

/**
 * The last deletion of each project name. While `clearedAt` is null the project's bytes are still being removed, by one who
 * began that or took it up at `deletedAt`, and the name cannot be used again; afterwards the row tells writers that blobs put
 * before `clearedAt` are gone.
 */
export const deletedProjects = sqliteTable(
  "deleted_projects",
  {
    name: text("name").primaryKey(),
    deletedAt: integer("deleted_at").notNull(),
    clearedAt: integer("cleared_at"),
  },
  (table) => [
    index("deleted_projects_open")
      .on(table.name)
      .where(sql`"cleared_at" is null`),
  ],
)

/**
 * Blobs that no commit names. One that is marked may still be taken back by a write that names it. `takenAt`: a job is removing
 * the bytes, and no write may name them. `removedAt`: they are gone, and a write that put them before that puts them again.
 */
export const unnamedBlobs = sqliteTable(
  "unnamed_blobs",
  {
    project: text("project").notNull(),
    blobId: text("blob_id").notNull(),
    markedAt: integer("marked_at").notNull(),
    takenAt: integer("taken_at"),
    removedAt: integer("removed_at"),
  },
  (table) => [primaryKey({ columns: [table.project, table.blobId] })],
)

/** How far a job that goes round the stored bytes has come; `cursor` null: it begins again. */
export const jobCursors = sqliteTable("job_cursors", {
  job: text("job").primaryKey(),
  cursor: text("cursor"),
})

/**
 * What a project's creation or deletion asks of the directory, written in the same batch and kept until the directory has done
 * it: the creator's Admin role (`principalId`), or the end of all assignments (null). While the latter is open the name cannot
 * be used again.
 */
export const roleChanges = sqliteTable(
  "role_changes",
  {
    id: text("id").primaryKey(),
    project: text("project").notNull(),
    principalId: text("principal_id"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("role_changes_by_project").on(table.project)],
)

/** A CloudEvent as Keptn flattens it into one JSON object, in the form in which it is stored and answered. */
export interface KeptnEvent {
  id: string
  type: string
  source: string
  specversion: "1.0"
  contenttype: string
  /** RFC 3339 in UTC with milliseconds, but for events that were imported, which keep theirs. */
  time: string
  shkeptncontext: string
  triggeredid?: string
  gitcommitid?: string
  extensions?: unknown
  data: Record<string, unknown>
}

/** Events, append-only. What can be filtered on has a column; `event` is the whole CloudEvent as JSON. */
export const events = sqliteTable(
  "events",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    project: text("project").notNull(),
    stage: text("stage").notNull(),
    service: text("service").notNull(),
    context: text("context").notNull(),
    type: text("type").notNull(),
    source: text("source").notNull(),
    time: integer("time").notNull(),
    /** 1 for the first event seen of a context. */
    root: integer("root").notNull(),
    triggeredId: text("triggered_id"),
    event: text("event", { mode: "json" }).$type<KeptnEvent>().notNull(),
  },
  (table) => [
    uniqueIndex("events_by_id").on(table.id),
    index("events_by_project").on(table.project, table.time),
    index("events_by_type").on(table.project, table.type, table.time),
    index("events_by_context").on(table.context, table.time),
    index("events_roots")
      .on(table.project, table.time)
      .where(sql`"root" = 1`),
    index("events_invalidations")
      .on(table.triggeredId, table.type)
      .where(sql`"type" glob '*.invalidated'`),
  ],
)

/** How many events of a type a source sent about a service in each half hour. `bucket` is its start. */
export const eventCounts = sqliteTable(
  "event_counts",
  {
    bucket: integer("bucket").notNull(),
    project: text("project").notNull(),
    service: text("service").notNull(),
    type: text("type").notNull(),
    source: text("source").notNull(),
    count: integer("count").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.bucket, table.project, table.service, table.type, table.source] }),
    index("event_counts_by_project").on(table.project),
  ],
)

/** What an integration says of itself, in Keptn's shape, but for what has a column. */
export interface IntegrationMetadata {
  hostname: string
  integrationversion: string
  distributorversion: string
  location: string
  kubernetesmetadata: { namespace: string; podname: string; deploymentname: string }
}

/** Integrations that registered. `id` is made of name, namespace and host name, as in Keptn. */
export const integrations = sqliteTable(
  "integrations",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    namespace: text("namespace").notNull(),
    metadata: text("metadata", { mode: "json" }).$type<IntegrationMetadata>().notNull(),
    lastSeen: integer("last_seen").notNull(),
  },
  (table) => [
    uniqueIndex("integrations_by_name").on(table.name, table.namespace),
    index("integrations_by_last_seen").on(table.lastSeen),
  ],
)

/** Which projects, stages and services a subscription is about; an empty list is about all of them. */
export interface SubscriptionFilter {
  projects: string[] | null
  stages: string[] | null
  services: string[] | null
}

/** What an integration wants to hear of, in its order. */
export const subscriptions = sqliteTable(
  "subscriptions",
  {
    integrationId: text("integration_id")
      .notNull()
      .references(() => integrations.id, { onDelete: "cascade" }),
    id: text("id").notNull(),
    position: integer("position").notNull(),
    event: text("event").notNull(),
    filter: text("filter", { mode: "json" }).$type<SubscriptionFilter>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.integrationId, table.id] })],
)

/** What integrations logged. `time` is theirs; entries go by `createdAt`. */
export const integrationLogs = sqliteTable(
  "integration_logs",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    integrationId: text("integration_id").notNull(),
    message: text("message").notNull(),
    time: integer("time").notNull(),
    context: text("context").notNull(),
    task: text("task").notNull(),
    triggeredId: text("triggered_id").notNull(),
    gitCommitId: text("git_commit_id").notNull(),
    createdAt: integer("created_at").notNull(),
    /** The project of the events of `context`; "" where there are none. */
    project: text("project").notNull().default(""),
  },
  (table) => [
    index("integration_logs_by_time").on(table.time),
    index("integration_logs_by_project").on(table.project, table.time),
    index("integration_logs_by_integration").on(table.integrationId, table.time),
    index("integration_logs_by_age").on(table.createdAt),
  ],
)

/** Secrets of the installation. `sealed` holds the values as JSON, encrypted; only the names of the keys can be read. */
export const secrets = sqliteTable("secrets", {
  name: text("name").primaryKey(),
  scope: text("scope").notNull(),
  keys: text("keys", { mode: "json" }).$type<string[]>().notNull(),
  sealed: text("sealed").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
})
