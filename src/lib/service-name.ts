/** Which names can be those of services. Pure. */
import { isGitFolder } from "./file-path.ts"
import { hasControlCharacter } from "./text.ts"

const LONGEST_SERVICE_NAME = 43

/** Why a name cannot be that of a service (a folder, and in Keptn a Kubernetes object), or null. */
export function serviceNameProblem(name: string): string | null {
  if (name === "") return "must provide a service name"
  const special =
    name === "." ||
    name === ".." ||
    isGitFolder(name) ||
    /[/><|:&\\~]/.test(name) ||
    hasControlCharacter(name) ||
    !name.isWellFormed()
  if (special) {
    return "Service name contains special character(s). It is used as the name of a folder: use letters, digits and hyphens"
  }
  return name.length > LONGEST_SERVICE_NAME ? `Service name is longer than ${LONGEST_SERVICE_NAME} characters` : null
}
