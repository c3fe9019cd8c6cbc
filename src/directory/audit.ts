/** The audit trail: who changed what in the directory. Its rows are written in the batch of the change. */
import { lt, max, type SQL, sql } from "drizzle-orm"
import type { BatchItem } from "drizzle-orm/batch"
import type { AnySQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core"
import type { Principal } from "../lib/principal.ts"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import type { Directory } from "./directory.ts"
import { listStatements } from "./list.ts"
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

/** What an entry may show of a row, by the name of the member. */
export type ShownColumns = Readonly<Record<string, SQL | AnySQLiteColumn>>

/** What a change sets, by the name of the member. What is undefined stays as it is. */
type Wanted = Readonly<Record<string, unknown>>

/** The row that a change is about: the change is made if a row meets `where`, and its entry has the `shown` columns as `before`. */
export interface ChangedRow {
  table: SQLiteTable
  where: SQL | undefined
  shown: ShownColumns
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

/**
 * As `audit`, for a change of a row that exists: the statement stands directly before the change, whose condition has to
 * hold `isRecorded`. The entry reads `before` from the row itself, in the transaction of the change, so it is what the change
 * replaces, whoever else writes; and there is no change without its entry.
 */
export function auditBefore(
  directory: Directory,
  actor: Actor,
  change: Omit<Change, "before">,
  { table, where, shown }: ChangedRow,
): Statement {
  const { principal, requestId, address } = actor
  const members = Object.entries(shown).map(([name, column]) => sql`${name}, ${column}`)
  return directory.db.insert(auditLog).select(sql`select null, ${Date.now()}, ${requestId}, ${address}, ${principal.id},
    ${principal.tokenId}, ${change.action}, ${change.entityType}, ${change.entityId},
    json_object(${sql.join(members, sql`, `)}), ${jsonOf(change.after)} from ${table} where ${where}`)
}

/** Holds in the statement after `auditBefore` if that found the row and recorded the change. */
export const isRecorded = sql`changes() > 0`

/** Those of the columns that a change sets. */
export function shownOf(columns: ShownColumns, wanted: Wanted): ShownColumns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => wanted[name] !== undefined))
}

/** Whether a change sets nothing: then there is nothing to write. */
export function setsNothing(wanted: Wanted): boolean {
  return Object.values(wanted).every((value) => value === undefined)
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

/** A page of the trail, and the id of the newest entry of all, whatever was asked; 0 when there is none. */
export async function listAuditLog(
  directory: Directory,
  request: ListRequest,
): Promise<Listed<typeof auditLog.$inferSelect> & { newest: number }> {
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
  const { rows, total } = listStatements(directory, auditLog, columns, request)
  const newest = directory.db.select({ id: max(auditLog.id) }).from(auditLog)
  const [found, [counted], [last]] = await directory.db.batch([rows, total, newest])
  return { rows: found, total: counted?.total ?? 0, newest: last?.id ?? 0 }
}

/** Removes what is older than `days`. Runs by the clock. */
export async function trimAuditLog(directory: Directory, days: number): Promise<void> {
  const { db } = directory
  await db.batch([db.delete(auditLog).where(lt(auditLog.time, Date.now() - days * 24 * 60 * 60 * 1000))])
}

function jsonOf(row: Record<string, unknown> | undefined): string | null {
  return row === undefined ? null : JSON.stringify(row)
}
