/** YAML that others wrote, read in time that grows with its length alone. Pure. */
import { isScalar, parseDocument, visit } from "yaml"

/** How many aliases a text may have: resolving each of them walks all that stands before it. */
const MOST_ALIASES = 100

/**
 * Reads one document of YAML; with the schema `failsafe` every scalar is a text. Throws what is wrong with it, also when it is nested too deep.
 * Mistakes are not shown in their surroundings, and keys are not compared with each other by the library: both take it time that
 * grows with the square of the length.
 */
export function parseYaml(text: string, options: { schema?: "failsafe" } = {}): unknown {
  const document = parseDocument(text, { ...options, prettyErrors: false, uniqueKeys: false })
  const [error] = document.errors
  if (error) throw error
  let aliases = 0
  visit(document, {
    Alias() {
      if (++aliases > MOST_ALIASES) throw new Error(`it has more than ${MOST_ALIASES} aliases`)
    },
    Map(_, { items }) {
      const keys = new Set(items.map(({ key }) => (isScalar(key) ? key.value : key)))
      if (keys.size < items.length) throw new Error("Map keys must be unique")
    },
  })
  return document.toJS()
}
