/** The contract of tokens: the same for a user's personal ones and a system account's. */
import { createRoute, z } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import {
  body,
  errorsOfOne,
  errorsOfRemoval,
  errorsOfUniqueChange,
  json,
  listedOf,
  mayAdminister,
  mayAdministerUser,
  mayRead,
  mayReadUser,
} from "../contract.ts"
import { EXAMPLES, idParam } from "../schemas.ts"
import {
  accessTokenPageSchema,
  createTokenSchema,
  importTokenSchema,
  madeTokenSchema,
  renameTokenSchema,
  rotateTokenSchema,
  tokenSchema,
} from "./schemas.ts"

/** What lists of tokens can be asked for. */
export const tokenFields = { filters: { name: "text" }, sorts: ["created_at", "name", "expires_at"] } as const

/** Whose tokens: how it is called, where it is, and what it takes to see and to change them. */
const owners = {
  user: {
    name: "User",
    path: "/v3/users/{userId}/access-tokens",
    params: z.object({ userId: idParam("userId", EXAMPLES.user) }),
    see: mayReadUser,
    change: mayAdministerUser,
    example: EXAMPLES.userToken,
    limits: "A user can have 10 live tokens, beside 10 that were rotated and are in their grace.",
  },
  account: {
    name: "SystemAccount",
    path: "/v3/system-accounts/{accountId}/access-tokens",
    params: z.object({ accountId: idParam("accountId", EXAMPLES.account) }),
    see: mayRead,
    change: mayAdminister,
    example: EXAMPLES.accountToken,
    limits: "Names are unique per account, but for tokens that were rotated: their successors have their names.",
  },
} as const

interface Owner<Params extends z.ZodRawShape> {
  name: string
  path: string
  params: z.ZodObject<Params>
  see: typeof mayRead
  change: typeof mayAdminister
  example: string
  limits: string
}

/** The routes of one kind of owner. */
function tokenRoutes<Params extends z.ZodRawShape>({
  name,
  path,
  params,
  see,
  change,
  example,
  limits,
}: Owner<Params>) {
  const one = params.extend({ tokenId: idParam("tokenId", example) })
  const tags = ["access tokens"]
  return {
    list: createRoute({
      ...see,
      method: "get",
      path,
      operationId: `list${name}AccessTokens`,
      tags,
      summary: "List tokens",
      description: "A page of the tokens, ended ones among them, each by its hint only.",
      request: { params, query: listQuery(tokenFields) },
      responses: listedOf(accessTokenPageSchema),
    }),
    create: createRoute({
      ...change,
      method: "post",
      path,
      operationId: `create${name}AccessToken`,
      tags,
      summary: "Create a token",
      description: `Makes a token, which is in this answer and nowhere else. It must end, within 366 days. ${limits}`,
      request: { params, body: body(createTokenSchema) },
      responses: { 201: json(madeTokenSchema, "The token"), ...errorsOfUniqueChange },
    }),
    get: createRoute({
      ...see,
      method: "get",
      path: `${path}/{tokenId}`,
      operationId: `get${name}AccessToken`,
      tags,
      summary: "Get a token, without its text",
      description: "One token: its hint, its state and its last use, which is noted at most every 15 minutes.",
      request: { params: one },
      responses: { 200: json(tokenSchema, "The token"), ...errorsOfOne },
    }),
    rename: createRoute({
      ...change,
      method: "patch",
      path: `${path}/{tokenId}`,
      operationId: `rename${name}AccessToken`,
      tags,
      summary: "Rename a token",
      description: "Changes the name alone: the token itself stays as it is.",
      request: { params: one, body: body(renameTokenSchema) },
      responses: { 200: json(tokenSchema, "The token"), ...errorsOfUniqueChange },
    }),
    revoke: createRoute({
      ...change,
      method: "patch",
      path: `${path}/{tokenId}/revoke`,
      operationId: `revoke${name}AccessToken`,
      tags,
      summary: "Revoke a token",
      description:
        "Ends the token, at once where it is revoked, and elsewhere within the bound of the token cache. It stays in lists. The last " +
        "way in of an administrator cannot be revoked: another token that was not rotated has to last for a day more, or as long as this one.",
      request: { params: one },
      responses: { 200: json(tokenSchema, "The token"), ...errorsOfRemoval },
    }),
    rotate: createRoute({
      ...change,
      method: "post",
      path: `${path}/{tokenId}/rotate`,
      operationId: `rotate${name}AccessToken`,
      tags,
      summary: "Rotate a token",
      description:
        "Makes a successor with the same rights, name and length of life; the old token ends after `grace_seconds`. A token has " +
        "one successor: another rotation of it is answered with 409 and `successor_id`. A token that has ended cannot be rotated. " +
        "A lost answer can be asked for again with the same `Idempotency-Key`.",
      request: { params: one, body: body(rotateTokenSchema) },
      responses: { 201: json(madeTokenSchema, "The successor"), ...errorsOfUniqueChange },
    }),
    delete: createRoute({
      ...change,
      method: "delete",
      path: `${path}/{tokenId}`,
      operationId: `delete${name}AccessToken`,
      tags,
      summary: "Delete a token",
      description: "Ends the token as revoking it does, and removes it from lists.",
      request: { params: one },
      responses: { 204: { description: "The token is gone" }, ...errorsOfRemoval },
    }),
  }
}

export const userTokens = tokenRoutes(owners.user)
export const accountTokens = tokenRoutes(owners.account)

export const importToken = createRoute({
  ...mayAdminister,
  method: "post",
  path: `${owners.account.path}/import`,
  operationId: "importSystemAccountAccessToken",
  tags: ["access tokens"],
  summary: "Import an existing token",
  description:
    "So that tools can keep the token they have, such as a Keptn installation's. It is stored like any other.",
  request: { params: owners.account.params, body: body(importTokenSchema) },
  responses: { 201: json(tokenSchema, "The token"), ...errorsOfUniqueChange },
})
