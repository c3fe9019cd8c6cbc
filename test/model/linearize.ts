/**
 * Whether a history of parallel operations can be explained by some order of them, one after the other, in which none comes before another
 * that had been answered before it was sent (linearizability; the search is that of Wing and Gong).
 */

/** An operation with its answer, and when it was sent and answered by a clock that counts. */
export interface Done<Operation, Answer> {
  client: number
  operation: Operation
  answer: Answer
  sent: number
  answered: number
}

/** The world after an operation that was answered so, or null when it cannot have been. */
export type Step<World, Operation, Answer> = (world: World, operation: Operation, answer: Answer) => World | null

/**
 * Looks for an order of `history`. `explained` false: there is none, and `longest` is the longest beginning of one that was found.
 */
export function linearize<World, Operation, Answer>(
  start: World,
  history: readonly Done<Operation, Answer>[],
  step: Step<World, Operation, Answer>,
): { explained: boolean; longest: Done<Operation, Answer>[] } {
  let longest: Done<Operation, Answer>[] = []
  const search = (
    world: World,
    order: Done<Operation, Answer>[],
    open: readonly Done<Operation, Answer>[],
  ): boolean => {
    if (order.length > longest.length) longest = order
    if (open.length === 0) return true
    const firstAnswer = Math.min(...open.map(({ answered }) => answered))
    return open.some((next) => {
      if (next.sent > firstAnswer) return false
      const after = step(world, next.operation, next.answer)
      return (
        after !== null &&
        search(
          after,
          [...order, next],
          open.filter((one) => one !== next),
        )
      )
    })
  }
  return { explained: search(start, [], history), longest }
}
