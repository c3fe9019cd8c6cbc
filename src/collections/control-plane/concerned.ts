/** Which subscriptions and logs a caller sees, and which it may change. */
import { reachOf, seesEverything } from "../../gateway/authorize.ts"
import type { RequestFacts } from "../../gateway/environment.ts"
import type { ProjectsConcerned } from "../../partition/concerned.ts"

/** What a caller may see of what concerns projects: what names none of them is for those who may administer, or read, everything. */
export function shownTo(c: RequestFacts): ProjectsConcerned {
  return { named: reachOf(c, "read"), unnamed: reachOf(c, "administer").all || seesEverything(c) }
}

/**
 * What the holder of a token that integrations send may change, and is told to work on. An integration that names no project
 * is told so: it works on whatever its token lets it see.
 */
export function workedOnBy(c: RequestFacts): ProjectsConcerned {
  return { named: reachOf(c, "integrate"), unnamed: true }
}
