/** The rule that somebody can always get in: the last administrator with a token that lasts stays. */
import { type SQL, sql } from "drizzle-orm"

/** The result of ending a token, its owner or a membership. The last way in of an administrator is not ended. */
export type EndOutcome = "ended" | "missing" | "last-way-in"

/** A way in that ends within this many milliseconds is none, if another one lasted longer: 24 hours, the longest grace. */
const LASTS = 24 * 60 * 60 * 1000

/** A token `t` by which an administrator can get in, with the membership `m`. A token that has a successor is in its grace. */
const WAYS_IN = sql`from teams as a
    join team_members as m on m.team_id = a.id
    join tokens as t on t.owner_id = m.member_id
    left join users as u on u.id = m.member_id
    where a.system_team = 1 and a.name = 'organization-admin' and t.purpose = 'access' and t.revoked_at is null
    and t.successor_id is null and coalesce(u.active, 1) = 1`

/**
 * Whether some administrator of the organization can get in by one of the tokens that `remaining` (on the token `t` and the
 * membership `m`) leaves, for another day or for as long as by any token now. As part of a statement the rule holds at the
 * moment of the change, whoever else is changing something.
 */
export function anotherWayIn(remaining: SQL): SQL {
  const now = Date.now()
  return sql`exists (select 1 ${WAYS_IN} and t.expires_at > ${now}
    and t.expires_at >= min(${now + LASTS}, (select max(t.expires_at) ${WAYS_IN})) and ${remaining})`
}

/** The outcome of a statement that answers the rows it ended, beside those that were `found` in the same transaction. */
export function endOutcome(found: readonly unknown[], ended: readonly unknown[]): EndOutcome {
  if (ended.length > 0) return "ended"
  return found.length === 0 ? "missing" : "last-way-in"
}
