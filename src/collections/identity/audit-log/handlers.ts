/** How the audit trail behaves. */
import { listAuditLog } from "../../../directory/audit.ts"
import { pageOf, readListRequest } from "../../../gateway/listing.ts"
import type { ListRequest } from "../../../lib/list-request.ts"
import { timestamp } from "../answers.ts"
import type { IdentityHandler } from "../environment.ts"
import * as routes from "./routes.ts"

export const listAuditLogHandler: IdentityHandler<typeof routes.listAuditLog> = async (c) => {
  const request = readListRequest(c.req.url, routes.auditFields)
  const { rows, total, newest } = await listAuditLog(c.get("directory"), request)
  const entries = rows.map(
    ({ id, time, requestId, address, principalId, tokenId, action, entityType, entityId, before, after }) => ({
      id,
      time: timestamp(time),
      request_id: requestId,
      address,
      principal_id: principalId,
      token_id: tokenId,
      action,
      entity_type: entityType,
      entity_id: entityId,
      before,
      after,
    }),
  )
  const { data, meta } = pageOf(request, { rows: entries, total })
  const next = meta.page.number * meta.page.size < total ? nextPage(c.req.url, request, newest) : null
  return c.json({ data, meta: { page: { ...meta.page, next } } }, 200)
}

/** Where the next page is: of the entries up to `newest`, so that it goes on where this one ends, whatever is added meanwhile. */
function nextPage(url: string, request: ListRequest, newest: number): string {
  const { pathname, searchParams } = new URL(url)
  searchParams.set("page[number]", String(request.page.number + 1))
  const isBounded = request.conditions.some(({ field, operator }) => field === "id" && operator === "lte")
  if (!isBounded) searchParams.set("filter[id][lte]", String(newest))
  return `${pathname}?${searchParams}`
}
