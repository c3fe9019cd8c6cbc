/** The contract of what a caller can learn of itself, and of invitations. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../../gateway/authorize.ts"
import { problems } from "../../../gateway/responses.ts"
import { body, errorsOfUniqueChange, errorsOfUniqueMaking, json, mayAdminister } from "../contract.ts"
import { userSchema } from "../users/schemas.ts"
import { activateSchema, invitationSchema, inviteSchema, organizationSchema, roleCatalogueSchema } from "./schemas.ts"

const token = requires({ on: "token" })

export const getOrganization = createRoute({
  ...token,
  method: "get",
  path: "/v3/organizations/me",
  operationId: "getOrganization",
  tags: ["me"],
  summary: "Get the caller's organization",
  description: "The one organization of this deployment. Regional hosts answer this, too.",
  responses: { 200: json(organizationSchema, "The organization"), ...problems("not_found") },
})

export const getMe = createRoute({
  ...token,
  method: "get",
  path: "/v3/users/me",
  operationId: "getMe",
  tags: ["me"],
  summary: "Get the caller's user",
  description:
    "The user of the token. A system account is no user: its tokens are answered 404. Regional hosts answer this, too.",
  responses: { 200: json(userSchema, "The user"), ...problems("not_found") },
})

export const activateMe = createRoute({
  ...token,
  method: "post",
  path: "/v3/users/me/activate",
  operationId: "activateMe",
  tags: ["me"],
  summary: "Accept an invitation",
  description:
    "Makes the invited user active. The token is that of the invitation, which is good for this alone, and once; an " +
    "administrator then makes the user's first token.",
  request: { body: body(activateSchema) },
  responses: { 200: json(userSchema, "The user, now active"), ...errorsOfUniqueChange },
})

export const inviteUser = createRoute({
  ...mayAdminister,
  method: "post",
  path: "/v3/invites",
  operationId: "inviteUser",
  tags: ["users"],
  summary: "Invite somebody",
  description:
    "Creates a user that is not active yet, and a one-time activation token, good for a week. No mail is sent: pass the token " +
    "on. To invite the same address again makes a new token and ends the old one.",
  request: { body: body(inviteSchema) },
  responses: { 201: json(invitationSchema, "The invitation"), ...errorsOfUniqueMaking },
})

export const listRoles = createRoute({
  ...token,
  method: "get",
  path: "/v3/roles",
  operationId: "listRoles",
  tags: ["roles"],
  summary: "List the roles there are",
  description:
    "All roles by what they are on, each with what it allows. The list is part of the version, and has no pages.",
  responses: { 200: json(roleCatalogueSchema, "The roles by entity type"), ...problems() },
})
