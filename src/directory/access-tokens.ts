/** Tokens as they are managed: made, renamed, rotated, imported, revoked. The token itself is answered once, when it is made. */
import { and, eq, gt, isNull, type SQL, sql } from "drizzle-orm"
import { sha256Hex } from "../lib/digest.ts"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { createToken, tokenHint, type TokenPrefix } from "../lib/token-format.ts"
import { type Actor, audit, auditBefore, isRecorded } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { listRows, stands } from "./list.ts"
import { organizations, tokens } from "./schema.ts"
import { anotherWayIn, endOutcome, type EndOutcome } from "./way-in.ts"

/** The longest life a token may have, in milliseconds: 366 days. */
export const LONGEST_LIFE = 366 * 24 * 60 * 60 * 1000
/** How many live tokens a user may have, beside as many that are in the grace of a rotation. */
export const MOST_PERSONAL_TOKENS = 10

/** A token's row. Times are milliseconds since 1970; `hash` must not be shown. */
export type AccessToken = typeof tokens.$inferSelect

/** Whose token, and how it is to be called and end. */
export interface TokenWish {
  ownerId: string
  prefix: TokenPrefix
  name: string
  createdAt: number
  expiresAt: number
}

/** Which token: that of this owner with this id. */
export interface TokenPlace {
  ownerId: string
  id: string
}

/** A token that was made. `text` is the token itself, which is nowhere else. */
export interface MadeToken {
  outcome: "created"
  token: AccessToken
  text: string
}

/** A page of an owner's tokens. */
export async function listAccessTokens(
  directory: Directory,
  ownerId: string,
  request: ListRequest,
): Promise<Listed<AccessToken>> {
  const columns = { name: tokens.name, created_at: tokens.createdAt, expires_at: tokens.expiresAt }
  return listRows(directory, tokens, columns, request, and(eq(tokens.ownerId, ownerId), eq(tokens.purpose, "access")))
}

/** The token of this owner with this id, or null. */
export async function findAccessToken(directory: Directory, ownerId: string, id: string): Promise<AccessToken | null> {
  const { db } = directory
  const [rows] = await db.batch([
    db
      .select()
      .from(tokens)
      .where(and(of(ownerId, id), eq(tokens.purpose, "access"))),
  ])
  return rows[0] ?? null
}

/**
 * Makes a token, or stores `text`, one that exists already (so that a tool can keep the one it has). A user (`kpat`) can have ten
 * live ones.
 */
export async function createAccessToken(
  directory: Directory,
  actor: Actor,
  wish: TokenWish,
  text: string = createToken(wish.prefix),
): Promise<MadeToken | { outcome: "name-taken" | "token-taken" | "too-many" | "no-owner" }> {
  const { db } = directory
  const token = await newRow(wish, text)
  const ownerStands = stands(wish.ownerId, ["users", "system_accounts"])
  const room = sql`${ownerStands} and ${hasRoom(wish)}`
  try {
    const [[owner], rows] = await db.batch([
      db.select({ stands: sql<number>`${ownerStands}`.as("stands") }).from(organizations),
      insertRow(directory, token, room).returning({ id: tokens.id }),
      audit(directory, actor, {
        action: "create",
        entityType: "access-token",
        entityId: token.id,
        after: shown(token),
      }),
    ])
    if (rows.length > 0) return { outcome: "created", token, text }
    return { outcome: owner?.stands === 1 ? "too-many" : "no-owner" }
  } catch (error) {
    if (isKeyTaken(error, "tokens.hash")) return { outcome: "token-taken" }
    if (isKeyTaken(error, "tokens")) return { outcome: "name-taken" }
    throw error
  }
}

/** Gives a token another name. */
export async function renameAccessToken(
  directory: Directory,
  actor: Actor,
  { ownerId, id }: TokenPlace,
  name: string,
): Promise<{ outcome: "updated"; token: AccessToken } | { outcome: "name-taken" | "missing" }> {
  const { db } = directory
  const where = of(ownerId, id)
  const change = { action: "update", entityType: "access-token", entityId: id, after: { name } } as const
  try {
    const [, rows] = await db.batch([
      auditBefore(directory, actor, change, { table: tokens, where, shown: { name: tokens.name } }),
      db.update(tokens).set({ name, updatedAt: Date.now() }).where(and(where, isRecorded)).returning(),
    ])
    return rows[0] ? { outcome: "updated", token: rows[0] } : { outcome: "missing" }
  } catch (error) {
    if (isKeyTaken(error, "tokens")) return { outcome: "name-taken" }
    throw error
  }
}

/**
 * Makes a successor with the same rights, name and length of life, and lets the old token end after `graceSeconds`, in one
 * batch. A token has one successor at most: one that has one already (`rotated`), or that has ended, is left as it is.
 */
export async function rotateAccessToken(
  directory: Directory,
  actor: Actor,
  old: AccessToken,
  prefix: TokenPrefix,
  graceSeconds: number,
): Promise<MadeToken | { outcome: "rotated"; successorId: string } | { outcome: "ended" | "too-many" }> {
  const { db } = directory
  const now = Date.now()
  const text = createToken(prefix)
  // Only a rotation changes when a token ends, so what was read of one without a successor holds.
  const life = Math.min(old.expiresAt - old.createdAt, LONGEST_LIFE)
  const wish = { ownerId: old.ownerId, prefix, name: old.name, createdAt: now, expiresAt: now + life }
  const successor = await newRow(wish, text)
  const expiresAt = Math.min(old.expiresAt, now + graceSeconds * 1000)
  const itself = of(old.ownerId, old.id)
  const live = and(itself, isNull(tokens.revokedAt), gt(tokens.expiresAt, now))
  const where = and(live, isNull(tokens.successorId), graceSeconds === 0 ? undefined : hasRoomForGrace(wish))
  const after = { successorId: successor.id, expiresAt }
  const change = { action: "rotate", entityType: "access-token", entityId: old.id, after } as const
  const [[found], , , [made]] = await db.batch([
    db.select({ successorId: tokens.successorId }).from(tokens).where(live),
    auditBefore(directory, actor, change, { table: tokens, where, shown: { expiresAt: tokens.expiresAt } }),
    db
      .update(tokens)
      .set({ ...after, updatedAt: now })
      .where(and(itself, isRecorded)),
    // The name is read here: others may have changed it meanwhile.
    insertRow(
      directory,
      successor,
      sql`changes() > 0`,
      sql`(select name from tokens where id = ${old.id})`,
    ).returning(),
  ])
  if (made) return { outcome: "created", token: made, text }
  if (!found) return { outcome: "ended" }
  return found.successorId === null ? { outcome: "too-many" } : { outcome: "rotated", successorId: found.successorId }
}

/** Ends a token at once and keeps its row. */
export async function revokeAccessToken(
  directory: Directory,
  actor: Actor,
  { ownerId, id }: TokenPlace,
): Promise<{ outcome: "ended"; token: AccessToken } | { outcome: "missing" | "last-way-in" }> {
  const { db } = directory
  const now = Date.now()
  const itself = of(ownerId, id)
  const [, , [token]] = await db.batch([
    db
      .update(tokens)
      .set({ revokedAt: now, revokedBy: actor.principal.id, updatedAt: now })
      .where(and(itself, isNull(tokens.revokedAt), anotherWayIn(sql`t.id <> ${id}`))),
    audit(directory, actor, { action: "revoke", entityType: "access-token", entityId: id }),
    db.select().from(tokens).where(itself),
  ])
  if (!token) return { outcome: "missing" }
  // A token that was revoked before has ended as well.
  return token.revokedAt === null ? { outcome: "last-way-in" } : { outcome: "ended", token }
}

/** Ends a token and removes its row. */
export async function deleteAccessToken(
  directory: Directory,
  actor: Actor,
  { ownerId, id }: TokenPlace,
): Promise<EndOutcome> {
  const { db } = directory
  const itself = of(ownerId, id)
  const where = and(itself, anotherWayIn(sql`t.id <> ${id}`))
  const { name, hint, expiresAt } = tokens
  const change = { action: "delete", entityType: "access-token", entityId: id } as const
  const [found, , rows] = await db.batch([
    db.select({ id: tokens.id }).from(tokens).where(itself),
    auditBefore(directory, actor, change, {
      table: tokens,
      where,
      shown: { ownerId: tokens.ownerId, name, hint, expiresAt },
    }),
    db.delete(tokens).where(and(itself, isRecorded)).returning({ id: tokens.id }),
  ])
  return endOutcome(found, rows)
}

async function newRow(wish: TokenWish, text: string): Promise<AccessToken> {
  const { ownerId, name, createdAt, expiresAt } = wish
  const facts = { id: crypto.randomUUID(), hash: await sha256Hex(text), hint: tokenHint(text), ownerId, name }
  const life = { createdAt, updatedAt: createdAt, expiresAt, revokedAt: null, revokedBy: null, lastUsedAt: null }
  return { ...facts, purpose: "access", ...life, successorId: null }
}

/** Whether the owner of a token that is made has room for one more that is not in its grace, if it is a user. */
function hasRoom(wish: TokenWish): SQL {
  return hasFewLive(wish, sql`successor_id is null`)
}

/** Whether the owner of a token that is rotated has room for one more in its grace, if it is a user. */
function hasRoomForGrace(wish: TokenWish): SQL {
  return hasFewLive(wish, sql`successor_id is not null`)
}

function hasFewLive({ prefix, ownerId, createdAt }: TokenWish, kind: SQL): SQL {
  if (prefix === "spat") return sql`true`
  return sql`(select count(*) from tokens where owner_id = ${ownerId} and purpose = 'access' and revoked_at is null
    and expires_at > ${createdAt} and ${kind}) < ${MOST_PERSONAL_TOKENS}`
}

/** Inserts a row if `condition` holds, with the name that the statement finds. */
function insertRow(directory: Directory, row: AccessToken, condition: SQL, name = sql`${row.name}`) {
  return directory.db.insert(tokens).select(sql`select ${row.id}, ${row.hash}, ${row.hint}, ${row.ownerId}, ${name},
    ${row.purpose}, ${row.createdAt}, ${row.updatedAt}, ${row.expiresAt}, null, null, null, null where ${condition}`)
}

/** What the audit trail may say of a token. */
function shown({ ownerId, name, hint, expiresAt }: AccessToken): Record<string, unknown> {
  return { ownerId, name, hint, expiresAt }
}

function of(ownerId: string, id: string): SQL | undefined {
  return and(eq(tokens.ownerId, ownerId), eq(tokens.id, id))
}
