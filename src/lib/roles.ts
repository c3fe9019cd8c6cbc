/** The catalogue of roles on Projects and what each allows. The one place where a role's meaning is written down. */

/** What a route can ask for on a project. */
export type Action = "read" | "integrate" | "contribute" | "administer" | "create"

const ROLES: Readonly<Record<string, readonly Action[]>> = {
  Viewer: ["read"],
  Integration: ["read", "integrate"],
  Contributor: ["read", "integrate", "contribute"],
  Admin: ["read", "integrate", "contribute", "administer"],
  Creator: ["create"],
}

/** The names of all roles that allow `action`. */
export function rolesAllowing(action: Action): readonly string[] {
  return Object.keys(ROLES).filter((role) => ROLES[role]?.includes(action))
}

/** The roles that allow `action`, for a sentence: `Contributor or Admin`. */
export function roleNames(action: Action): string {
  const names = rolesAllowing(action)
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`
}
