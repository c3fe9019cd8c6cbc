/** How the audit trail behaves. */
import { listAuditLog } from "../../../directory/audit.ts"
import { pageOf, readListRequest } from "../../../gateway/listing.ts"
import { timestamp } from "../answers.ts"
import type { IdentityHandler } from "../environment.ts"
import * as routes from "./routes.ts"

export const listAuditLogHandler: IdentityHandler<typeof routes.listAuditLog> = async (c) => {
  const request = readListRequest(c.req.url, routes.auditFields)
  const { rows, total } = await listAuditLog(c.get("directory"), request)
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
  return c.json(pageOf(request, { rows: entries, total }), 200)
}
