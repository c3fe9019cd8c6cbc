/** What a pushed commit is held to, beside its form: its dates can be answered again. Pure. */
import type { CommitFacts, WrittenSignature } from "./objects.ts"

/** The last second that RFC 3339 can name, in seconds since 1970: the end of the year 9999. */
const LAST_SECOND = 253_402_300_799

/** Why a commit cannot be stored, or null. Its author and its committer are both looked at. */
export function commitProblem({ author, committer }: CommitFacts): string | null {
  return dateProblem("author", author) ?? dateProblem("committer", committer)
}

function dateProblem(whose: string, { time, zone }: WrittenSignature): string | null {
  if (time < 0) return `the date of its ${whose} is before 1970, which git cannot read`
  if (time > LAST_SECOND) return `the date of its ${whose} is after the year 9999`
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))]
  return hours > 23 || minutes > 59 ? `the time zone of its ${whose} is ${zone}, which does not exist` : null
}
