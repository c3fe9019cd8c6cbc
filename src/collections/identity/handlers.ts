/** How the identity API behaves. */
import { findOrganization, findUser } from "../../directory/organization.ts"
import { principalOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import type { IdentityHandler } from "./environment.ts"
import type { getMe, getOrganization } from "./routes.ts"

export const getOrganizationHandler: IdentityHandler<ReturnType<typeof getOrganization>> = async (c) => {
  const organization = await findOrganization(c.get("directory"), principalOf(c).organizationId)
  if (organization === null) throw new ApiError("not_found", "The requested organization was not found")
  const { id, name, ownerId, createdAt, updatedAt } = organization
  const answer = { id, name, owner_id: ownerId, login_path: "", state: "active" as const, retention_period_days: 0 }
  return c.json({ ...answer, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) }, 200)
}

export const getMeHandler: IdentityHandler<ReturnType<typeof getMe>> = async (c) => {
  const principal = principalOf(c)
  const user = principal.type === "user" ? await findUser(c.get("directory"), principal.id) : null
  if (user === null) {
    throw new ApiError("not_found", "The requested user was not found: the token is that of a system account")
  }
  const { id, email, fullName, preferredName, active, createdAt, updatedAt } = user
  const answer = { id, email, full_name: fullName, preferred_name: preferredName, active }
  return c.json({ ...answer, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) }, 200)
}

function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
