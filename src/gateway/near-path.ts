/** Which path of ours a caller may have meant with one that is not there. */
import { editDistance } from "../lib/edit-distance.ts"

/** More characters than this between two paths are no slip any more; a missing `v1` with its slash is three. */
const MOST_EDITS = 3
/** Nothing is looked for in what no person typed. */
const LONGEST_PATH = 200

/** A path with what it takes to get there from the one that was sent. */
interface Candidate {
  edits: number
  segments: string[]
}

/**
 * The path most like `path` among `patterns` (paths as Hono writes them), with the caller's own names in the place of parameters; null when
 * none is like it, or when one is it.
 */
export function nearPath(path: string, patterns: Iterable<string>): string | null {
  if (path.length > LONGEST_PATH) return null
  let best: Candidate | null = null
  for (const pattern of patterns) {
    const candidate = pattern.includes("*") ? null : align(path.split("/"), pattern.split("/"), MOST_EDITS)
    if (candidate && (best === null || candidate.edits < best.edits)) best = candidate
  }
  return best === null || best.edits === 0 ? null : best.segments.join("/")
}

/** The cheapest way to make segments of a pattern out of those that were sent, with at most `budget` edits; null when there is none. */
function align(sent: readonly string[], pattern: readonly string[], budget: number): Candidate | null {
  if (budget < 0) return null
  const [word] = sent
  const [expected] = pattern
  if (word === undefined && expected === undefined) return { edits: 0, segments: [] }
  const candidates: (Candidate | null)[] = []
  if (word !== undefined && expected !== undefined) {
    if (takesSeveral(expected)) return { edits: 0, segments: [...sent] }
    const isParameter = expected.startsWith(":") && word !== ""
    const step = isParameter ? { edits: 0, segment: word } : { edits: slips(word, expected), segment: expected }
    candidates.push(extend(step.edits, [step.segment], align(sent.slice(1), pattern.slice(1), budget - step.edits)))
  }
  if (expected !== undefined && !expected.startsWith(":")) {
    const edits = expected.length + 1
    candidates.push(extend(edits, [expected], align(sent, pattern.slice(1), budget - edits)))
  }
  // Of what was sent only an empty segment, such as a slash at the end, is left out.
  if (word === "") candidates.push(extend(1, [], align(sent.slice(1), pattern, budget - 1)))
  const found = candidates.filter((candidate) => candidate !== null)
  return found.toSorted((one, other) => one.edits - other.edits)[0] ?? null
}

function extend(edits: number, segments: readonly string[], rest: Candidate | null): Candidate | null {
  return rest && { edits: edits + rest.edits, segments: [...segments, ...rest.segments] }
}

/** Whether a parameter takes all that follows: `:resourceURI{[^]+}`. */
function takesSeveral(segment: string): boolean {
  return /^:\w+\{(\.|\[\^\])\+\}$/.test(segment)
}

/** How many slips lead from a word to the expected one. A third of its letters and more make another word of it. */
function slips(word: string, expected: string): number {
  if (word === expected) return 0
  // Lengths that differ by more need not be compared.
  if (expected.startsWith(":") || Math.abs(word.length - expected.length) > MOST_EDITS) return Number.POSITIVE_INFINITY
  const distance = editDistance(word.toLowerCase(), expected.toLowerCase())
  return distance <= Math.max(1, Math.floor(expected.length / 3)) ? Math.max(1, distance) : Number.POSITIVE_INFINITY
}
