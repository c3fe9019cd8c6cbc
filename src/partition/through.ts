/** Which way a query goes. */
import { type SQL, sql } from "drizzle-orm"
import type { SQLiteTable } from "drizzle-orm/sqlite-core"

/**
 * `table`, to be read through `index` only. SQLite guesses which index is best, and guesses otherwise when its version or what
 * it has measured changes; a query that must not read more than it answers says it. It fails when the index does not serve it.
 */
export function through(table: SQLiteTable, index: string): SQL {
  return sql`${table} indexed by ${sql.identifier(index)}`
}
