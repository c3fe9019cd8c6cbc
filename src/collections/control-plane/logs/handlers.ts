/** How integrations log, and how that is found. */
import type { z } from "@hono/zod-openapi"
import { ApiError } from "../../../gateway/errors.ts"
import { appendLogs, findLogs, type LogEntry } from "../../../partition/integration-logs.ts"
import type { RegionalHandler } from "../../regional.ts"
import { shownTo } from "../concerned.ts"
import type { createLogs, listLogs } from "./routes.ts"
import { LARGEST_PAGE, type logPageSchema } from "./schemas.ts"

export const createLogsHandler: RegionalHandler<typeof createLogs> = async (c) => {
  const { logs } = c.req.valid("json")
  if (logs.length === 0) throw new ApiError("keptn_failure", "must provide at least one element in input slice")
  const now = Date.now()
  const entries = logs.map((sent) => ({
    integrationId: sent.integrationid,
    message: sent.message,
    time: sent.time ?? now,
    context: sent.shkeptncontext,
    task: sent.task,
    triggeredId: sent.triggeredid,
    gitCommitId: sent.gitcommitid,
  }))
  await appendLogs(c.get("partition"), entries, now)
  return c.json({}, 200)
}

export const listLogsHandler: RegionalHandler<typeof listLogs> = async (c) => {
  const { integrationId, fromTime, beforeTime, pageSize, nextPageKey } = c.req.valid("query")
  const filter = { integrationId, from: readTime("fromTime", fromTime), to: readTime("beforeTime", beforeTime) }
  const page = {
    after: nextPageKey > 0 ? nextPageKey : null,
    size: pageSize > 0 ? Math.min(pageSize, LARGEST_PAGE) : LARGEST_PAGE,
  }
  const found = await findLogs(c.get("partition"), filter, shownTo(c), page, Date.now())
  const members = {
    ...(found.next !== null && { nextPageKey: found.next }),
    ...(found.total && { totalCount: found.total }),
  }
  return c.json({ logs: found.entries.map(shownEntry), ...members }, 200)
}

/** A time of the query, in the one form that Keptn reads. Everything else is 404 there. */
function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  const problem = `could not parse provided ${name} ${text}: it must be like 2006-01-02T15:04:05.000Z`
  throw new ApiError("not_found", `Unable to retrieve logs: ${problem}`)
}

function shownEntry(entry: LogEntry): z.infer<typeof logPageSchema>["logs"][number] {
  return {
    integrationid: entry.integrationId,
    message: entry.message,
    time: new Date(entry.time).toISOString(),
    shkeptncontext: entry.context,
    task: entry.task,
    triggeredid: entry.triggeredId,
    gitcommitid: entry.gitCommitId,
  }
}
