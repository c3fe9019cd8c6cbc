/** Why a branch cannot be moved by a push. */

/** A ref that cannot be moved; the message is for the one who pushes. */
export class RefProblem extends Error {
  override name = "RefProblem"
}

/** Somebody else moved the branch: what git's own client says it with. */
export const FETCH_FIRST = "fetch first"
