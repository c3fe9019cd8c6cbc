/** Tokens in the directory: who a token acts for, and when it was last used. */
import { and, eq, isNull, lt, or, sql } from "drizzle-orm"
import { unionAll } from "drizzle-orm/sqlite-core"
import type { TokenRecord } from "../lib/principal.ts"
import type { Directory } from "./directory.ts"
import { roleAssignments, systemAccounts, teamMembers, teams, tokens, users } from "./schema.ts"

/** `last_used_at` is written at most once in this many milliseconds per token. */
const LAST_USED_INTERVAL = 15 * 60 * 1000

/**
 * Looks up the token with this hash, its owner and everything its owner may do, in one round trip and with strong
 * consistency. Null when there is no such token, or its owner is gone, not active yet, or (for an invitation) active already.
 */
export async function findToken(directory: Directory, hash: string): Promise<TokenRecord | null> {
  const { db } = directory
  const token = db
    .select({
      id: sql<string>`${tokens.id}`.as("token_id"),
      ownerId: tokens.ownerId,
      expiresAt: tokens.expiresAt,
      revokedAt: tokens.revokedAt,
      lastUsedAt: tokens.lastUsedAt,
      purpose: tokens.purpose,
      userName: users.fullName,
      userActive: users.active,
      userOrganization: sql<string | null>`${users.organizationId}`.as("user_organization"),
      accountName: systemAccounts.name,
      accountOrganization: sql<string | null>`${systemAccounts.organizationId}`.as("account_organization"),
    })
    .from(tokens)
    .leftJoin(users, eq(users.id, tokens.ownerId))
    .leftJoin(systemAccounts, eq(systemAccounts.id, tokens.ownerId))
    .where(eq(tokens.hash, hash))
  const columns = {
    roleName: roleAssignments.roleName,
    entityTypeName: roleAssignments.entityTypeName,
    entityId: roleAssignments.entityId,
    entityRegion: roleAssignments.entityRegion,
  }
  const direct = db
    .select(columns)
    .from(tokens)
    .innerJoin(roleAssignments, eq(roleAssignments.subjectId, tokens.ownerId))
    .where(eq(tokens.hash, hash))
  const throughTeams = db
    .select(columns)
    .from(tokens)
    .innerJoin(teamMembers, eq(teamMembers.memberId, tokens.ownerId))
    .innerJoin(roleAssignments, eq(roleAssignments.subjectId, teamMembers.teamId))
    .where(eq(tokens.hash, hash))
  const systemTeams = db
    .select({ name: teams.name })
    .from(tokens)
    .innerJoin(teamMembers, eq(teamMembers.memberId, tokens.ownerId))
    .innerJoin(teams, eq(teams.id, teamMembers.teamId))
    .where(and(eq(tokens.hash, hash), eq(teams.systemTeam, true)))
  const [[found], assignments, teamRows] = await db.batch([token, unionAll(direct, throughTeams), systemTeams])
  if (!found) return null
  const { id: tokenId, ownerId: id, expiresAt, revokedAt, lastUsedAt } = found
  const rights = { id, tokenId, assignments, systemTeams: teamRows.map((team) => team.name) }
  const life = { expiresAt, revokedAt, lastUsedAt, purpose: found.purpose }
  const usable = found.userActive === (found.purpose === "access")
  if (usable && found.userName !== null && found.userOrganization !== null) {
    const principal = { ...rights, type: "user" as const, name: found.userName, organizationId: found.userOrganization }
    return { ...life, principal }
  }
  if (found.accountName !== null && found.accountOrganization !== null) {
    const organizationId = found.accountOrganization
    return { ...life, principal: { ...rights, type: "system-account", name: found.accountName, organizationId } }
  }
  return null
}

/** Notes at `now` that a token is used, unless that was noted in the last 15 minutes. */
export async function touchToken(directory: Directory, record: TokenRecord, now: number): Promise<void> {
  const since = now - LAST_USED_INTERVAL
  if (record.lastUsedAt !== null && record.lastUsedAt >= since) return
  const due = or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, since))
  const { tokenId } = record.principal
  await directory.db.batch([
    directory.db
      .update(tokens)
      .set({ lastUsedAt: now })
      .where(and(eq(tokens.id, tokenId), due)),
  ])
}
