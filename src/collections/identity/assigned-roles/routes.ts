/** The contract of roles that are assigned directly: the same for users, teams and system accounts. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import {
  body,
  errorsOfOne,
  errorsOfUniqueChange,
  json,
  listedOf,
  mayAdminister,
  mayRead,
  mayReadUser,
} from "../contract.ts"
import { EXAMPLES, idParam } from "../schemas.ts"
import { assignedRolePageSchema, assignedRoleSchema, assignRoleSchema } from "./schemas.ts"

/** What lists of assigned roles can be asked for. */
export const roleFields = {
  filters: { role_name: "text", entity_type_name: "text", entity_id: "text", entity_region: "text" },
  sorts: ["role_name", "entity_id", "entity_region"],
} as const

interface Subject<Params extends z.ZodRawShape> {
  name: string
  path: string
  params: z.ZodObject<Params>
  see: typeof mayRead
  example: string
}

/** The routes of one kind of subject. */
function roleRoutes<Params extends z.ZodRawShape>({ name, path, params, see, example }: Subject<Params>) {
  const one = params.extend({ roleId: idParam("roleId", example) })
  const tags = ["roles"]
  return {
    list: createRoute({
      ...see,
      method: "get",
      path: `${path}/assigned-roles`,
      operationId: `list${name}AssignedRoles`,
      tags,
      summary: "List assigned roles",
      description: "A page of those that are assigned directly; teams give their members more.",
      request: { params, query: listQuery(roleFields) },
      responses: listedOf(assignedRolePageSchema),
    }),
    assign: createRoute({
      ...mayAdminister,
      method: "post",
      path: `${path}/assigned-roles`,
      operationId: `assign${name}Role`,
      tags,
      summary: "Assign a role",
      description:
        "Gives a role on a project of a region, by its name; `*` is every project, or every region. The project need not exist. Or on the " +
        "secrets of a region, which are always `*`. The same role twice is answered with 409.",
      request: { params, body: body(assignRoleSchema) },
      responses: { 201: json(assignedRoleSchema, "The assignment"), ...errorsOfUniqueChange },
    }),
    end: createRoute({
      ...mayAdminister,
      method: "delete",
      path: `${path}/assigned-roles/{roleId}`,
      operationId: `end${name}AssignedRole`,
      tags,
      summary: "End an assignment",
      description: "Takes the role away. What teams give stays.",
      request: { params: one },
      responses: { 204: { description: "The assignment has ended" }, ...errorsOfOne },
    }),
  }
}

export const userRoles = roleRoutes({
  name: "User",
  path: "/v3/users/{userId}",
  params: z.object({ userId: idParam("userId", EXAMPLES.user) }),
  see: mayReadUser,
  example: EXAMPLES.userRole,
})
export const teamRoles = roleRoutes({
  name: "Team",
  path: "/v3/teams/{teamId}",
  params: z.object({ teamId: idParam("teamId", EXAMPLES.team) }),
  see: mayRead,
  example: EXAMPLES.teamRole,
})
export const accountRoles = roleRoutes({
  name: "SystemAccount",
  path: "/v3/system-accounts/{accountId}",
  params: z.object({ accountId: idParam("accountId", EXAMPLES.account) }),
  see: mayRead,
  example: EXAMPLES.accountRole,
})
