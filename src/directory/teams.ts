/** Teams and who is in them. System teams have members like others, and cannot be changed otherwise. */
import { and, eq, sql } from "drizzle-orm"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { type Actor, audit, auditBefore, isRecorded, setsNothing, shownOf } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { listRows, stands } from "./list.ts"
import { roleAssignments, teamMembers, teams } from "./schema.ts"
import { anotherWayIn, endOutcome, type EndOutcome } from "./way-in.ts"

/** A team. Times are milliseconds since 1970. */
export type Team = typeof teams.$inferSelect

/** What can be said of a team. */
export interface TeamFacts {
  name: string
  description: string
  labels: Record<string, string>
}

/** A page of the teams, of all or of those that somebody is in. */
export async function listTeams(
  directory: Directory,
  request: ListRequest,
  memberId: string | null,
): Promise<Listed<Team>> {
  const { id, name, systemTeam, labels, createdAt } = teams
  const columns = { id, name, system_team: systemTeam, labels, created_at: createdAt }
  const joined = sql`${id} in (select team_id from team_members where member_id = ${memberId})`
  return listRows(directory, teams, columns, request, memberId === null ? undefined : joined)
}

/** The team with this id, or null. */
export async function findTeam(directory: Directory, id: string): Promise<Team | null> {
  const [rows] = await directory.db.batch([directory.db.select().from(teams).where(eq(teams.id, id))])
  return rows[0] ?? null
}

/** Creates a team. Two may have the same name. */
export async function createTeam(directory: Directory, actor: Actor, facts: TeamFacts): Promise<Team> {
  const now = Date.now()
  const { organizationId } = actor.principal
  const team = { id: crypto.randomUUID(), organizationId, ...facts, systemTeam: false, createdAt: now, updatedAt: now }
  await directory.db.batch([
    directory.db.insert(teams).values(team),
    audit(directory, actor, { action: "create", entityType: "team", entityId: team.id, after: { ...facts } }),
  ])
  return team
}

/** Sets what is given of a team that is no system team. */
export async function updateTeam(
  directory: Directory,
  actor: Actor,
  id: string,
  wanted: { [Fact in keyof TeamFacts]?: TeamFacts[Fact] | undefined },
): Promise<{ outcome: "updated"; team: Team } | { outcome: "missing" | "system-team" }> {
  const { db } = directory
  if (setsNothing(wanted)) return unchanged(await findTeam(directory, id))
  const { name, description } = teams
  const where = and(eq(teams.id, id), eq(teams.systemTeam, false))
  const shown = shownOf({ name, description, labels: sql`json(${teams.labels})` }, wanted)
  const change = { action: "update", entityType: "team", entityId: id, after: { ...wanted } } as const
  const [found, , [team]] = await db.batch([
    db.select({ id: teams.id }).from(teams).where(eq(teams.id, id)),
    auditBefore(directory, actor, change, { table: teams, where, shown }),
    db
      .update(teams)
      .set({ ...wanted, updatedAt: Date.now() })
      .where(and(where, isRecorded))
      .returning(),
  ])
  if (team) return { outcome: "updated", team }
  return { outcome: found.length > 0 ? "system-team" : "missing" }
}

/** Deletes a team that is no system team, with its roles. Its members stay. */
export async function deleteTeam(
  directory: Directory,
  actor: Actor,
  id: string,
): Promise<"deleted" | "missing" | "system-team"> {
  const { db } = directory
  const where = and(eq(teams.id, id), eq(teams.systemTeam, false))
  const shown = { name: teams.name, description: teams.description, labels: sql`json(${teams.labels})` }
  const change = { action: "delete", entityType: "team", entityId: id } as const
  const [found, , rows] = await db.batch([
    db.select({ id: teams.id }).from(teams).where(eq(teams.id, id)),
    auditBefore(directory, actor, change, { table: teams, where, shown }),
    db.delete(teams).where(and(where, isRecorded)).returning({ id: teams.id }),
    db
      .delete(roleAssignments)
      .where(and(eq(roleAssignments.subjectId, id), sql`not exists (select 1 from teams where id = ${id})`)),
  ])
  if (rows.length > 0) return "deleted"
  return found.length > 0 ? "system-team" : "missing"
}

/** Adds a user or a system account to a team, once; `missing` when one of both is gone. */
export async function addTeamMember(
  directory: Directory,
  actor: Actor,
  teamId: string,
  memberId: string,
): Promise<"added" | "exists" | "missing"> {
  const { db } = directory
  try {
    const [rows] = await db.batch([
      db
        .insert(teamMembers)
        .select(
          sql`select ${teamId}, ${memberId} where ${stands(teamId, ["teams"])}
          and ${stands(memberId, ["users", "system_accounts"])}`,
        )
        .returning({ memberId: teamMembers.memberId }),
      audit(directory, actor, { action: "add-member", entityType: "team", entityId: teamId, after: { memberId } }),
    ])
    return rows.length > 0 ? "added" : "missing"
  } catch (error) {
    if (isKeyTaken(error, "team_members")) return "exists"
    throw error
  }
}

/** Removes a member from a team. The last administrator with a way in stays. */
export async function removeTeamMember(
  directory: Directory,
  actor: Actor,
  teamId: string,
  memberId: string,
): Promise<EndOutcome> {
  const { db } = directory
  const membership = and(eq(teamMembers.teamId, teamId), eq(teamMembers.memberId, memberId))
  const remaining = sql`not (m.team_id = ${teamId} and m.member_id = ${memberId})`
  const [found, rows] = await db.batch([
    db.select({ id: teamMembers.memberId }).from(teamMembers).where(membership),
    db
      .delete(teamMembers)
      .where(and(membership, anotherWayIn(remaining)))
      .returning({ id: teamMembers.memberId }),
    audit(directory, actor, { action: "remove-member", entityType: "team", entityId: teamId, before: { memberId } }),
  ])
  return endOutcome(found, rows)
}

/** What becomes of a change that sets nothing. */
function unchanged(team: Team | null): Awaited<ReturnType<typeof updateTeam>> {
  if (team === null) return { outcome: "missing" }
  return team.systemTeam ? { outcome: "system-team" } : { outcome: "updated", team }
}
