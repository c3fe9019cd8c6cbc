/** Partitions opened beside the Worker, as its jobs open them. */
import { env } from "cloudflare:workers"
import { Meter } from "../../src/lib/meter.ts"
import { openPartition, type Partition, type PartitionBindings } from "../../src/partition/partition.ts"

/** The stores of `eu`, without its cache. */
export const euBindings: PartitionBindings = { database: env.DB_EU, bucket: env.BLOBS_EU, cache: null }

/** Opens a region on these stores. */
export function openRegion(bindings: PartitionBindings = euBindings, region = "eu"): Partition {
  return openPartition(region, bindings, { meter: new Meter(), later: () => undefined })
}
