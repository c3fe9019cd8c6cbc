/** The audit trail: who changed what in the directory. Its rows are written in the batch of the change. */
import { lt, sql } from "drizzle-orm"
import type { BatchItem } from "drizzle-orm/batch"
import type { Principal } from "../lib/principal.ts"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import type { Directory } from "./directory.ts"
import { listRows } from "./list.ts"
import { auditLog } from "./schema.ts"

/** Statements that a use case commits in one batch. */
export type Statement = BatchItem<"sqlite">

/** Who changes something, in which request, and from where. */
export interface Actor {
  principal: Principal
  requestId: string
  address: string
}

/** One change. `before` and `after` hold what may be shown of the row, never a token or its hash. */
export interface Change {
  action: "create" | "update" | "delete" | "rotate" | "revoke" | "activate" | "add-member" | "remove-member"
  entityType: "user" | "team" | "system-account" | "access-token" | "assigned-role"
  entityId: string
  before?: Record<string, unknown>
  after?: Record<string, unknown>
}

/**
 * The statement that records `change`, if the statement before it in the batch changed a row: a change that a precondition
 * prevented leaves no trace.
 */
export function audit(directory: Directory, actor: Actor, change: Change): Statement {
  const { principal, requestId, address } = actor
  return directory.db.insert(auditLog).select(sql`select null, ${Date.now()}, ${requestId}, ${address}, ${principal.id},
    ${principal.tokenId}, ${change.action}, ${change.entityType}, ${change.entityId}, ${jsonOf(change.before)},
    ${jsonOf(change.after)} where changes() > 0`)
}

/** Records that somebody was refused, with the true reason, which the response does not tell. */
export async function recordRefusal(
  directory: Directory,
  refusal: { requestId: string; address: string; reason: string },
): Promise<void> {
  const { requestId, address, reason } = refusal
  const facts = { action: "refuse", entityType: "authentication", entityId: "", after: { reason } }
  await directory.db.batch([directory.db.insert(auditLog).values({ time: Date.now(), requestId, address, ...facts })])
}

/** A page of the trail. */
export async function listAuditLog(
  directory: Directory,
  request: ListRequest,
): Promise<Listed<typeof auditLog.$inferSelect>> {
  const { id, time, requestId, principalId, action, entityType, entityId } = auditLog
  const columns = {
    id,
    time,
    request_id: requestId,
    principal_id: principalId,
    action,
    entity_type: entityType,
    entity_id: entityId,
  }
  return listRows(directory, auditLog, columns, request)
}

/** Removes what is older than `days`. Runs by the clock. */
export async function trimAuditLog(directory: Directory, days: number): Promise<void> {
  const { db } = directory
  await db.batch([db.delete(auditLog).where(lt(auditLog.time, Date.now() - days * 24 * 60 * 60 * 1000))])
}

function jsonOf(row: Record<string, unknown> | undefined): string | null {
  return row === undefined ? null : JSON.stringify(row)
}
