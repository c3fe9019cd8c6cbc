/** What it costs to know a token that the isolate does not know yet: it depends on its owner's rights, not on the organization. */
import { env } from "cloudflare:workers"
import { expect, it } from "vitest"
import { send, storageCounts } from "../support/client.ts"
import { assignRole, createTeam, createUser, issueToken } from "../support/people.ts"

/** The trips and rows of the first request with a token. */
async function coldCost(token: string): Promise<{ trips: number; rows: number }> {
  const { trips, rows } = storageCounts(await send("eu", "/api/v1/metadata", { token }))
  return { trips, rows }
}

/** A user with three roles of its own and two teams of two roles each. */
async function ordinaryUser(): Promise<string> {
  const user = await createUser()
  for (const entityId of ["a", "b", "c"]) await assignRole(user, { roleName: "Viewer", entityId })
  for (const name of ["one", "two"]) {
    const team = await createTeam(name, user)
    for (const roleName of ["Viewer", "Integration"]) await assignRole(team, { roleName, entityId: name })
  }
  return user
}

it("is one trip, and no more rows among 10,000 users, 1,000 teams and 100,000 assignments than alone", async () => {
  const user = await ordinaryUser()
  const alone = await coldCost(await issueToken(user))
  await env.DB_GLOBAL.batch([
    env.DB_GLOBAL.prepare(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
      insert into users select 'user-' || i, (select id from organizations), i || '@many.example.com', 'x', 'x', 1, 0, 0 from n`),
    env.DB_GLOBAL.prepare(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
      insert into teams select 'team-' || i, (select id from organizations), 'x', '', 0, '{}', 0, 0 from n`),
    env.DB_GLOBAL.prepare(`with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999)
      insert into team_members select 'team-' || (i % 1000 + 1), 'user-' || (i + 1) from n`),
    env.DB_GLOBAL.prepare(`with recursive n(i) as (select 0 union all select i + 1 from n where i < 99999)
      insert into role_assignments select 'role-' || i, 'user-' || (i % 10000 + 1), 'Viewer', 'Projects', 'p' || i, 'eu', 0 from n`),
  ])
  const among = await coldCost(await issueToken(user))
  expect(among.trips).toBe(1)
  // The ranges of its roles and of its two teams' roles are followed by other rows now, and one of each is looked at.
  expect(among.rows).toBeLessThanOrEqual(alone.rows + 3)
})
