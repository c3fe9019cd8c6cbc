/** How the scheduled jobs went last, as the database they work on keeps it; and what else a database tells of itself. */
import { sql } from "drizzle-orm"
import type { DrizzleD1Database } from "drizzle-orm/d1"
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core"
import { z } from "zod"

/** One run of one job. `startedAt` is milliseconds since 1970. What a failure was is in the log only. */
export interface JobRun {
  name: string
  startedAt: number
  ms: number
  failed: boolean
}

/** What a database tells of itself. */
export interface DatabaseStatus {
  bytes: number
  /** The names of the migrations that were applied, in their order. */
  migrations: readonly string[]
  /** The last run of each job; none before the first. */
  jobs: readonly JobRun[]
}

/**
 * One row, written once by each run of all jobs: a row for each job would be a billed write for each, every minute. The migrations of
 * both planes are made from it, too.
 * @public
 */
export const jobRuns = sqliteTable("job_runs", {
  id: integer("id").primaryKey(),
  jobs: text("jobs", { mode: "json" }).$type<JobRun[]>().notNull(),
})

/** Runs `jobs`, and keeps how they went. Throws what one of them threw, when all have ended: none keeps the others from what they can do. */
export async function runJobs(
  db: DrizzleD1Database,
  jobs: Readonly<Record<string, () => Promise<void>>>,
): Promise<void> {
  const started = Object.entries(jobs).map(async ([name, job]) => {
    const startedAt = Date.now()
    const [result] = await Promise.allSettled([job()])
    return { run: { name, startedAt, ms: Date.now() - startedAt, failed: result.status === "rejected" }, result }
  })
  const ended = await Promise.all(started)
  const runs = ended.map(({ run }) => run)
  await db.batch([
    db
      .insert(jobRuns)
      .values({ id: 1, jobs: runs })
      .onConflictDoUpdate({ target: jobRuns.id, set: { jobs: runs } }),
  ])
  for (const { result } of ended) if (result.status === "rejected") throw result.reason
}

const nameRows = z.array(z.object({ name: z.string() }))

/** Asks a database, in one trip. */
export async function readDatabaseStatus(db: DrizzleD1Database): Promise<DatabaseStatus> {
  const [applied, [kept]] = await db.batch([
    db.run(sql`select name from d1_migrations order by id`),
    db.select({ jobs: jobRuns.jobs }).from(jobRuns),
  ])
  return {
    bytes: applied.meta.size_after,
    migrations: nameRows.parse(applied.results).map(({ name }) => name),
    jobs: kept?.jobs ?? [],
  }
}
