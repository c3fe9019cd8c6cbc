/** The contract of system accounts. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import { body, errorsOfChange, errorsOfOne, json, listed, mayAdminister, mayRead } from "../contract.ts"
import { accountFields, teamFields } from "../fields.ts"
import { accountSchema, createAccountSchema, EXAMPLES, idParam, teamSchema, updateAccountSchema } from "../schemas.ts"

const params = z.object({ accountId: idParam("accountId", EXAMPLES.account) })
const tags = ["system accounts"]

export const listAccounts = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts",
  operationId: "listSystemAccounts",
  tags,
  summary: "List system accounts",
  request: { query: listQuery(accountFields) },
  responses: listed(accountSchema),
})

export const createAccount = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/system-accounts",
  operationId: "createSystemAccount",
  tags,
  summary: "Create a system account",
  description: "It may do nothing until it is given roles, or a place in a team that has some.",
  request: { body: body(createAccountSchema) },
  responses: { 201: json(accountSchema, "The account"), ...errorsOfChange },
})

export const getAccount = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts/{accountId}",
  operationId: "getSystemAccount",
  tags,
  summary: "Get a system account",
  request: { params },
  responses: { 200: json(accountSchema, "The account"), ...errorsOfOne },
})

export const updateAccount = createRoute({
  ...mayAdminister,
  method: "patch",
  path: "/v3/system-accounts/{accountId}",
  operationId: "updateSystemAccount",
  tags,
  summary: "Change a system account",
  request: { params, body: body(updateAccountSchema) },
  responses: { 200: json(accountSchema, "The account"), ...errorsOfChange },
})

export const deleteAccount = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/system-accounts/{accountId}",
  operationId: "deleteSystemAccount",
  tags,
  summary: "Delete a system account",
  description: "Its tokens end, and its roles and places in teams with it.",
  request: { params },
  responses: { 204: { description: "The account is gone" }, ...errorsOfChange },
})

export const listAccountTeams = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts/{accountId}/teams",
  operationId: "listSystemAccountTeams",
  tags,
  summary: "List the teams of a system account",
  request: { params, query: listQuery(teamFields) },
  responses: listed(teamSchema),
})
