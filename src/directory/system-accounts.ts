/** System accounts: who tokens of programs act for. */
import { and, eq, sql } from "drizzle-orm"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { anotherWayIn, type EndOutcome } from "./access-tokens.ts"
import { type Actor, audit } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { inTeam, listRows } from "./list.ts"
import { roleAssignments, systemAccounts, teamMembers, tokens } from "./schema.ts"

/** A system account. Times are milliseconds since 1970. */
export type SystemAccount = typeof systemAccounts.$inferSelect

/** A page of the accounts, of all or of those in a team. */
export async function listSystemAccounts(
  directory: Directory,
  request: ListRequest,
  teamId: string | null,
): Promise<Listed<SystemAccount>> {
  const { id, name, description, konnectManaged, createdAt } = systemAccounts
  const columns = { id, name, description, konnect_managed: konnectManaged, created_at: createdAt }
  return listRows(directory, systemAccounts, columns, request, inTeam(id, teamId))
}

/** The account with this id, or null. */
export async function findSystemAccount(directory: Directory, id: string): Promise<SystemAccount | null> {
  const { db } = directory
  const [rows] = await db.batch([db.select().from(systemAccounts).where(eq(systemAccounts.id, id))])
  return rows[0] ?? null
}

/** Creates an account. It may do nothing until it is given roles. */
export async function createSystemAccount(
  directory: Directory,
  actor: Actor,
  wanted: { name: string; description: string; konnectManaged: boolean },
): Promise<{ outcome: "created"; account: SystemAccount } | { outcome: "name-taken" }> {
  const now = Date.now()
  const { organizationId } = actor.principal
  const account = { id: crypto.randomUUID(), organizationId, ...wanted, createdAt: now, updatedAt: now }
  const change = { action: "create", entityType: "system-account", entityId: account.id, after: { ...wanted } } as const
  try {
    await directory.db.batch([directory.db.insert(systemAccounts).values(account), audit(directory, actor, change)])
  } catch (error) {
    if (isKeyTaken(error, "system_accounts")) return { outcome: "name-taken" }
    throw error
  }
  return { outcome: "created", account }
}

/** Gives an account another name or description. */
export async function updateSystemAccount(
  directory: Directory,
  actor: Actor,
  account: SystemAccount,
  wanted: { name?: string | undefined; description?: string | undefined },
): Promise<{ outcome: "updated"; account: SystemAccount } | { outcome: "name-taken" | "missing" }> {
  const { db } = directory
  const { name = account.name, description = account.description } = wanted
  const before = { name: account.name, description: account.description }
  const change = { action: "update", entityType: "system-account", entityId: account.id } as const
  try {
    const [rows] = await db.batch([
      db
        .update(systemAccounts)
        .set({ name, description, updatedAt: Date.now() })
        .where(eq(systemAccounts.id, account.id))
        .returning(),
      audit(directory, actor, { ...change, before, after: { name, description } }),
    ])
    return rows[0] ? { outcome: "updated", account: rows[0] } : { outcome: "missing" }
  } catch (error) {
    if (isKeyTaken(error, "system_accounts")) return { outcome: "name-taken" }
    throw error
  }
}

/** Deletes an account with its tokens, its roles and its places in teams. */
export async function deleteSystemAccount(
  directory: Directory,
  actor: Actor,
  account: SystemAccount,
): Promise<EndOutcome> {
  const { db } = directory
  const { id, name, description } = account
  // What belongs to the account goes only if the account does: the statement before decided that.
  const gone = sql`not exists (select 1 from system_accounts where id = ${id})`
  const change = {
    action: "delete",
    entityType: "system-account",
    entityId: id,
    before: { name, description },
  } as const
  const [rows] = await db.batch([
    db
      .delete(systemAccounts)
      .where(and(eq(systemAccounts.id, id), anotherWayIn(sql`t.owner_id <> ${id}`)))
      .returning({ id: systemAccounts.id }),
    audit(directory, actor, change),
    db.delete(tokens).where(and(eq(tokens.ownerId, id), gone)),
    db.delete(roleAssignments).where(and(eq(roleAssignments.subjectId, id), gone)),
    db.delete(teamMembers).where(and(eq(teamMembers.memberId, id), gone)),
  ])
  if (rows.length > 0) return "ended"
  return (await findSystemAccount(directory, id)) === null ? "missing" : "last-way-in"
}
