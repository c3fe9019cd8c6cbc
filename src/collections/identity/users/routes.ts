/** The contract of users. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import {
  body,
  errorsOfChange,
  errorsOfOne,
  errorsOfRemoval,
  json,
  listed,
  listedOf,
  mayAdminister,
  mayAdministerUser,
  mayRead,
  mayReadUser,
} from "../contract.ts"
import { teamFields, userFields } from "../fields.ts"
import { EXAMPLES, idParam } from "../schemas.ts"
import { teamPageSchema } from "../teams/schemas.ts"
import { updateUserSchema, userPageSchema, userSchema } from "./schemas.ts"

const params = z.object({ userId: idParam("userId", EXAMPLES.user) })
const tags = ["users"]

export const listUsers = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/users",
  operationId: "listUsers",
  tags,
  summary: "List users",
  description: "A page of the users, invited ones among them, the oldest first unless sorted otherwise.",
  request: { query: listQuery(userFields) },
  responses: listed(userPageSchema),
})

export const getUser = createRoute({
  ...mayReadUser,
  method: "get",
  path: "/v3/users/{userId}",
  operationId: "getUser",
  tags,
  summary: "Get a user",
  description: "One user, without tokens and roles.",
  request: { params },
  responses: { 200: json(userSchema, "The user"), ...errorsOfOne },
})

export const updateUser = createRoute({
  ...mayAdministerUser,
  method: "patch",
  path: "/v3/users/{userId}",
  operationId: "updateUser",
  tags,
  summary: "Change a user's names",
  description: "Changes the names that are given; the email address stays.",
  request: { params, body: body(updateUserSchema) },
  responses: { 200: json(userSchema, "The user"), ...errorsOfChange },
})

export const deleteUser = createRoute({
  ...mayAdminister,
  method: "delete",
  path: "/v3/users/{userId}",
  operationId: "deleteUser",
  tags,
  summary: "Delete a user",
  description:
    "Deletes the user for good. Its tokens end, and its roles and places in teams with it. The last administrator with a live token stays.",
  request: { params },
  responses: { 204: { description: "The user is gone" }, ...errorsOfRemoval },
})

export const listUserTeams = createRoute({
  ...mayReadUser,
  method: "get",
  path: "/v3/users/{userId}/teams",
  operationId: "listUserTeams",
  tags,
  summary: "List the teams of a user",
  description: "A page of the teams that the user is in.",
  request: { params, query: listQuery(teamFields) },
  responses: listedOf(teamPageSchema),
})
