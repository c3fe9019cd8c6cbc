/** Names of projects, stages and services. Pure. */

/** Whether a name can be that of a project or a stage. */
export function isEntityName(name: string): boolean {
  return /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)
}

const LONGEST_SERVICE_NAME = 43

/** Why a name cannot be that of a service (a folder, and in Keptn a Kubernetes object), or null. */
export function serviceNameProblem(name: string): string | null {
  if (name === "") return "must provide a service name"
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const special =
    name === "." || name === ".." || name.toLowerCase() === ".git" || /[/><|:&\\~\u0000-\u001f\u007f]/.test(name)
  if (special) {
    return "Service name contains special character(s). It is used as the name of a folder: use letters, digits and hyphens"
  }
  return name.length > LONGEST_SERVICE_NAME ? `Service name is longer than ${LONGEST_SERVICE_NAME} characters` : null
}
