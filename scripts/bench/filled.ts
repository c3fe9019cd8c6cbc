/** The names of what a store is filled with. */

/** The project that has the events, and the one that has the commits. */
export const FILLED = "measured"
/** The file that every commit of it changes, and the one that none does. */
export const OFTEN = "often.txt"
export const NEVER = "never.txt"
/** When the newest event was sent, in ms since 1970; each older one a second before the next. */
export const NEWEST = 1_700_000_000_000

/** SQL for a UUID of the number that `number` is, in a row of ids that begin with a digit of their own. */
export function idOf(prefix: string, number: string): string {
  return `printf('${prefix}0000000-0000-4000-8000-%012d', ${number})`
}
