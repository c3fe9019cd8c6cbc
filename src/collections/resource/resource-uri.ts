/** How clients escape the names of resources. Pure. The rule is in docs/files.md. */

/** The names that a path may stand for: `once` as it was decoded with the path, `twice` where an escape was left in it. */
export interface DecodedName {
  once: string
  twice: string
}

/**
 * Reads the name in a path that was decoded once. Keptn's clients escape names once or twice, so an escape that is left may
 * be theirs, or a part of the name. A broken escape is taken as it stands.
 */
export function decodedName(once: string): DecodedName {
  return { once, twice: unescaped(once) }
}

/** The name as a query is unescaped, where `+` is a blank: go-utils escapes names so. */
export function queryUnescaped(once: string): string {
  return unescaped(once.replaceAll("+", " "))
}

/** Whether every escape of a text can be decoded, into UTF-8. */
export function isDecodable(text: string): boolean {
  return decoded(text) !== null
}

function unescaped(text: string): string {
  return decoded(text) ?? text
}

function decoded(text: string): string | null {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
