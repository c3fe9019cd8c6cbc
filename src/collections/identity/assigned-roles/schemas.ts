/** The shapes of assigned roles. */
import { z } from "@hono/zod-openapi"
import { pageSchema } from "../../../gateway/listing.ts"
import { nameSchema } from "../../../gateway/names.ts"
import { ENTITY_TYPES } from "../../../lib/roles.ts"
import { EXAMPLES } from "../schemas.ts"

/** The short form of an assignment, as the first guides to Konnect had it, in the words of the long one. */
function longForm(body: unknown): unknown {
  const short = z
    .looseObject({ role: z.unknown().optional(), entity_type: z.unknown().optional() })
    .safeParse(body).data
  if (!short) return body
  const { role, entity_type: type, ...rest } = short
  const named = Object.entries(ENTITY_TYPES).find(([slug]) => slug === type)
  return {
    ...(role !== undefined && { role_name: role }),
    ...(type !== undefined && { entity_type_name: named?.[1].name ?? type }),
    ...rest,
  }
}

/** What roles can be on. */
const TYPES = Object.values(ENTITY_TYPES)

const longRoleSchema = z
  .strictObject({
    role_name: z
      .enum([...new Set(TYPES.flatMap(({ roles }) => Object.values(roles).map((role) => role.name)))])
      .openapi({ example: "Viewer" }),
    entity_id: nameSchema(200, "sockshop").openapi({
      description: "The name of a project, or `*`; of Secrets `*` alone",
    }),
    entity_type_name: z.enum(TYPES.map((one) => one.name)).openapi({ example: "Projects" }),
    entity_region: z.string().openapi({ example: "eu", description: "A region of this deployment, or `*`" }),
  })
  .superRefine((assignment, check) => {
    const { entity_type_name: type, role_name: role, entity_id: entity } = assignment
    const { roles } = TYPES.find((one) => one.name === type) ?? ENTITY_TYPES.projects
    const names = Object.values(roles).map((one): string => one.name)
    const wrong = (path: string, values: string[], reason: string) =>
      check.addIssue({ code: "invalid_value", path: [path], values, message: reason, input: assignment })
    if (!names.includes(role)) wrong("role_name", names, `must be one of ${names.join(", ")} on ${type}`)
    // Secrets belong to the installation: there is no role on one of them.
    if (type === ENTITY_TYPES.secrets.name && entity !== "*") wrong("entity_id", ["*"], `must be * on ${type}`)
  })
  .openapi("AssignRole")

/** An assignment that is asked for, in either form. */
export const assignRoleSchema = z.preprocess(longForm, longRoleSchema)

export const assignedRoleSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.userRole }),
    role_name: z.string().openapi({ example: "Viewer" }),
    entity_id: z.string().openapi({ example: "sockshop" }),
    entity_type_name: z.string().openapi({ example: "Projects" }),
    entity_region: z.string().openapi({ example: "eu" }),
  })
  .openapi("AssignedRole")

export const assignedRolePageSchema = pageSchema(assignedRoleSchema).openapi("AssignedRolePage")
