/** The contract of teams and their members. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import {
  body,
  errorsOfChange,
  errorsOfMaking,
  errorsOfOne,
  errorsOfRemoval,
  errorsOfUniqueChange,
  json,
  listed,
  listedOf,
  mayAdminister,
  mayRead,
} from "../contract.ts"
import { accountFields, teamFields, userFields } from "../fields.ts"
import { EXAMPLES, idParam } from "../schemas.ts"
import { accountPageSchema } from "../system-accounts/schemas.ts"
import { userPageSchema } from "../users/schemas.ts"
import { createTeamSchema, memberSchema, teamPageSchema, teamSchema, updateTeamSchema } from "./schemas.ts"

const teamId = idParam("teamId", EXAMPLES.team)
const params = z.object({ teamId })
const userParams = z.object({ teamId, userId: idParam("userId", EXAMPLES.user) })
const accountParams = z.object({ teamId, accountId: idParam("accountId", EXAMPLES.account) })
const tags = ["teams"]

export const listTeams = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams",
  operationId: "listTeams",
  tags,
  summary: "List teams",
  description: "A page of the teams, system teams among them.",
  request: { query: listQuery(teamFields) },
  responses: listed(teamPageSchema),
})

export const createTeam = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams",
  operationId: "createTeam",
  tags,
  summary: "Create a team",
  description: "Creates a team without members and roles. Two teams may have the same name.",
  request: { body: body(createTeamSchema) },
  responses: { 201: json(teamSchema, "The team"), ...errorsOfMaking },
})

export const getTeam = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams/{teamId}",
  operationId: "getTeam",
  tags,
  summary: "Get a team",
  description: "One team, without its members and roles.",
  request: { params },
  responses: { 200: json(teamSchema, "The team"), ...errorsOfOne },
})

export const updateTeam = createRoute({
  ...mayAdminister,
  method: "patch",
  path: "/v3/teams/{teamId}",
  operationId: "updateTeam",
  tags,
  summary: "Change a team",
  description:
    "Changes name, description and labels; what is absent stays as it is. Labels are replaced as a whole. System teams cannot be changed.",
  request: { params, body: body(updateTeamSchema) },
  responses: { 200: json(teamSchema, "The team"), ...errorsOfChange },
})

export const deleteTeam = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/teams/{teamId}",
  operationId: "deleteTeam",
  tags,
  summary: "Delete a team",
  description: "Deletes the team for good. Its roles end with it; its members stay. System teams cannot be deleted.",
  request: { params },
  responses: { 204: { description: "The team is gone" }, ...errorsOfOne },
})

export const listTeamUsers = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams/{teamId}/users",
  operationId: "listTeamUsers",
  tags,
  summary: "List the users in a team",
  description: "A page of its users.",
  request: { params, query: listQuery(userFields) },
  responses: listedOf(userPageSchema),
})

export const addTeamUser = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams/{teamId}/users",
  operationId: "addTeamUser",
  tags,
  summary: "Add a user to a team",
  description: "The user has the roles of the team from now on. One who is in it already is answered with 409.",
  request: { params, body: body(memberSchema) },
  responses: { 201: { description: "The user is in the team; the body is empty" }, ...errorsOfUniqueChange },
})

export const removeTeamUser = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/teams/{teamId}/users/{userId}",
  operationId: "removeTeamUser",
  tags,
  summary: "Remove a user from a team",
  description:
    "The roles of the team end for the user. The last administrator with a live token stays in organization-admin.",
  request: { params: userParams },
  responses: { 204: { description: "The user is not in the team" }, ...errorsOfRemoval },
})

export const listTeamAccounts = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams/{teamId}/system-accounts",
  operationId: "listTeamAccounts",
  tags,
  summary: "List the system accounts in a team",
  description: "A page of its system accounts.",
  request: { params, query: listQuery(accountFields) },
  responses: listedOf(accountPageSchema),
})

export const addTeamAccount = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams/{teamId}/system-accounts",
  operationId: "addTeamAccount",
  tags,
  summary: "Add a system account to a team",
  description: "The account has the roles of the team from now on. One that is in it already is answered with 409.",
  request: { params, body: body(memberSchema) },
  responses: { 201: { description: "The account is in the team; the body is empty" }, ...errorsOfUniqueChange },
})

export const removeTeamAccount = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/teams/{teamId}/system-accounts/{accountId}",
  operationId: "removeTeamAccount",
  tags,
  summary: "Remove a system account from a team",
  description:
    "The roles of the team end for the account. The last administrator with a live token stays in organization-admin.",
  request: { params: accountParams },
  responses: { 204: { description: "The account is not in the team" }, ...errorsOfRemoval },
})
