/** The scheduled jobs of the Worker, at the times at which Cloudflare would run them. */
import { Cron } from "croner"
import { CorePaths, type Miniflare } from "miniflare"
import type { Lifetime } from "./lifetime.ts"
import { StartError } from "./settings.ts"

/** The part of Miniflare that runs a job. */
type Dispatcher = Pick<Miniflare, "dispatchFetch">

const MINUTE_MS = 60_000

/** Runs the scheduled handler of the Worker whenever one of `crons` says so. */
export function scheduleJobs(miniflare: Dispatcher, crons: readonly string[], lifetime: Lifetime): void {
  for (const cron of crons) {
    const job = schedule(cron, async () => {
      const failure = await runJob(miniflare, cron)
      if (failure !== null && !lifetime.isEnding) {
        process.stderr.write(`The scheduled job "${cron}" failed: ${failure}\n`)
      }
    })
    lifetime.beforeEnd(() => job.stop())
  }
}

/** Cloudflare reads the times as UTC and counts the days of the week from Sunday = 1. */
function schedule(cron: string, run: () => Promise<void>): Cron {
  try {
    return new Cron(cron, { timezone: "UTC", alternativeWeekdays: true }, run)
  } catch {
    throw new StartError(`"${cron}" under [triggers] of wrangler.toml is no cron expression. Correct it.`)
  }
}

/** Runs one job; why it failed, or null. */
async function runJob(miniflare: Dispatcher, cron: string): Promise<string | null> {
  const time = Math.round(Date.now() / MINUTE_MS) * MINUTE_MS
  const query = new URLSearchParams({ cron, time: String(time) })
  try {
    const response = await miniflare.dispatchFetch(`http://localhost${CorePaths.SCHEDULED}?${query}`)
    const outcome = await response.text()
    return response.ok ? null : outcome
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
