/** How clients escape the names of resources. Pure. */

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
