/** Which JSON can be stored and read back as the same. Pure. */

/** How many arrays and objects may stand in each other. SQLite's functions for JSON refuse more than a thousand. */
const DEEPEST = 500

/** Why a parsed JSON value cannot be kept as it is, or null. Works without recursion, however deep the value is. */
export function jsonProblem(value: unknown): string | null {
  let level: unknown[] = [value]
  for (let depth = 1; level.length > 0; depth++) {
    // `1e999` is read as infinite, and would be written as null.
    if (level.some((one) => typeof one === "number" && !Number.isFinite(one))) return "holds a number that is too large"
    const containers = level.filter((one) => typeof one === "object" && one !== null)
    if (containers.length > 0 && depth > DEEPEST) return `is nested more than ${DEEPEST} levels deep`
    level = containers.flatMap((one) => Object.values(one))
  }
  return null
}
