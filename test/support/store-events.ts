/** Many events at once, stored as the Worker stores them but without a request for each. */
import { env } from "cloudflare:workers"
import { Meter } from "../../src/lib/meter.ts"
import { appendEvent } from "../../src/partition/events.ts"
import { openPartition } from "../../src/partition/partition.ts"

const BATCH = 100

/** Stores `count` events in `eu`, in a context each unless `members` gives one. Later ones are newer, also when their times are equal. */
export async function storeEvents(
  count: number,
  members: (n: number) => {
    type: string
    data: Record<string, unknown>
    time?: string
    shkeptncontext?: string
    source?: string
  },
): Promise<void> {
  const bindings = { database: env.DB_EU, bucket: env.BLOBS_EU, cache: null }
  const { db } = openPartition("eu", bindings, { meter: new Meter(), later: () => undefined })
  const statements = Array.from({ length: count }, (_, n) =>
    appendEvent(db, {
      id: crypto.randomUUID(),
      source: "test",
      specversion: "1.0",
      contenttype: "application/json",
      time: new Date().toISOString(),
      shkeptncontext: crypto.randomUUID(),
      ...members(n),
    }),
  )
  for (let start = 0; start < count; start += BATCH) {
    const [first, ...rest] = statements.slice(start, start + BATCH).flat()
    if (first) await db.batch([first, ...rest])
  }
}
