/** Who a request acts for, and what that principal may do. Pure: the directory makes principals, the gateway asks them. */
import { type Action, ENTITY_TYPES, type EntityType, roleNames, rolesAllowing } from "./roles.ts"

/** One role on one entity (or `*`) of a type in one region (or `*`), in Konnect's shape. */
export interface RoleAssignment {
  roleName: string
  entityTypeName: string
  entityId: string
  entityRegion: string
}

/** A user or a system account, with everything its roles and teams give it. */
export interface Principal {
  id: string
  type: "user" | "system-account"
  /** Shown as the author of commits. */
  name: string
  tokenId: string
  organizationId: string
  /** Names of the system teams it is in. */
  systemTeams: readonly string[]
  /** Direct and team assignments together: they add up, there is no deny. */
  assignments: readonly RoleAssignment[]
}

/** What the directory knows of a token. Times are milliseconds since 1970. */
export interface TokenRecord {
  principal: Principal
  /** A token for `activation` lets a user who was invited become active, and nothing else. */
  purpose: "access" | "activation"
  expiresAt: number
  revokedAt: number | null
  lastUsedAt: number | null
}

/** The entities a principal may act on: every one, or those named. */
export type Reach = { all: true } | { all: false; names: readonly string[] }

/** Whether `principal` may do `action` on the project called `project` (`*`: on every one) in `region`. */
export function mayActOn(principal: Principal, action: Action, project: string, region: string): boolean {
  const reach = projectReach(principal, action, region)
  return reach.all || reach.names.includes(project)
}

/** Whether `principal` may do `action` on at least one project of `region`. */
export function mayActOnAny(principal: Principal, action: Action, region: string): boolean {
  const reach = projectReach(principal, action, region)
  return reach.all || reach.names.length > 0
}

/** The projects of `region` on which `principal` may do `action`. */
export function projectReach(principal: Principal, action: Action, region: string): Reach {
  if (principal.systemTeams.includes(ORGANIZATION_ADMIN)) return { all: true }
  if (action === "read" && principal.systemTeams.includes(ORGANIZATION_ADMIN_READ_ONLY)) return { all: true }
  const names = entitiesOf(principal, "projects", action, region)
  return names.includes("*") ? { all: true } : { all: false, names }
}

/** Whether `principal` may read, or change, the secrets of `region`. They are one entity: a role on anything but `*` is none. */
export function mayActOnSecrets(principal: Principal, action: "read" | "administer", region: string): boolean {
  return mayActOnOrganization(principal, action) || entitiesOf(principal, "secrets", action, region).includes("*")
}

/** The entities of a type in `region` on which a role of `principal` allows `action`. */
function entitiesOf(principal: Principal, type: EntityType, action: Action, region: string): string[] {
  const roles = rolesAllowing(action, type)
  const { name } = ENTITY_TYPES[type]
  return principal.assignments
    .filter((one) => one.entityTypeName === name && (one.entityRegion === region || one.entityRegion === "*"))
    .filter((one) => roles.includes(one.roleName))
    .map((one) => one.entityId)
}

/** Whether `principal` may read, or change, who may do what in the organization. */
export function mayActOnOrganization(principal: Principal, action: "read" | "administer"): boolean {
  return organizationTeams(action).some((team) => principal.systemTeams.includes(team))
}

/** The system teams that allow `action` on the organization. */
export function organizationTeams(action: "read" | "administer"): readonly string[] {
  return action === "read" ? [ORGANIZATION_ADMIN, ORGANIZATION_ADMIN_READ_ONLY] : [ORGANIZATION_ADMIN]
}

/** A sentence for a 403: the roles, any of which would be enough. */
export function missingRole(action: Action, project: string, region: string): string {
  const entity = project === "*" ? "all projects" : `project '${project}'`
  return `missing role ${roleNames(action)} on ${entity} in region '${region}'`
}

/** As `missingRole`, where a role on whichever project would be enough. */
export function missingRoleOnAny(action: Action, region: string): string {
  return `missing role ${roleNames(action)} on at least one project in region '${region}'`
}

/** As `missingRole`, on the secrets of a region. */
export function missingRoleOnSecrets(action: "read" | "administer", region: string): string {
  return `missing role ${roleNames(action, "secrets")} on secrets in region '${region}'`
}

/** The system team whose members may do everything. */
export const ORGANIZATION_ADMIN = "organization-admin"
/** The system team whose members may read everything. */
export const ORGANIZATION_ADMIN_READ_ONLY = "organization-admin-read-only"
/** The entity type of Keptn projects in role assignments. */
export const PROJECTS = "Projects"
