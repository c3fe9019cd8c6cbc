/** How the installation's status is told. */
import type { DatabaseStatus, JobRun } from "../../../lib/job-runs.ts"
import { timestamp } from "../answers.ts"
import type { IdentityHandler, InstallationStatus, RegionStatus } from "../environment.ts"
import type * as routes from "./routes.ts"

export const getStatusHandler: IdentityHandler<typeof routes.getStatus> = async (c) => {
  const { version, directory, regions } = await c.get("readStatus")()
  const answer = { version, directory: databaseAnswer(directory), regions: regions.map(regionAnswer) }
  const sound = isSound(directory) && regions.every((one) => isSound(one) && one.bucket && one.cache !== false)
  return c.json({ status: sound ? ("ok" as const) : ("degraded" as const), ...answer }, 200)
}

type Database = InstallationStatus["directory"]

function isSound({ database, expected }: Database): boolean {
  return database !== null && pending(database, expected).length === 0 && !database.jobs.some(({ failed }) => failed)
}

function regionAnswer(status: RegionStatus) {
  return {
    region: status.region,
    ...databaseAnswer(status),
    bucket: { reachable: status.bucket },
    cache: status.cache === null ? null : { reachable: status.cache },
    oldest_event: status.oldestEvent === null ? null : timestamp(status.oldestEvent),
  }
}

function databaseAnswer({ database, expected }: Database) {
  return {
    database: { reachable: database !== null, bytes: database?.bytes ?? null },
    migrations: database && { applied: [...database.migrations], pending: pending(database, expected) },
    jobs: database?.jobs.map(jobAnswer) ?? [],
  }
}

function pending({ migrations }: DatabaseStatus, expected: readonly string[]): string[] {
  return expected.filter((name) => !migrations.includes(name))
}

function jobAnswer({ name, startedAt, ms, failed }: JobRun) {
  return { name, started_at: timestamp(startedAt), duration_ms: ms, failed }
}
