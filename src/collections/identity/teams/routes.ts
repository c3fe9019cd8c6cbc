/** The contract of teams and their members. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import { body, errorsOfChange, errorsOfOne, json, listed, mayAdminister, mayRead } from "../contract.ts"
import { accountFields, teamFields, userFields } from "../fields.ts"
import {
  accountSchema,
  createTeamSchema,
  EXAMPLES,
  idParam,
  memberSchema,
  teamSchema,
  updateTeamSchema,
  userSchema,
} from "../schemas.ts"

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
  request: { query: listQuery(teamFields) },
  responses: listed(teamSchema),
})

export const createTeam = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams",
  operationId: "createTeam",
  tags,
  summary: "Create a team",
  description: "Two teams may have the same name.",
  request: { body: body(createTeamSchema) },
  responses: { 201: json(teamSchema, "The team"), ...errorsOfChange },
})

export const getTeam = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams/{teamId}",
  operationId: "getTeam",
  tags,
  summary: "Get a team",
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
  description: "System teams cannot be changed. Labels are replaced as a whole.",
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
  description: "Its roles end with it; its members stay. System teams cannot be deleted.",
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
  request: { params, query: listQuery(userFields) },
  responses: listed(userSchema),
})

export const addTeamUser = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams/{teamId}/users",
  operationId: "addTeamUser",
  tags,
  summary: "Add a user to a team",
  request: { params, body: body(memberSchema) },
  responses: { 201: { description: "The user is in the team; the body is empty" }, ...errorsOfChange },
})

export const removeTeamUser = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/teams/{teamId}/users/{userId}",
  operationId: "removeTeamUser",
  tags,
  summary: "Remove a user from a team",
  description: "The last administrator with a live token stays in organization-admin.",
  request: { params: userParams },
  responses: { 204: { description: "The user is not in the team" }, ...errorsOfChange },
})

export const listTeamAccounts = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/teams/{teamId}/system-accounts",
  operationId: "listTeamAccounts",
  tags,
  summary: "List the system accounts in a team",
  request: { params, query: listQuery(accountFields) },
  responses: listed(accountSchema),
})

export const addTeamAccount = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/teams/{teamId}/system-accounts",
  operationId: "addTeamAccount",
  tags,
  summary: "Add a system account to a team",
  request: { params, body: body(memberSchema) },
  responses: { 201: { description: "The account is in the team; the body is empty" }, ...errorsOfChange },
})

export const removeTeamAccount = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/teams/{teamId}/system-accounts/{accountId}",
  operationId: "removeTeamAccount",
  tags,
  summary: "Remove a system account from a team",
  request: { params: accountParams },
  responses: { 204: { description: "The account is not in the team" }, ...errorsOfChange },
})
