/** How the statistics API behaves. */
import { reachOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { bucketOf, MOST_COUNTERS, sumEventCounts } from "../../partition/event-counts.ts"
import type { RegionalHandler } from "../regional.ts"
import type { getStatistics } from "./routes.ts"
import { summarize } from "./summary.ts"

export const getStatisticsHandler: RegionalHandler<typeof getStatistics> = async (c) => {
  const now = Date.now()
  const { from = 0, to = Math.floor(now / 1000) } = c.req.valid("query")
  if (from > to) {
    const text = "Invalid time frame: 'from' timestamp must not be greater than 'to' timestamp"
    throw new ApiError("invalid_request", text)
  }
  const window = { from: from * 1000, to: to * 1000 }
  const counts = await sumEventCounts(c.get("partition"), window, reachOf(c, "read"))
  if (counts === null) {
    const text = `Invalid time frame: it holds more than ${MOST_COUNTERS} counters, choose a shorter one`
    throw new ApiError("invalid_request", text)
  }
  // Keptn holds the current half hour in memory, and has nothing to miss where a time frame reaches into it.
  if (counts.length === 0 && window.to < bucketOf(now)) {
    throw new ApiError("not_found", "no statistics found for selected time frame")
  }
  return c.json({ from: rfc3339(window.from), to: rfc3339(window.to), projects: summarize(counts) }, 200)
}

function rfc3339(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z")
}
