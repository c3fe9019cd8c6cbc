/** The contract of the audit trail. */
import { createRoute } from "@hono/zod-openapi"
import { listQuery } from "../../../gateway/listing.ts"
import { listed, mayRead } from "../contract.ts"
import { auditEntryPageSchema } from "./schemas.ts"

/** What the trail can be asked for. */
export const auditFields = {
  filters: {
    id: "number",
    principal_id: "uuid",
    action: "text",
    entity_type: "text",
    entity_id: "text",
    request_id: "uuid",
    time: "time",
  },
  sorts: ["id", "time"],
  newestFirst: true,
} as const

export const listAuditLog = createRoute({
  ...mayRead,
  method: "get",
  path: "/v3/audit-log",
  operationId: "listAuditLog",
  tags: ["audit"],
  summary: "Read the audit trail",
  description:
    "Every change of who may do what, and every refused attempt to authenticate with its true reason (under " +
    "attack a sample: 20 a minute and Cloudflare location). The newest come first unless `sort` says otherwise. " +
    "`meta.page.next` leads from page to page of the entries that there are now: those that are added meanwhile shift nothing.",
  request: { query: listQuery(auditFields) },
  responses: listed(auditEntryPageSchema),
})
