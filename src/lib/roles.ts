/** The catalogue of roles, by what they are on, and what each allows. The one place where a role's meaning is written down. */

/** What a route can ask for on a project; on secrets, `read` and `administer`. */
export const ACTIONS = ["read", "integrate", "contribute", "administer", "create"] as const
export type Action = (typeof ACTIONS)[number]

/** A role: what it is called and means, and which actions it allows. */
export interface Role {
  name: string
  description: string
  allows: readonly Action[]
}

/** The entity types that roles are on, by the key that Konnect's catalogue has for them. */
export const ENTITY_TYPES = {
  projects: {
    name: "Projects",
    roles: {
      admin: {
        name: "Admin",
        description: "May do everything to the project, also delete it",
        allows: ["read", "integrate", "contribute", "administer"],
      },
      contributor: {
        name: "Contributor",
        description: "Reads; writes resources and services, and sends any event",
        allows: ["read", "integrate", "contribute"],
      },
      creator: { name: "Creator", description: "Creates projects, and becomes Admin of them", allows: ["create"] },
      integration: {
        name: "Integration",
        description: "Reads; sends events that report on a task",
        allows: ["read", "integrate"],
      },
      viewer: { name: "Viewer", description: "Reads", allows: ["read"] },
    },
  },
  secrets: {
    name: "Secrets",
    roles: {
      admin: {
        name: "Admin",
        description: "Creates, replaces and deletes secrets",
        allows: ["read", "administer"],
      },
      viewer: {
        name: "Viewer",
        description: "Sees the names of secrets, their scopes and the names of their values",
        allows: ["read"],
      },
    },
  },
} as const satisfies Record<string, { name: string; roles: Record<string, Role> }>

/** What roles can be on. */
export type EntityType = keyof typeof ENTITY_TYPES

/** From the least to the most, with the one that stands apart at the end: the order in which sentences name them. */
const { viewer, integration, contributor, admin, creator } = ENTITY_TYPES.projects.roles
const ROLES: Record<EntityType, readonly Role[]> = {
  projects: [viewer, integration, contributor, admin, creator],
  secrets: [ENTITY_TYPES.secrets.roles.viewer, ENTITY_TYPES.secrets.roles.admin],
}

/** The names of all roles that allow `action`. */
export function rolesAllowing(action: Action, on: EntityType = "projects"): readonly string[] {
  return ROLES[on].filter((role) => role.allows.includes(action)).map((role) => role.name)
}

/** The roles that allow `action`, for a sentence: `Contributor or Admin`. */
export function roleNames(action: Action, on: EntityType = "projects"): string {
  const names = rolesAllowing(action, on)
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`
}
