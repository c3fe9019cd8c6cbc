/** System accounts: who tokens of programs act for. */
import { and, eq, sql } from "drizzle-orm"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { type Actor, audit, auditBefore, isRecorded, setsNothing, shownOf } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { inTeam, listRows } from "./list.ts"
import { roleAssignments, systemAccounts, teamMembers, tokens } from "./schema.ts"
import { anotherWayIn, endOutcome, type EndOutcome } from "./way-in.ts"

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

/** Sets what is given of an account: its name, its description. */
export async function updateSystemAccount(
  directory: Directory,
  actor: Actor,
  id: string,
  wanted: { name?: string | undefined; description?: string | undefined },
): Promise<{ outcome: "updated"; account: SystemAccount } | { outcome: "name-taken" | "missing" }> {
  const { db } = directory
  if (setsNothing(wanted)) return updated(await findSystemAccount(directory, id))
  const { name, description } = systemAccounts
  const where = eq(systemAccounts.id, id)
  const change = { action: "update", entityType: "system-account", entityId: id, after: { ...wanted } } as const
  try {
    const [, rows] = await db.batch([
      auditBefore(directory, actor, change, {
        table: systemAccounts,
        where,
        shown: shownOf({ name, description }, wanted),
      }),
      db
        .update(systemAccounts)
        .set({ ...wanted, updatedAt: Date.now() })
        .where(and(where, isRecorded))
        .returning(),
    ])
    return updated(rows[0])
  } catch (error) {
    if (isKeyTaken(error, "system_accounts")) return { outcome: "name-taken" }
    throw error
  }
}

/** Deletes an account with its tokens, its roles and its places in teams. The last administrator with a way in stays. */
export async function deleteSystemAccount(directory: Directory, actor: Actor, id: string): Promise<EndOutcome> {
  const { db } = directory
  const where = and(eq(systemAccounts.id, id), anotherWayIn(sql`t.owner_id <> ${id}`))
  // What belongs to the account goes only if the account does: the statement before decided that.
  const gone = sql`not exists (select 1 from system_accounts where id = ${id})`
  const { name, description } = systemAccounts
  const change = { action: "delete", entityType: "system-account", entityId: id } as const
  const [found, , rows] = await db.batch([
    db.select({ id: systemAccounts.id }).from(systemAccounts).where(eq(systemAccounts.id, id)),
    auditBefore(directory, actor, change, { table: systemAccounts, where, shown: { name, description } }),
    db
      .delete(systemAccounts)
      .where(and(eq(systemAccounts.id, id), isRecorded))
      .returning({ id: systemAccounts.id }),
    db.delete(tokens).where(and(eq(tokens.ownerId, id), gone)),
    db.delete(roleAssignments).where(and(eq(roleAssignments.subjectId, id), gone)),
    db.delete(teamMembers).where(and(eq(teamMembers.memberId, id), gone)),
  ])
  return endOutcome(found, rows)
}

function updated(account: SystemAccount | null | undefined): Awaited<ReturnType<typeof updateSystemAccount>> {
  return account ? { outcome: "updated", account } : { outcome: "missing" }
}
