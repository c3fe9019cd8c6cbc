/** The scheduled jobs: what they are called and do, and how they are run, region by region. wrangler.toml says when. */
import type { Config, RegionBindings } from "../config.ts"
import { trimAuditLog } from "../directory/audit.ts"
import { openDirectory } from "../directory/directory.ts"
import { forgetKeys } from "../lib/idempotency-keys.ts"
import { runJobs } from "../lib/job-runs.ts"
import { Meter } from "../lib/meter.ts"
import type { SealingKeys } from "../lib/sealing.ts"
import { archiveEvents } from "../partition/event-export.ts"
import { removeExpiredCounts } from "../partition/event-counts.ts"
import { collectGarbage } from "../partition/garbage.ts"
import { removeExpiredLogs } from "../partition/integration-logs.ts"
import { openPartition, type Partition } from "../partition/partition.ts"
import { clearDeletedProjects } from "../partition/projects.ts"
import { resealSecrets } from "../partition/resealing.ts"
import { findAbandonedRoleChanges } from "../partition/role-changes.ts"
import { removeExpiredIntegrations } from "../partition/uniform.ts"
import { settleRoleChange } from "./role-changes.ts"

/** Runs all jobs of all databases. Throws what one of them threw, when all have ended. */
export async function runAllJobs(config: Config): Promise<void> {
  const regional = [...config.regions].map(([region, bindings]) => runRegionalJobs(config, region, bindings))
  const results = await Promise.allSettled([...regional, runGlobalJobs(config)])
  for (const result of results) if (result.status === "rejected") throw result.reason
}

async function runRegionalJobs(config: Config, region: string, bindings: RegionBindings): Promise<void> {
  const partition = openPartition(region, bindings, { meter: new Meter(), later: () => undefined })
  const now = Date.now()
  await runJobs(partition.db, {
    "clear-deleted-projects": () => clearDeletions(partition),
    "settle-role-changes": () => settleRoleChanges(config, partition),
    "collect-garbage": () => tidyUp(partition),
    "archive-events": () => retainEvents(config, partition),
    "reseal-secrets": () => reseal(partition, config.secretKeys),
    "expire-integrations": () => removeExpiredIntegrations(partition, now - integrationLifetime(config)),
    "expire-integration-logs": () => removeExpiredLogs(partition, now),
    "expire-statistics": () => removeExpiredCounts(partition, now),
    "forget-idempotency-keys": () => forgetKeys(partition.db, now),
  })
}

async function runGlobalJobs(config: Config): Promise<void> {
  const directory = openDirectory(config.directory, new Meter())
  await runJobs(directory.db, {
    "trim-audit-log": () => trimAuditLog(directory, config.auditRetentionDays),
    "forget-idempotency-keys": () => forgetKeys(directory.db, Date.now()),
  })
}

/** How long an integration is known without a heartbeat, in milliseconds. */
export function integrationLifetime(config: Config): number {
  return config.integrationTtlHours * 60 * 60 * 1000
}

/** Moves events that are older than the retention to the archive. */
async function retainEvents(config: Config, partition: Partition): Promise<void> {
  if (config.eventRetentionDays === null) return
  const cutoff = Date.now() - config.eventRetentionDays * 24 * 60 * 60 * 1000
  const moved = await archiveEvents(partition, cutoff)
  if (moved > 0) console.log(JSON.stringify({ event: "events-archived", region: partition.region, events: moved }))
}

/** Removes garbage and checks a sample of what is stored. */
async function tidyUp(partition: Partition): Promise<void> {
  const { region } = partition
  const { damaged, ...report } = await collectGarbage(partition, Date.now())
  console.log(JSON.stringify({ event: "garbage-collected", region, ...report }))
  if (damaged.length > 0) console.error(JSON.stringify({ event: "damaged-objects", region, objects: damaged }))
}

/** Removes what is left of deleted projects where a failure cut that off. */
async function clearDeletions(partition: Partition): Promise<void> {
  const { region } = partition
  const cleared = await clearDeletedProjects(partition)
  if (cleared.length > 0) console.log(JSON.stringify({ event: "deleted-projects-cleared", region, projects: cleared }))
}

/** Tells the directory what it was not told when a failure cut a write off. */
async function settleRoleChanges(config: Config, partition: Partition): Promise<void> {
  const { region } = partition
  for (const change of await findAbandonedRoleChanges(partition)) {
    await settleRoleChange(openDirectory(config.directory, new Meter()), partition, change)
    console.log(JSON.stringify({ event: "role-change-settled", region, project: change.project }))
  }
}

/** Seals again what an older key has sealed. */
async function reseal(partition: Partition, keys: SealingKeys | null): Promise<void> {
  if (keys === null) return
  const { region } = partition
  const { unreadable, ...report } = await resealSecrets(partition, keys)
  if (report.resealed > 0) console.log(JSON.stringify({ event: "secrets-resealed", region, ...report }))
  if (unreadable.length > 0) console.error(JSON.stringify({ event: "unreadable-secrets", region, secrets: unreadable }))
}
