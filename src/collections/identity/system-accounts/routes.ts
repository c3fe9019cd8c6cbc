/** The contract of system accounts. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import {
  body,
  errorsOfOne,
  errorsOfRemoval,
  errorsOfUniqueChange,
  errorsOfUniqueMaking,
  json,
  listed,
  listedOf,
  mayAdminister,
  mayRead,
} from "../contract.ts"
import { accountFields, teamFields } from "../fields.ts"
import { EXAMPLES, idParam } from "../schemas.ts"
import { teamPageSchema } from "../teams/schemas.ts"
import { accountPageSchema, accountSchema, createAccountSchema, updateAccountSchema } from "./schemas.ts"

const params = z.object({ accountId: idParam("accountId", EXAMPLES.account) })
const tags = ["system accounts"]

export const listAccounts = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts",
  operationId: "listSystemAccounts",
  tags,
  summary: "List system accounts",
  description: "A page of the accounts, the oldest first unless sorted otherwise.",
  request: { query: listQuery(accountFields) },
  responses: listed(accountPageSchema),
})

export const createAccount = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/system-accounts",
  operationId: "createSystemAccount",
  tags,
  summary: "Create a system account",
  description:
    "Creates an account for a program. It may do nothing until it is given roles, or a place in a team that has some. Names are unique.",
  request: { body: body(createAccountSchema) },
  responses: { 201: json(accountSchema, "The account"), ...errorsOfUniqueMaking },
})

export const getAccount = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts/{accountId}",
  operationId: "getSystemAccount",
  tags,
  summary: "Get a system account",
  description: "One account, without its tokens and roles.",
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
  description: "Changes its name and description; what is absent stays as it is.",
  request: { params, body: body(updateAccountSchema) },
  responses: { 200: json(accountSchema, "The account"), ...errorsOfUniqueChange },
})

export const deleteAccount = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/system-accounts/{accountId}",
  operationId: "deleteSystemAccount",
  tags,
  summary: "Delete a system account",
  description:
    "Deletes the account for good. Its tokens end, and its roles and places in teams with it. The last administrator with a live token stays.",
  request: { params },
  responses: { 204: { description: "The account is gone" }, ...errorsOfRemoval },
})

export const listAccountTeams = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/system-accounts/{accountId}/teams",
  operationId: "listSystemAccountTeams",
  tags,
  summary: "List the teams of a system account",
  description: "A page of the teams that it is in.",
  request: { params, query: listQuery(teamFields) },
  responses: listedOf(teamPageSchema),
})
