/** Lists of the directory: conditions, order and pages as SQL. */
import { and, asc, count, desc, type SQL, sql } from "drizzle-orm"
import type { AnySQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core"
import type { Condition, Listed, ListRequest } from "../lib/list-request.ts"
import type { Directory } from "./directory.ts"

/** The column behind each field that a list can be asked for. */
export type ListColumns = Readonly<Record<string, AnySQLiteColumn>>

/**
 * The rows of `table` that meet a request and `within`, with their number: one round trip. Rows that sort alike are told apart
 * by their id, so that pages do not overlap.
 */
export async function listRows<Table extends SQLiteTable & { id: AnySQLiteColumn }>(
  directory: Directory,
  table: Table,
  columns: ListColumns,
  request: ListRequest,
  within?: SQL,
): Promise<Listed<Table["$inferSelect"]>> {
  const { rows, total } = listStatements(directory, table, columns, request, within)
  const [found, [counted]] = await directory.db.batch([rows, total])
  return { rows: found, total: counted?.total ?? 0 }
}

/** The statements of `listRows`, for one who asks for more in the same round trip. */
export function listStatements<Table extends SQLiteTable & { id: AnySQLiteColumn }>(
  directory: Directory,
  table: Table,
  columns: ListColumns,
  request: ListRequest,
  within?: SQL,
) {
  const { db } = directory
  const wanted = and(within, ...request.conditions.map((condition) => conditionSql(condition, columns)))
  const order = request.sort.map(({ field, descending }) => (descending ? desc : asc)(columnOf(columns, field)))
  const { number, size } = request.page
  const rows = db
    .select()
    .from(table)
    .where(wanted)
    // The newest of what was made at one time come first where the newest come first.
    .orderBy(...order, request.sort.at(-1)?.descending ? desc(table.id) : asc(table.id))
    .limit(size)
    .offset((number - 1) * size)
  return { rows, total: db.select({ total: count() }).from(table).where(wanted) }
}

/**
 * Whether somebody, or a team, of this id stands in one of the tables. As part of a statement it holds at the moment of the change, whoever
 * else is deleting.
 */
export function stands(id: string, tables: readonly ("users" | "system_accounts" | "teams")[]): SQL {
  const found = tables.map((table) => sql`exists (select 1 from ${sql.identifier(table)} where id = ${id})`)
  return sql`(${sql.join(found, sql` or `)})`
}

/** Those whose id is that of a member of the team; everybody for null. */
export function inTeam(id: AnySQLiteColumn, teamId: string | null): SQL | undefined {
  return teamId === null ? undefined : sql`${id} in (select member_id from team_members where team_id = ${teamId})`
}

function conditionSql({ field, key, operator, values }: Condition, columns: ListColumns): SQL {
  const column = columnOf(columns, field)
  const subject = key === null ? sql`${column}` : sql`json_extract(${column}, ${`$.${JSON.stringify(key)}`})`
  const [value = ""] = values
  switch (operator) {
    case "eq":
      return sql`${subject} = ${value}`
    case "neq":
      return sql`${subject} is not ${value}`
    case "oeq":
      return sql`${subject} in (select value from json_each(${JSON.stringify(values)}))`
    case "contains":
      return contains(subject, [value])
    case "ocontains":
      return contains(subject, values)
    case "exists":
      return sql`${subject} is not null`
    case "lt":
      return sql`${subject} < cast(${value} as integer)`
    case "lte":
      return sql`${subject} <= cast(${value} as integer)`
    case "gt":
      return sql`${subject} > cast(${value} as integer)`
    case "gte":
      return sql`${subject} >= cast(${value} as integer)`
  }
}

/** `like` would read `%` and `_` in the value as its own, and D1 limits its pattern to 50 bytes. */
function contains(subject: SQL, values: string[]): SQL {
  return sql`exists (select 1 from json_each(${JSON.stringify(values)}) where instr(lower(${subject}), lower(value)) > 0)`
}

function columnOf(columns: ListColumns, field: string): AnySQLiteColumn {
  const column = columns[field]
  if (!column) throw new Error(`a list was asked for '${field}', which it does not have`)
  return column
}
