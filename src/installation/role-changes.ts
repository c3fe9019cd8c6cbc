/** The writes that cross planes: what follows for roles when a project is created or deleted. */
import { endProjectAssignments, grantProjectAdmin, revokeProjectAdmin } from "../directory/assigned-roles.ts"
import type { Directory } from "../directory/directory.ts"
import type { Partition } from "../partition/partition.ts"
import { finishRoleChange, type RoleChange } from "../partition/role-changes.ts"

/** Does in the directory what a project's creation or deletion asks, and removes the partition's note of it. */
export async function settleRoleChange(directory: Directory, partition: Partition, change: RoleChange): Promise<void> {
  const project = { name: change.project, region: partition.region }
  const { principalId } = change
  if (principalId === null) await endProjectAssignments(directory, project)
  else await grantProjectAdmin(directory, principalId, project, change)
  const stillWanted = await finishRoleChange(partition, change)
  // The project was deleted meanwhile: a later one of its name must inherit nothing.
  if (principalId !== null && !stillWanted) await revokeProjectAdmin(directory, change)
}
