/** What a caller can learn of itself, and invitations. */
import { findOrganization } from "../../../directory/organization.ts"
import { activateUser, findUser, inviteUser } from "../../../directory/users.ts"
import { principalOf } from "../../../gateway/authorize.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { ENTITY_TYPES } from "../../../lib/roles.ts"
import { timestamp, userAnswer } from "../answers.ts"
import { missing } from "../contract.ts"
import { actorOf, type IdentityHandler } from "../environment.ts"
import type * as routes from "./routes.ts"

export const getOrganizationHandler: IdentityHandler<typeof routes.getOrganization> = async (c) => {
  const organization = await findOrganization(c.get("directory"), principalOf(c).organizationId)
  if (organization === null) throw missing("organization")
  const { id, name, ownerId, createdAt, updatedAt } = organization
  const answer = { id, name, owner_id: ownerId, login_path: "", state: "active" as const, retention_period_days: 0 }
  return c.json({ ...answer, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) }, 200)
}

export const getMeHandler: IdentityHandler<typeof routes.getMe> = async (c) => {
  const principal = principalOf(c)
  const user = principal.type === "user" ? await findUser(c.get("directory"), principal.id) : null
  if (user === null) {
    throw new ApiError("not_found", "The requested user was not found: the token is that of a system account")
  }
  return c.json(userAnswer(user), 200)
}

export const activateMeHandler: IdentityHandler<typeof routes.activateMe> = async (c) => {
  const directory = c.get("directory")
  const actor = actorOf(c)
  const activated = await activateUser(directory, actor, c.req.valid("json").full_name)
  if (!activated) throw new ApiError("conflict", "The user is already active: there is no invitation to accept")
  const user = await findUser(directory, actor.principal.id)
  if (user === null) throw missing("user")
  return c.json(userAnswer(user), 200)
}

export const inviteUserHandler: IdentityHandler<typeof routes.inviteUser> = async (c) => {
  const result = await inviteUser(c.get("directory"), actorOf(c), c.req.valid("json").email.toLowerCase())
  if (result.outcome === "active") throw new ApiError("conflict", "User is already active")
  const { user, activationToken, expiresAt } = result
  return c.json({ user_id: user.id, activation_token: activationToken, expires_at: timestamp(expiresAt) }, 201)
}

export const listRolesHandler: IdentityHandler<typeof routes.listRoles> = (c) => {
  const types = Object.entries(ENTITY_TYPES).map(([key, { name, roles }]) => {
    const described = Object.entries(roles).map(([slug, role]) => [
      slug,
      { name: role.name, description: role.description },
    ])
    return [key, { name, roles: Object.fromEntries(described) }]
  })
  return c.json(Object.fromEntries(types), 200)
}
