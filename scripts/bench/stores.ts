/** Miniflare for Workers that do not all share one set of data, and whose heap can be looked at. */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare"
import { z } from "zod"
import type { Lifetime } from "../start/lifetime.ts"

const namespaces = z.record(z.string(), z.object({ id: z.string() }))

/** The Worker with data that only those of the same `store` have. */
export function withStore(worker: V4WorkerOptions, store: string): V4WorkerOptions {
  const own = (shared: unknown) => {
    const entries = Object.entries(namespaces.parse(shared))
    return Object.fromEntries(entries.map(([binding, { id }]) => [binding, `${store}-${id}`]))
  }
  return {
    ...worker,
    d1Databases: own(worker.d1Databases),
    r2Buckets: own(worker.r2Buckets),
    kvNamespaces: own(worker.kvNamespaces),
  }
}

interface Wanted {
  storage: string
  workers: V4WorkerOptions[]
  /** Where the inspector of workerd shall listen; null: nowhere. */
  inspectorPort: number | null
}

/** Starts Miniflare, quiet and without network, until this process ends. */
export async function startInspected(wanted: Wanted, lifetime: Lifetime): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: wanted.workers,
      resourcePersistencePath: wanted.storage,
      cf: false,
      log: new Log(LogLevel.ERROR),
      logRequests: false,
      handleStructuredLogs: ({ level, message }) => {
        if (level === "error") process.stderr.write(`${message}\n`)
      },
      ...(wanted.inspectorPort !== null && { inspectorPort: wanted.inspectorPort }),
    }),
  )
  lifetime.beforeEnd(() => miniflare.dispose())
  await miniflare.ready
  return miniflare
}
