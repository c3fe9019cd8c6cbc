/** Names of projects and stages. Pure. */

/** Whether a name can be that of a project or a stage. */
export function isEntityName(name: string): boolean {
  return /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)
}
