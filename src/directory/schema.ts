/**
 * The tables of the organization: who there is, and who may do what. Their meaning is in docs/storage.md.
 * Times are milliseconds since 1970. Ids are UUIDs, unique over users, teams and system accounts together.
 */
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
  (table) => [primaryKey({ columns: [table.memberId, table.teamId] })],
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
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    revokedAt: integer("revoked_at"),
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [index("tokens_by_owner").on(table.ownerId)],
)
