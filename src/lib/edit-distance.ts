/** How alike two words are, for suggestions to people who mistyped one. */

/** The Levenshtein distance: how many characters have to be inserted, removed or replaced to make `one` of `other`. */
export function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [line, character] of one.split("").entries()) {
    const next = [line + 1]
    for (const [index, above] of row.slice(1).entries()) {
      const replaced = (row[index] ?? 0) + (other[index] === character ? 0 : 1)
      next.push(Math.min(above + 1, (next[index] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
