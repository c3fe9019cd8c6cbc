/** How assigned roles behave, whoever has them. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { assignRole, endAssignedRole, listAssignedRoles } from "../../../directory/assigned-roles.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { invalidParameters, pageOf, readListRequest } from "../../../gateway/listing.ts"
import { roleAnswer } from "../answers.ts"
import { missing } from "../contract.ts"
import { actorOf, type IdentityEnv } from "../environment.ts"
import { roleFields } from "./routes.ts"
import type { assignedRoleSchema, assignRoleSchema } from "./schemas.ts"

type IdentityContext = Context<IdentityEnv>

export async function list(c: IdentityContext, subjectId: string) {
  const request = readListRequest(c.req.url, roleFields)
  const { rows, total } = await listAssignedRoles(c.get("directory"), subjectId, request)
  return pageOf(request, { rows: rows.map(roleAnswer), total })
}

export async function assign(
  c: IdentityContext,
  subjectId: string,
  body: z.infer<typeof assignRoleSchema>,
): Promise<z.infer<typeof assignedRoleSchema>> {
  const regions = [...c.get("regions"), "*"]
  if (!regions.includes(body.entity_region)) {
    const reason = `must be one of ${regions.join(", ")}`
    throw invalidParameters([{ field: "entity_region", rule: "enum", reason, source: "body" }])
  }
  const role = {
    roleName: body.role_name,
    entityTypeName: body.entity_type_name,
    entityId: body.entity_id,
    entityRegion: body.entity_region,
  }
  const result = await assignRole(c.get("directory"), actorOf(c), subjectId, role)
  if (result.outcome !== "assigned") {
    throw result.outcome === "exists" ? new ApiError("conflict", "This role is assigned already") : missing("subject")
  }
  return roleAnswer(result.role)
}

export async function end(c: IdentityContext, subjectId: string, roleId: string): Promise<void> {
  if (!(await endAssignedRole(c.get("directory"), actorOf(c), subjectId, roleId))) throw missing("assigned role")
}
