/**
 * The tables of the organization: who there is, and who may do what. Their meaning is in docs/storage.md.
 * Times are milliseconds since 1970. Ids are UUIDs, unique over users, teams and system accounts together.
 */
import { sql } from "drizzle-orm"
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core"

export const organizations = sqliteTable("organizations", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  ownerId: text("owner_id").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
})

export const users = sqliteTable("users", {
  id: text("id").primaryKey(),
  organizationId: text("organization_id")
    .notNull()
    .references(() => organizations.id),
  email: text("email").notNull().unique(),
  fullName: text("full_name").notNull(),
  preferredName: text("preferred_name").notNull(),
  active: integer("active", { mode: "boolean" }).notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
})

export const systemAccounts = sqliteTable("system_accounts", {
  id: text("id").primaryKey(),
  organizationId: text("organization_id")
    .notNull()
    .references(() => organizations.id),
  name: text("name").notNull().unique(),
  description: text("description").notNull(),
  konnectManaged: integer("konnect_managed", { mode: "boolean" }).notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
})

export const teams = sqliteTable("teams", {
  id: text("id").primaryKey(),
  organizationId: text("organization_id")
    .notNull()
    .references(() => organizations.id),
  name: text("name").notNull(),
  description: text("description").notNull(),
  systemTeam: integer("system_team", { mode: "boolean" }).notNull(),
  labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
})

/** Users and system accounts in teams. */
export const teamMembers = sqliteTable(
  "team_members",
  {
    teamId: text("team_id")
      .notNull()
      .references(() => teams.id, { onDelete: "cascade" }),
    memberId: text("member_id").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.memberId, table.teamId] }),
    index("team_members_by_team").on(table.teamId, table.memberId),
  ],
)

/** What a user, a system account or a team (`subjectId`) may do. */
export const roleAssignments = sqliteTable(
  "role_assignments",
  {
    id: text("id").primaryKey(),
    subjectId: text("subject_id").notNull(),
    roleName: text("role_name").notNull(),
    entityTypeName: text("entity_type_name").notNull(),
    entityId: text("entity_id").notNull(),
    entityRegion: text("entity_region").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    uniqueIndex("role_assignments_by_subject").on(
      table.subjectId,
      table.roleName,
      table.entityTypeName,
      table.entityId,
      table.entityRegion,
    ),
    // A project that is deleted takes its assignments with it.
    index("role_assignments_by_entity").on(table.entityTypeName, table.entityRegion, table.entityId),
  ],
)

/** Tokens. `hash` is SHA-256 of the whole token in hexadecimal; the token itself is nowhere. */
export const tokens = sqliteTable(
  "tokens",
  {
    id: text("id").primaryKey(),
    hash: text("hash").notNull().unique(),
    hint: text("hint").notNull(),
    ownerId: text("owner_id").notNull(),
    name: text("name").notNull(),
    /** A token for `activation` does nothing but make the user that was invited active, once. */
    purpose: text("purpose", { enum: ["access", "activation"] }).notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    revokedAt: integer("revoked_at"),
    revokedBy: text("revoked_by"),
    lastUsedAt: integer("last_used_at"),
    /** The token that took this one's place when it was rotated. It is kept when the successor is deleted. */
    successorId: text("successor_id"),
  },
  (table) => [
    // A successor has the name of the token before it, which goes on until its grace ends.
    uniqueIndex("tokens_by_name")
      .on(table.ownerId, table.name)
      .where(sql`successor_id is null`),
    index("tokens_by_owner").on(table.ownerId),
  ],
)

/** What was changed in the directory and who was refused. A change's row is written in its batch; none holds a secret. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    time: integer("time").notNull(),
    requestId: text("request_id").notNull(),
    address: text("address").notNull(),
    /** Who did it, with which token; null for somebody who was refused, or for the system itself. */
    principalId: text("principal_id"),
    tokenId: text("token_id"),
    action: text("action").notNull(),
    entityType: text("entity_type").notNull(),
    entityId: text("entity_id").notNull(),
    /** The row before and after, as far as it may be shown; of a refusal, its true reason. */
    before: text("before", { mode: "json" }).$type<Record<string, unknown>>(),
    after: text("after", { mode: "json" }).$type<Record<string, unknown>>(),
  },
  (table) => [
    index("audit_log_by_time").on(table.time),
    index("audit_log_by_entity").on(table.entityId, table.time),
    index("audit_log_by_principal").on(table.principalId, table.time),
  ],
)
