/** Names of resources: how clients escape them, and which of them are files. Pure. */
import { utf8 } from "../../lib/bytes.ts"
import { hasControlCharacter } from "../../lib/text.ts"

/** The longest path of a file, in bytes; git and file systems agree on less for a single name. */
const LONGEST_PATH = 1024
const LONGEST_NAME = 255

/**
 * The name that a path parameter stands for. The gateway has decoded the path once; clients of Keptn escape names once or
 * twice, and its service unescapes what is left as a query is unescaped: `%2F` is a slash, `+` a blank, `%2B` a plus. A broken
 * escape is taken as it stands.
 */
export function unescapeUri(parameter: string): string {
  const spaced = parameter.replaceAll("+", " ")
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

/** The path of the file that a resource URI names, without leading and double slashes; or null when it names none. */
export function filePath(uri: string): string | null {
  const path = uri.replace(/\/{2,}/g, "/").replace(/^(\.?\/)+/, "")
  const names = path.split("/")
  const sound =
    !uri.includes("..") &&
    !uri.includes("~") &&
    utf8(path).length <= LONGEST_PATH &&
    path.isWellFormed() &&
    !hasControlCharacter(path) &&
    names.every(isFileName)
  return sound ? path : null
}

/** Git keeps `.git` for itself, in any case. */
function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name.toLowerCase() !== ".git" && utf8(name).length <= LONGEST_NAME
}
