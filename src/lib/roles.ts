/** The catalogue of roles on Projects and what each allows. The one place where a role's meaning is written down. */

/** What a route can ask for on a project. */
export type Action = "read" | "integrate" | "contribute" | "administer" | "create"

/** A role: what it is called and means, and which actions on a project it allows. */
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
} as const satisfies Record<string, { name: string; roles: Record<string, Role> }>

/** From the least to the most, with the one that stands apart at the end: the order in which sentences name them. */
const { viewer, integration, contributor, admin, creator } = ENTITY_TYPES.projects.roles
const PROJECT_ROLES: readonly Role[] = [viewer, integration, contributor, admin, creator]

/** The names of all roles that allow `action`. */
export function rolesAllowing(action: Action): readonly string[] {
  return PROJECT_ROLES.filter((role) => role.allows.includes(action)).map((role) => role.name)
}

/** The roles that allow `action`, for a sentence: `Contributor or Admin`. */
export function roleNames(action: Action): string {
  const names = rolesAllowing(action)
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`
}
