/** The people of the organization. */
import { and, eq, sql } from "drizzle-orm"
import { sha256Hex } from "../lib/digest.ts"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { createToken, tokenHint } from "../lib/token-format.ts"
import { type Actor, audit, auditBefore, isRecorded, setsNothing, shownOf } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { inTeam, listRows } from "./list.ts"
import { roleAssignments, teamMembers, tokens, users } from "./schema.ts"
import { anotherWayIn, endOutcome, type EndOutcome } from "./way-in.ts"

/** A user. One who was invited is not active until the invitation is accepted. Times are milliseconds since 1970. */
export type User = typeof users.$inferSelect

/** How long an invitation can be accepted, in milliseconds. */
const INVITATION_LIFE = 7 * 24 * 60 * 60 * 1000

/** A page of the users, of all or of those in a team. */
export async function listUsers(
  directory: Directory,
  request: ListRequest,
  teamId: string | null,
): Promise<Listed<User>> {
  const { id, email, fullName, active, createdAt } = users
  const columns = { id, email, full_name: fullName, active, created_at: createdAt }
  return listRows(directory, users, columns, request, inTeam(users.id, teamId))
}

/** The user with this id, or null. */
export async function findUser(directory: Directory, id: string): Promise<User | null> {
  const [rows] = await directory.db.batch([directory.db.select().from(users).where(eq(users.id, id))])
  return rows[0] ?? null
}

/** Sets those of a user's names that are given; null when there is no such user. */
export async function updateUser(
  directory: Directory,
  actor: Actor,
  id: string,
  wanted: { fullName?: string | undefined; preferredName?: string | undefined },
): Promise<User | null> {
  const { db } = directory
  if (setsNothing(wanted)) return findUser(directory, id)
  const { fullName, preferredName } = users
  const where = eq(users.id, id)
  const row = { table: users, where, shown: shownOf({ fullName, preferredName }, wanted) }
  const [, rows] = await db.batch([
    auditBefore(directory, actor, { action: "update", entityType: "user", entityId: id, after: { ...wanted } }, row),
    db
      .update(users)
      .set({ ...wanted, updatedAt: Date.now() })
      .where(and(where, isRecorded))
      .returning(),
  ])
  return rows[0] ?? null
}

/**
 * Invites somebody: a user that is not active, and a token that does nothing but make it so, once. An invitation that was not
 * accepted is made anew. Nobody is written to: the token is for the administrator to pass on.
 */
export async function inviteUser(
  directory: Directory,
  actor: Actor,
  email: string,
): Promise<{ outcome: "invited"; user: User; activationToken: string; expiresAt: number } | { outcome: "active" }> {
  const { db } = directory
  const now = Date.now()
  const { organizationId } = actor.principal
  const [[known]] = await db.batch([db.select().from(users).where(eq(users.email, email))])
  if (known?.active) return { outcome: "active" }
  const names = { email, fullName: email, preferredName: email }
  const fresh = { id: crypto.randomUUID(), organizationId, ...names, active: false, createdAt: now, updatedAt: now }
  const user = known ?? fresh
  const activationToken = createToken("kpat")
  const expiresAt = now + INVITATION_LIFE
  const hash = await sha256Hex(activationToken)
  const [, , [token]] = await db.batch([
    db
      .insert(users)
      .select(sql`select ${fresh.id}, ${organizationId}, ${email}, ${email}, ${email}, 0, ${now}, ${now}
      where ${known === undefined}`)
      .onConflictDoNothing(),
    db.delete(tokens).where(and(eq(tokens.ownerId, user.id), eq(tokens.purpose, "activation"))),
    db
      .insert(tokens)
      .select(
        sql`select ${crypto.randomUUID()}, ${hash}, ${tokenHint(activationToken)}, id, 'invitation', 'activation', ${now}, ${now},
        ${expiresAt}, null, null, null, null from users where id = ${user.id} and active = 0`,
      )
      .returning({ id: tokens.id }),
    audit(directory, actor, { action: "create", entityType: "user", entityId: user.id, after: { email } }),
  ])
  // Meanwhile others invited, activated or deleted the same person.
  return token ? { outcome: "invited", user, activationToken, expiresAt } : inviteUser(directory, actor, email)
}

/** Makes an invited user active; the invitation has done its work. Answers whether the user was invited. */
export async function activateUser(directory: Directory, actor: Actor, fullName: string | undefined): Promise<boolean> {
  const { db } = directory
  const { id } = actor.principal
  const names = fullName === undefined ? {} : { fullName, preferredName: fullName }
  const [rows] = await db.batch([
    db
      .update(users)
      .set({ active: true, ...names, updatedAt: Date.now() })
      .where(and(eq(users.id, id), eq(users.active, false)))
      .returning({ id: users.id }),
    audit(directory, actor, { action: "activate", entityType: "user", entityId: id }),
    db.delete(tokens).where(and(eq(tokens.ownerId, id), eq(tokens.purpose, "activation"))),
  ])
  return rows.length > 0
}

/** Deletes a user with its tokens, its roles and its places in teams. The last administrator with a way in stays. */
export async function deleteUser(directory: Directory, actor: Actor, id: string): Promise<EndOutcome> {
  const { db } = directory
  const where = and(eq(users.id, id), anotherWayIn(sql`t.owner_id <> ${id}`))
  // What belongs to the user goes only if the user does: the statement before decided that.
  const gone = sql`not exists (select 1 from users where id = ${id})`
  const { email, fullName } = users
  const change = { action: "delete", entityType: "user", entityId: id } as const
  const [found, , rows] = await db.batch([
    db.select({ id: users.id }).from(users).where(eq(users.id, id)),
    auditBefore(directory, actor, change, { table: users, where, shown: { email, fullName } }),
    db
      .delete(users)
      .where(and(eq(users.id, id), isRecorded))
      .returning({ id: users.id }),
    db.delete(tokens).where(and(eq(tokens.ownerId, id), gone)),
    db.delete(roleAssignments).where(and(eq(roleAssignments.subjectId, id), gone)),
    db.delete(teamMembers).where(and(eq(teamMembers.memberId, id), gone)),
  ])
  return endOutcome(found, rows)
}
