/** What stands in the directory, read past the Worker. */
import { env } from "cloudflare:workers"
import { z } from "zod"

const text = z.object({ text: z.string() })
const number = z.object({ n: z.number() })

async function rows<T>(schema: z.ZodType<T>, sql: string, ...values: unknown[]): Promise<T[]> {
  const { results } = await env.DB_GLOBAL.prepare(sql)
    .bind(...values)
    .all()
  return z.array(schema).parse(results)
}

/** The roles that are assigned on a project of `eu`. */
export async function rolesOn(project: string): Promise<string[]> {
  const sql = "select role_name as text from role_assignments where entity_id = ? and entity_region = 'eu'"
  return (await rows(text, sql, project)).map((row) => row.text)
}

/** How many rows of a table meet a condition on one value. */
export async function count(table: string, condition: string, value: string): Promise<number> {
  const [row] = await rows(number, `select count(*) as n from ${table} where ${condition}`, value)
  return row?.n ?? 0
}

/** How many rows name somebody, or a team, by table. */
export async function rowsNaming(id: string): Promise<Record<string, number>> {
  return {
    tokens: await count("tokens", "owner_id = ?", id),
    role_assignments: await count("role_assignments", "subject_id = ?", id),
    team_members: await count("team_members", "? in (member_id, team_id)", id),
  }
}

/** How many entries of the audit trail tell of an action on something. */
export async function audited(id: string, action: string): Promise<number> {
  const sql = "select count(*) as n from audit_log where entity_id = ? and action = ?"
  const [row] = await rows(number, sql, id, action)
  return row?.n ?? 0
}
