/**
 * Applies migrations as `wrangler d1 migrations apply` does, with the same table and the same transaction per file, so that
 * either tool can follow the other; but in this process, which is quicker than one wrangler per database.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { unstable_splitSqlQuery as splitSql } from "wrangler"
import { z } from "zod"
import { StartError } from "./settings.ts"

/** A database and where its migrations are. */
export interface MigratedDatabase {
  binding: string
  folder: string
}

const appliedRows = z.array(z.object({ name: z.string() }))

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`

/** Brings `database` up to date. */
export async function applyMigrations(database: D1Database, { binding, folder }: MigratedDatabase): Promise<void> {
  await database.prepare(CREATE_TABLE).run()
  const { results } = await database.prepare(`SELECT name FROM "d1_migrations"`).all()
  const applied = new Set(appliedRows.parse(results).map((row) => row.name))
  for (const name of migrationNames(folder)) {
    if (!applied.has(name)) await applyMigration(database, binding, folder, name)
  }
}

/** Runs one file and records it, all or nothing. */
async function applyMigration(database: D1Database, binding: string, folder: string, name: string): Promise<void> {
  const record = `INSERT INTO "d1_migrations" (name)\nvalues ('${name.replaceAll("'", "''")}');`
  const statements = splitSql(`${readFileSync(join(folder, name), "utf8")}\n${record}`)
  try {
    await database.batch(statements.map((statement) => database.prepare(statement)))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartError(`Migration ${name} of ${binding} failed: ${reason}`)
  }
}

/** The migrations in `folder`, in the order of the numbers that their names begin with. */
function migrationNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
}
