/** Which paths are those of files. Pure. */
import { utf8 } from "./bytes.ts"
import { hasControlCharacter } from "./text.ts"

/** The longest path of a file, in bytes; git and file systems agree on less for a single name. */
const LONGEST_PATH = 1024
const LONGEST_NAME = 255

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

/** Whether `path` is exactly that of a file that can be stored, as a push brings it. */
export function isFilePath(path: string): boolean {
  return filePath(path) === path
}

/** Code points that some file systems leave out when they compare names. */
const IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

function isFileName(name: string): boolean {
  return name !== "" && name !== "." && !isGitFolder(name) && utf8(name).length <= LONGEST_NAME
}

/** Git keeps `.git` for itself, and with it every name that some file system takes for it: git would not check such a file out. */
export function isGitFolder(name: string): boolean {
  return name
    .replace(IGNORED, "")
    .split("\\")
    .some((part) => /^\.git[ .]*(:|$)/i.test(part))
}
