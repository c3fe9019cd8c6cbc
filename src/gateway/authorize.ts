/** What a route requires of its caller: declared once per route, checked here, and told in the OpenAPI document from the same words. */
import type { MiddlewareHandler } from "hono"
import {
  mayActOn,
  mayActOnAny,
  mayActOnOrganization,
  mayActOnSecrets,
  missingRole,
  missingRoleOnAny,
  missingRoleOnSecrets,
  organizationTeams,
  type Principal,
  projectReach,
  type Reach,
} from "../lib/principal.ts"
import { type Action, roleNames } from "../lib/roles.ts"
import type { GatewayEnv, RequestFacts } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { once, type RightsCheck } from "./idempotency.ts"

/**
 * `token`: any valid token. `project`: `action` on the project that the path names. `projects`: nothing up front; the answer
 * holds only projects on which the caller may `action`. `body`: `action` on the project that the body names, which the
 * handler checks with `requireProject` once it has read it; what the body holds may ask for more than `action`, up to `atMost`, and with
 * `secrets` for Admin on secrets. `all-projects`: `action` on every project of the region, with `secrets` Admin on secrets besides. `any-project`: `action` on at least one project of the region, for
 * what belongs to the region as a whole. `secrets`: `action` on the secrets of the region. `organization`: a place in a system
 * team that allows `action`. `self`: the same, or to be the user that the path names.
 */
export type Requirement =
  | { on: "token" }
  | { on: "project"; action: Action; param: string; notFound: (project: string) => ApiError }
  | { on: "projects"; action: Action }
  | { on: "body"; action: Action; atMost?: Action; secrets?: true }
  | { on: "all-projects"; action: Action; secrets?: true }
  | { on: "any-project"; action: Action }
  | { on: "secrets"; action: "read" | "administer" }
  | { on: "organization"; action: "read" | "administer" }
  | { on: "self"; action: "read" | "administer"; param: string }

/** The part of a requirement that an OpenAPI document shows as `x-requires`. */
export interface DocumentedRequirement {
  on: Requirement["on"]
  action?: Action
  atMost?: Action
  secrets?: true
}

/** The members that a route with this requirement has in common with all others of its kind. */
export function requires(requirement: Requirement) {
  return {
    middleware: authorize(requirement),
    security: [{ token: [] }, { bearer: [] }],
    "x-requires": documentedRequirement(requirement),
  }
}

/** The part of a requirement that a document shows. */
export function documentedRequirement(requirement: Requirement): DocumentedRequirement {
  if (requirement.on === "token") return { on: "token" }
  const { on, action } = requirement
  const { atMost, secrets } = on === "body" ? requirement : {}
  return { on, action, ...(atMost && { atMost }), ...(secrets && { secrets }) }
}

/** The sentence about a requirement in an operation's description. */
export function requirementText({ on, action, secrets }: DocumentedRequirement): string {
  if (on === "token" || action === undefined) return "Requires a valid token."
  if (on === "organization" || on === "self") {
    const teams = organizationTeams(action === "read" ? "read" : "administer").join(" or ")
    return `Requires a place in the team ${teams}${on === "self" ? ", or to be that user" : ""}.`
  }
  if (on === "secrets") return `Requires the role ${roleNames(action, "secrets")} on secrets.`
  const roles = roleNames(action)
  if (on === "projects") return `Shows projects on which the caller has the role ${roles}.`
  if (on === "any-project") return `Requires the role ${roles} on at least one project.`
  if (on === "all-projects") {
    return `Requires the role ${roles} on all projects${secrets ? `, and ${roleNames("administer", "secrets")} on secrets` : ""}.`
  }
  return `Requires the role ${roles} on the project${on === "body" ? " that the request names" : ""}.`
}

/** The principal of a request that passed authentication. */
export function principalOf(c: RequestFacts): Principal {
  const principal = c.get("principal")
  if (!principal) throw new Error("a route that needs a principal was reached without one")
  return principal
}

/** The region of a request to a regional host. */
function regionOf(c: RequestFacts): string {
  const { target } = c.env
  if (target?.plane !== "regional") throw new Error("a regional route was reached on another plane")
  return target.region
}

/** The projects of this region on which the caller may do `action`. */
export function reachOf(c: RequestFacts, action: Action): Reach {
  return projectReach(principalOf(c), action, regionOf(c))
}

/** Whether the caller may read everything there is in the organization. */
export function seesEverything(c: RequestFacts): boolean {
  return mayActOnOrganization(principalOf(c), "read")
}

/**
 * Checks that the caller may do `action` on `project` ("" and "*": on all). A project that the caller may not even see is
 * not found, as if it did not exist; otherwise the refusal names the role that is missing. Throws an `ApiError`.
 */
export function requireProject(
  c: RequestFacts,
  action: Action,
  project: string,
  notFound: (project: string) => ApiError,
): void {
  const principal = principalOf(c)
  const region = regionOf(c)
  c.get("keyedRequest")?.noteCheck({ on: "project", action, project, notFound: notFound(project).message })
  const entity = project === "" ? "*" : project
  if (mayActOn(principal, action, entity, region)) return
  const visible = entity === "*" || action === "create" || mayActOn(principal, "read", entity, region)
  if (!visible) throw notFound(project)
  throw new ApiError("permission_denied", missingRole(action, entity, region))
}

/** Checks that the caller may report on each of the projects that a subscription names. Throws an `ApiError`. */
export function requireSubscribe(c: RequestFacts, projects: readonly string[] | null): void {
  for (const project of new Set(projects)) {
    requireProject(c, "integrate", project, () => new ApiError("not_found", `project '${project}' not found`))
  }
}

function requireAnyProject(c: RequestFacts, action: Action): void {
  const region = regionOf(c)
  if (mayActOnAny(principalOf(c), action, region)) return
  throw new ApiError("permission_denied", missingRoleOnAny(action, region))
}

/** Checks that the caller may do `action` on the secrets of this region. Throws an `ApiError`. */
export function requireSecrets(c: RequestFacts, action: "read" | "administer"): void {
  const region = regionOf(c)
  c.get("keyedRequest")?.noteCheck({ on: "secrets", action })
  if (mayActOnSecrets(principalOf(c), action, region)) return
  throw new ApiError("permission_denied", missingRoleOnSecrets(action, region))
}

function requireOrganization(c: RequestFacts, action: "read" | "administer"): void {
  if (mayActOnOrganization(principalOf(c), action)) return
  throw new ApiError("permission_denied", `You must be in the team ${organizationTeams(action).join(" or ")}`)
}

/** What each of the middlewares below checks. */
const requirements = new WeakMap<object, Requirement>()

/** What a handler of a route checks, where it is the one that checks its requirement. */
export function requirementOf(handler: object): Requirement | undefined {
  return requirements.get(handler)
}

function authorize(requirement: Requirement): MiddlewareHandler<GatewayEnv> {
  const middleware: MiddlewareHandler<GatewayEnv> = async (c, next) => {
    check(c, requirement, (name) => c.req.param(name))
    return once(c, next, (right) => recheck(c, right))
  }
  requirements.set(middleware, requirement)
  return middleware
}

/** Looks again for a right that a handler looked for when the request was carried out. Throws an `ApiError`. */
function recheck(c: RequestFacts, right: RightsCheck): void {
  if (right.on === "secrets") requireSecrets(c, right.action)
  else requireProject(c, right.action, right.project, () => new ApiError("not_found", right.notFound))
}

/** Checks what can be checked before the request is read; `param` answers a parameter of the path. Throws an `ApiError`. */
export function check(c: RequestFacts, requirement: Requirement, param: (name: string) => string | undefined): void {
  const { id } = principalOf(c)
  if (requirement.on === "project") {
    const project = param(requirement.param) ?? ""
    // In a path it is no name for all projects, but one that no project can have.
    if (project === "*") throw requirement.notFound(project)
    requireProject(c, requirement.action, project, requirement.notFound)
  }
  if (requirement.on === "all-projects") {
    requireProject(c, requirement.action, "*", () => new ApiError("not_found", ""))
    if (requirement.secrets) requireSecrets(c, "administer")
  }
  if (requirement.on === "any-project") requireAnyProject(c, requirement.action)
  if (requirement.on === "secrets") requireSecrets(c, requirement.action)
  if (requirement.on === "organization") requireOrganization(c, requirement.action)
  if (requirement.on === "self" && param(requirement.param) !== id) requireOrganization(c, requirement.action)
}
