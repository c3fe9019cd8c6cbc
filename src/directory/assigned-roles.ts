/** Roles that are assigned to somebody directly. */
import { and, eq, sql } from "drizzle-orm"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { PROJECTS, type RoleAssignment } from "../lib/principal.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { type Actor, audit } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { listRows } from "./list.ts"
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

/** Assigns a role to a subject, once. */
export async function assignRole(
  directory: Directory,
  actor: Actor,
  subjectId: string,
  role: RoleAssignment,
): Promise<{ outcome: "assigned"; role: AssignedRole } | { outcome: "exists" }> {
  const { db } = directory
  const id = crypto.randomUUID()
  const change = { action: "create", entityType: "assigned-role", entityId: id, after: { subjectId, ...role } } as const
  try {
    await db.batch([
      db.insert(roleAssignments).values({ id, subjectId, ...role, createdAt: Date.now() }),
      audit(directory, actor, change),
    ])
  } catch (error) {
    if (isKeyTaken(error, "role_assignments")) return { outcome: "exists" }
    throw error
  }
  return { outcome: "assigned", role: { id, ...role } }
}

/** Ends an assignment; answers whether the subject had it. */
export async function endAssignedRole(
  directory: Directory,
  actor: Actor,
  subjectId: string,
  id: string,
): Promise<boolean> {
  const { db } = directory
  const [rows] = await db.batch([
    db
      .delete(roleAssignments)
      .where(and(eq(roleAssignments.subjectId, subjectId), eq(roleAssignments.id, id)))
      .returning({ id: roleAssignments.id }),
    audit(directory, actor, { action: "delete", entityType: "assigned-role", entityId: id, before: { subjectId } }),
  ])
  return rows.length > 0
}

/** Makes the creator of a project its Admin, unless it is already, or is gone. Repeating it changes nothing. */
export async function grantProjectAdmin(
  directory: Directory,
  principalId: string,
  project: { name: string; region: string },
): Promise<void> {
  const { db } = directory
  await db.batch([
    db
      .insert(roleAssignments)
      .select(
        sql`select ${crypto.randomUUID()}, ${principalId}, 'Admin', ${PROJECTS}, ${project.name}, ${project.region}, ${Date.now()}
        where exists (select 1 from users where id = ${principalId})
        or exists (select 1 from system_accounts where id = ${principalId})`,
      )
      .onConflictDoNothing(),
  ])
}

/** Takes back what `grantProjectAdmin` gave, when the project turned out to be gone. */
export async function revokeProjectAdmin(
  directory: Directory,
  principalId: string,
  project: { name: string; region: string },
): Promise<void> {
  const { db } = directory
  const { subjectId, roleName, entityTypeName, entityId, entityRegion } = roleAssignments
  const granted = and(eq(subjectId, principalId), eq(roleName, "Admin"), eq(entityTypeName, PROJECTS))
  const onProject = and(eq(entityId, project.name), eq(entityRegion, project.region))
  await db.batch([db.delete(roleAssignments).where(and(granted, onProject))])
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
