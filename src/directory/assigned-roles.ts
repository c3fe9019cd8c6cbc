/** Roles that are assigned to somebody directly. */
import { and, eq, sql } from "drizzle-orm"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { PROJECTS, type RoleAssignment } from "../lib/principal.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { type Actor, audit, auditBefore, isRecorded } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { listRows, stands } from "./list.ts"
import { roleAssignments } from "./schema.ts"

/** An assignment with the id by which it is ended. */
export type AssignedRole = RoleAssignment & { id: string }

/** A page of the roles of a subject. */
export async function listAssignedRoles(
  directory: Directory,
  subjectId: string,
  request: ListRequest,
): Promise<Listed<AssignedRole>> {
  const columns = {
    role_name: roleAssignments.roleName,
    entity_type_name: roleAssignments.entityTypeName,
    entity_id: roleAssignments.entityId,
    entity_region: roleAssignments.entityRegion,
  }
  return listRows(directory, roleAssignments, columns, request, eq(roleAssignments.subjectId, subjectId))
}

/** Assigns a role to a subject, once; `missing` when the subject is gone. */
export async function assignRole(
  directory: Directory,
  actor: Actor,
  subjectId: string,
  role: RoleAssignment,
): Promise<{ outcome: "assigned"; role: AssignedRole } | { outcome: "exists" | "missing" }> {
  const { db } = directory
  const id = crypto.randomUUID()
  const change = { action: "create", entityType: "assigned-role", entityId: id, after: { subjectId, ...role } } as const
  try {
    const [rows] = await db.batch([
      db
        .insert(roleAssignments)
        .select(
          sql`select ${id}, ${subjectId}, ${role.roleName}, ${role.entityTypeName}, ${role.entityId}, ${role.entityRegion}, ${Date.now()}
          where ${stands(subjectId, ["users", "system_accounts", "teams"])}`,
        )
        .returning({ id: roleAssignments.id }),
      audit(directory, actor, change),
    ])
    return rows.length > 0 ? { outcome: "assigned", role: { id, ...role } } : { outcome: "missing" }
  } catch (error) {
    if (isKeyTaken(error, "role_assignments")) return { outcome: "exists" }
    throw error
  }
}

/** Ends an assignment; answers whether the subject had it. */
export async function endAssignedRole(
  directory: Directory,
  actor: Actor,
  subjectId: string,
  id: string,
): Promise<boolean> {
  const { db } = directory
  const where = and(eq(roleAssignments.subjectId, subjectId), eq(roleAssignments.id, id))
  const { roleName, entityTypeName, entityId, entityRegion } = roleAssignments
  const shown = { subjectId: roleAssignments.subjectId, roleName, entityTypeName, entityId, entityRegion }
  const change = { action: "delete", entityType: "assigned-role", entityId: id } as const
  const [, rows] = await db.batch([
    auditBefore(directory, actor, change, { table: roleAssignments, where, shown }),
    db.delete(roleAssignments).where(and(where, isRecorded)).returning({ id: roleAssignments.id }),
  ])
  return rows.length > 0
}

/** Why somebody is Admin of a project: its creation, which has an id and a time. */
interface Creation {
  id: string
  createdAt: number
}

/**
 * Makes the creator of a project its Admin, unless it is gone. Repeating it changes nothing. Of several creations of one name by one creator
 * the assignment belongs to the last.
 */
export async function grantProjectAdmin(
  directory: Directory,
  principalId: string,
  project: { name: string; region: string },
  { id, createdAt }: Creation,
): Promise<void> {
  const { db } = directory
  const { subjectId, roleName, entityTypeName, entityId, entityRegion } = roleAssignments
  await db.batch([
    db
      .insert(roleAssignments)
      .select(
        sql`select ${id}, ${principalId}, 'Admin', ${PROJECTS}, ${project.name}, ${project.region}, ${createdAt}
        where ${stands(principalId, ["users", "system_accounts"])}`,
      )
      .onConflictDoUpdate({
        target: [subjectId, roleName, entityTypeName, entityId, entityRegion],
        set: { id: sql`excluded.id`, createdAt: sql`excluded.created_at` },
        setWhere: sql`excluded.created_at > ${roleAssignments.createdAt}`,
      }),
  ])
}

/** Takes back what `grantProjectAdmin` gave for a creation, when the project turned out to be gone. */
export async function revokeProjectAdmin(directory: Directory, { id }: Creation): Promise<void> {
  const { db } = directory
  await db.batch([db.delete(roleAssignments).where(eq(roleAssignments.id, id))])
}

/** Ends all assignments to a project of a region. Those to the name in every region (`*`) are not to this project, and stay. */
export async function endProjectAssignments(
  directory: Directory,
  project: { name: string; region: string },
): Promise<void> {
  const { db } = directory
  const { entityTypeName, entityId, entityRegion } = roleAssignments
  await db.batch([
    db
      .delete(roleAssignments)
      .where(and(eq(entityTypeName, PROJECTS), eq(entityId, project.name), eq(entityRegion, project.region))),
  ])
}
