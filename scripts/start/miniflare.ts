/** Miniflare as every part of the start wants it: quiet, without network, and ended with this process. */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare"
import type { Lifetime } from "./lifetime.ts"

interface MiniflareSettings {
  storage: string
  verbose: boolean
  workers: V4WorkerOptions[]
}

/** Starts Miniflare and waits until it is ready. */
export async function startMiniflare(settings: MiniflareSettings, lifetime: Lifetime): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: settings.workers,
      resourcePersistencePath: settings.storage,
      // Describing the place of the machine would ask the network.
      cf: false,
      log: new Log(LogLevel.ERROR),
      logRequests: false,
      // On the inner socket only, which `dispatchFetch` uses: jobs.ts asks for a scheduled job there.
      unsafeTriggerHandlers: true,
      handleStructuredLogs: ({ level, message }) => {
        if (settings.verbose || level === "error") process.stderr.write(`${message}\n`)
      },
    }),
  )
  lifetime.beforeEnd(() => miniflare.dispose())
  await miniflare.ready
  return miniflare
}
