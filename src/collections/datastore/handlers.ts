/** How the mongodb-datastore API behaves. */
import { reachOf } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { findEvents } from "../../partition/events.ts"
import type { RegionalHandler } from "../regional.ts"
import { readPageKey, writePageKey } from "./page-key.ts"
import type { listEvents } from "./routes.ts"

export const listEventsHandler: RegionalHandler<typeof listEvents> = async (c) => {
  const query = c.req.valid("query")
  const start = readPageKey(query.nextPageKey)
  if (start === null) {
    const text = "nextPageKey in query must be one that a page before had"
    throw new ApiError("validation_failed", text, { keptnCode: 601 })
  }
  const filter = {
    project: query.project,
    stage: query.stage,
    service: query.service,
    context: query.keptnContext,
    type: query.type,
    source: query.source,
    id: query.eventID,
    after: query.fromTime,
    before: query.beforeTime,
    rootOnly: query.root !== undefined,
  }
  const page = await findEvents(c.get("partition"), filter, reachOf(c, "read"), { start, size: query.pageSize })
  const members = {
    pageSize: query.pageSize,
    ...(page.next && { nextPageKey: writePageKey(page.next) }),
    ...(page.total && { totalCount: page.total }),
  }
  return c.json({ events: page.events, ...members }, 200)
}
