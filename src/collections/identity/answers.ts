/** Rows of the directory as the identity API answers them. */
import type { z } from "@hono/zod-openapi"
import type { AccessToken } from "../../directory/access-tokens.ts"
import type { AssignedRole } from "../../directory/assigned-roles.ts"
import type { SystemAccount } from "../../directory/system-accounts.ts"
import type { Team } from "../../directory/teams.ts"
import type { User } from "../../directory/users.ts"
import type { TokenPrefix } from "../../lib/token-format.ts"
import type { madeTokenSchema, tokenSchema } from "./access-tokens/schemas.ts"
import type { assignedRoleSchema } from "./assigned-roles/schemas.ts"
import type { accountSchema } from "./system-accounts/schemas.ts"
import type { teamSchema } from "./teams/schemas.ts"
import type { userSchema } from "./users/schemas.ts"

/** Milliseconds since 1970 as RFC 3339. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function stamps({ createdAt, updatedAt }: { createdAt: number; updatedAt: number }) {
  return { created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) }
}

export function userAnswer(user: User): z.infer<typeof userSchema> {
  const { id, email, fullName, preferredName, active } = user
  return { id, email, full_name: fullName, preferred_name: preferredName, active, ...stamps(user) }
}

export function teamAnswer(team: Team): z.infer<typeof teamSchema> {
  const { id, name, description, systemTeam, labels } = team
  return { id, name, description, system_team: systemTeam, labels, ...stamps(team) }
}

export function accountAnswer(account: SystemAccount): z.infer<typeof accountSchema> {
  const { id, name, description, konnectManaged } = account
  return { id, name, description, konnect_managed: konnectManaged, ...stamps(account) }
}

/** A token without its hash; a user's (`kpat`) says whose it is. */
export function tokenAnswer(prefix: TokenPrefix, token: AccessToken): z.infer<typeof tokenSchema> {
  const { id, ownerId, name, hint, expiresAt, lastUsedAt, revokedAt, revokedBy, successorId } = token
  const ended = expiresAt <= Date.now() ? "EXPIRED" : "ACTIVE"
  return {
    id,
    name,
    ...(prefix === "kpat" && { user_id: ownerId }),
    hint,
    state: revokedAt === null ? ended : "REVOKED",
    ...stamps(token),
    expires_at: timestamp(expiresAt),
    last_used_at: lastUsedAt === null ? null : timestamp(lastUsedAt),
    revoked_at: revokedAt === null ? null : timestamp(revokedAt),
    revoked_by: revokedBy,
    successor_id: successorId,
  }
}

/** A token that was just made, with its text. */
export function madeTokenAnswer(
  prefix: TokenPrefix,
  { token, text }: { token: AccessToken; text: string },
): z.infer<typeof madeTokenSchema> {
  return { ...tokenAnswer(prefix, token), token: text, konnect_token: text }
}

export function roleAnswer(role: AssignedRole): z.infer<typeof assignedRoleSchema> {
  return {
    id: role.id,
    role_name: role.roleName,
    entity_id: role.entityId,
    entity_type_name: role.entityTypeName,
    entity_region: role.entityRegion,
  }
}
