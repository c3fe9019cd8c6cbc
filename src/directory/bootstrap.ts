/** The first rows of a new directory, and a token for the day all tokens are lost. Used by scripts: a running edge never calls it. */
import { type SQL, sql } from "drizzle-orm"
import { drizzle } from "drizzle-orm/d1"
import { drizzle as unconnected } from "drizzle-orm/sqlite-proxy"
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core"
import { sha256Hex } from "../lib/digest.ts"
import { ORGANIZATION_ADMIN, ORGANIZATION_ADMIN_READ_ONLY } from "../lib/principal.ts"
import { tokenHint } from "../lib/token-format.ts"
import { LONGEST_LIFE } from "./access-tokens.ts"
import { organizations, teamMembers, teams, tokens, users } from "./schema.ts"

/**
 * Creates the organization, its two system teams, its administrator and one token for it, `token`, which lives as long as a
 * token may. Does nothing when there is an organization already: it may be called again after it was cut off.
 */
export async function bootstrap(database: D1Database, token: string): Promise<void> {
  const db = drizzle(database)
  const organization = newOrganization()
  const [first, ...rest] = organization.statements(db)
  const tokenRow = tokenStatement(db, token, await sha256Hex(token), "first token", organization.isNew)
  await db.batch([first, ...rest, tokenRow])
}

/**
 * The statements that let somebody in who has no token, as SQL: those of `bootstrap` where there is no organization, and a
 * token named `name` for an administrator in any case.
 */
export async function wayInSql(token: string, name: string): Promise<string[]> {
  const db = unconnected(() => Promise.resolve({ rows: [] }))
  const hash = await sha256Hex(token)
  const statements = [...newOrganization().statements(db), tokenStatement(db, token, hash, name, sql`true`)]
  return statements.map((statement) => inlined(statement.toSQL()))
}

/** A database, or none: what statements are made with. */
type Inserts<Result> = Pick<BaseSQLiteDatabase<"async", Result>, "insert">

/** An organization that is only made where there is none. `isNew` holds after that in the same batch. */
function newOrganization() {
  const now = Date.now()
  const id = crypto.randomUUID()
  const administrator = crypto.randomUUID()
  const administrators = crypto.randomUUID()
  const isNew = sql`exists (select 1 from organizations where id = ${id})`
  const team = (teamId: string, name: string, description: string): SQL =>
    sql`select ${teamId}, ${id}, ${name}, ${description}, 1, '{}', ${now}, ${now} where ${isNew}`
  const statements = <Result>(db: Inserts<Result>) =>
    [
      db.insert(organizations).select(sql`select ${id}, 'Quarterdeck', ${administrator}, ${now}, ${now}
        where not exists (select 1 from organizations)`),
      db.insert(users).select(sql`select ${administrator}, ${id}, 'admin@quarterdeck.invalid', 'Administrator',
        'Administrator', 1, ${now}, ${now} where ${isNew}`),
      db.insert(teams).select(team(administrators, ORGANIZATION_ADMIN, "May do everything")),
      db.insert(teams).select(team(crypto.randomUUID(), ORGANIZATION_ADMIN_READ_ONLY, "May read everything")),
      db.insert(teamMembers).select(sql`select ${administrators}, ${administrator} where ${isNew}`),
    ] as const
  return { isNew, statements }
}

/** Inserts a token for somebody who may do everything: there always is somebody, since the last one cannot be removed. */
function tokenStatement<Result>(db: Inserts<Result>, token: string, hash: string, name: string, condition: SQL) {
  const now = Date.now()
  return db.insert(tokens)
    .select(sql`select ${crypto.randomUUID()}, ${hash}, ${tokenHint(token)}, m.member_id, ${name}, 'access', ${now}, ${now},
      ${now + LONGEST_LIFE}, null, null, null, null
      from teams as t join team_members as m on m.team_id = t.id left join users as u on u.id = m.member_id
      where t.system_team = 1 and t.name = ${ORGANIZATION_ADMIN} and coalesce(u.active, 1) = 1 and ${condition}
      order by u.created_at limit 1`)
}

/** A statement with its values written into it, for a tool that takes none. */
function inlined({ sql: text, params }: { sql: string; params: unknown[] }): string {
  const values = params.map((value) =>
    typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`,
  )
  return text.replace(/\?/g, () => values.shift() ?? "null")
}
