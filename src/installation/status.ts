/** How the whole installation is: all storage of all planes, asked at once. */
import directoryJournal from "../../migrations/directory/meta/_journal.json"
import partitionJournal from "../../migrations/partition/meta/_journal.json"
import type { InstallationStatus, RegionStatus } from "../collections/identity/environment.ts"
import type { Config, RegionBindings } from "../config.ts"
import { openDirectory } from "../directory/directory.ts"
import { readDatabaseStatus } from "../lib/job-runs.ts"
import type { Meter } from "../lib/meter.ts"
import { openPartition } from "../partition/partition.ts"
import { readPartitionStatus } from "../partition/status.ts"

/** What does not answer in this time, in milliseconds, cannot be reached. */
const PATIENCE = 5_000

/** Asks everything. Never throws: what cannot be reached is told as such, and why is in the log. */
export async function readStatus(config: Config, meter: Meter): Promise<InstallationStatus> {
  const directory = openDirectory(config.directory, meter)
  const [database, ...regions] = await Promise.all([
    reach("the directory", () => readDatabaseStatus(directory.db)),
    ...[...config.regions].map(([region, bindings]) => regionStatus(region, bindings, meter)),
  ])
  return { version: config.version, directory: { database, expected: names(directoryJournal) }, regions }
}

async function regionStatus(region: string, bindings: RegionBindings, meter: Meter): Promise<RegionStatus> {
  const partition = openPartition(region, bindings, { meter, later: () => undefined })
  const { blobs } = partition
  const [found, bucket, cache] = await Promise.all([
    reach(`the database of ${region}`, () => readPartitionStatus(partition)),
    reach(`the bucket of ${region}`, async () => {
      await blobs.reachBucket()
      return true
    }),
    bindings.cache && reach(`the cache of ${region}`, () => blobs.reachCache()),
  ])
  return {
    region,
    database: found?.database ?? null,
    expected: names(partitionJournal),
    bucket: bucket ?? false,
    cache: bindings.cache && (cache ?? false),
    oldestEvent: found?.oldestEvent ?? null,
  }
}

/** What `ask` answers; null when it fails or takes too long. */
async function reach<T>(what: string, ask: () => Promise<T>): Promise<T | null> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE} ms`)), PATIENCE)
  try {
    return await Promise.race([ask(), late])
  } catch (error) {
    console.error(JSON.stringify({ event: "unreachable", what, error: String(error) }))
    return null
  } finally {
    clearTimeout(timer)
  }
}

function names(journal: { entries: { tag: string }[] }): string[] {
  return journal.entries.map(({ tag }) => `${tag}.sql`)
}
