/** Tokens as they are managed: made, renamed, rotated, imported, revoked. The token itself is answered once, when it is made. */
import { and, eq, isNull, type SQL, sql } from "drizzle-orm"
import { sha256Hex } from "../lib/digest.ts"
import type { Listed, ListRequest } from "../lib/list-request.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { createToken, tokenHint, type TokenPrefix } from "../lib/token-format.ts"
import { type Actor, audit } from "./audit.ts"
import type { Directory } from "./directory.ts"
import { listRows, stands } from "./list.ts"
import { organizations, tokens } from "./schema.ts"

/** The longest life a token may have, in milliseconds: 366 days. */
export const LONGEST_LIFE = 366 * 24 * 60 * 60 * 1000
/** How many live tokens a user may have. */
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
  const room = sql`${ownerStands} and ${hasRoom(wish, MOST_PERSONAL_TOKENS)}`
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
  token: AccessToken,
  name: string,
): Promise<{ outcome: "updated"; token: AccessToken } | { outcome: "name-taken" | "missing" }> {
  const { db } = directory
  const change = { action: "update", entityType: "access-token", entityId: token.id } as const
  try {
    const [rows] = await db.batch([
      db.update(tokens).set({ name, updatedAt: Date.now() }).where(of(token.ownerId, token.id)).returning(),
      audit(directory, actor, { ...change, before: { name: token.name }, after: { name } }),
    ])
    return rows[0] ? { outcome: "updated", token: rows[0] } : { outcome: "missing" }
  } catch (error) {
    if (isKeyTaken(error, "tokens")) return { outcome: "name-taken" }
    throw error
  }
}

/**
 * Makes a successor with the same rights, name and length of life, and lets the old token end after `graceSeconds`, in one
 * batch. The old one gets another name. A token that has ended has no successor, and one that others renamed or rotated since it was read
 * (`changed`) none of this name.
 */
export async function rotateAccessToken(
  directory: Directory,
  actor: Actor,
  old: AccessToken,
  prefix: TokenPrefix,
  graceSeconds: number,
): Promise<MadeToken | { outcome: "ended" | "changed" | "too-many" }> {
  const { db } = directory
  const now = Date.now()
  const text = createToken(prefix)
  const life = Math.min(old.expiresAt - old.createdAt, LONGEST_LIFE)
  const wish = { ownerId: old.ownerId, prefix, name: old.name, createdAt: now, expiresAt: now + life }
  const successor = await newRow(wish, text)
  const end = Math.min(old.expiresAt, now + graceSeconds * 1000)
  const oldName = `${old.name} (rotated ${new Date(now).toISOString()})`
  const live = and(of(old.ownerId, old.id), isNull(tokens.revokedAt), sql`${tokens.expiresAt} > ${now}`)
  // Each of a user's tokens can be in its grace beside its successor; one that is rotated again and again within it finds an end.
  const room = graceSeconds === 0 ? sql`true` : hasRoom(wish, 2 * MOST_PERSONAL_TOKENS)
  const change = { action: "rotate", entityType: "access-token", entityId: old.id } as const
  const [found, rows] = await db.batch([
    db.select({ name: tokens.name }).from(tokens).where(live),
    db
      .update(tokens)
      .set({ name: oldName, expiresAt: end, updatedAt: now })
      .where(and(live, eq(tokens.name, old.name), room))
      .returning({ id: tokens.id }),
    // Follows only when the statement before found the old token alive.
    insertRow(directory, successor, sql`changes() > 0`),
    audit(directory, actor, { ...change, after: { successor: successor.id, expiresAt: end } }),
  ])
  if (rows.length > 0) return { outcome: "created", token: successor, text }
  const [standing] = found
  if (!standing) return { outcome: "ended" }
  return { outcome: standing.name === old.name ? "too-many" : "changed" }
}

/** What became of the end of a token or of its owner: the last way in of an administrator stays. */
export type EndOutcome = "ended" | "missing" | "last-way-in"

/** Ends a token at once and keeps its row. */
export async function revokeAccessToken(directory: Directory, actor: Actor, token: AccessToken): Promise<EndOutcome> {
  const { db } = directory
  const now = Date.now()
  const [[standing], rows] = await db.batch([
    db.select({ revokedAt: tokens.revokedAt }).from(tokens).where(of(token.ownerId, token.id)),
    db
      .update(tokens)
      .set({ revokedAt: now, revokedBy: actor.principal.id, updatedAt: now })
      .where(and(of(token.ownerId, token.id), isNull(tokens.revokedAt), anotherWayIn(sql`t.id <> ${token.id}`)))
      .returning({ id: tokens.id }),
    audit(directory, actor, { action: "revoke", entityType: "access-token", entityId: token.id }),
  ])
  if (rows.length > 0) return "ended"
  if (!standing) return "missing"
  // Others may have revoked it since it was read.
  return standing.revokedAt === null ? "last-way-in" : "ended"
}

/** Ends a token and removes its row. */
export async function deleteAccessToken(directory: Directory, actor: Actor, token: AccessToken): Promise<EndOutcome> {
  const { db } = directory
  const change = { action: "delete", entityType: "access-token", entityId: token.id, before: shown(token) } as const
  const [rows] = await db.batch([
    db
      .delete(tokens)
      .where(and(of(token.ownerId, token.id), anotherWayIn(sql`t.id <> ${token.id}`)))
      .returning({ id: tokens.id }),
    audit(directory, actor, change),
  ])
  return rows.length > 0 ? "ended" : whyNot(directory, token)
}

/**
 * Whether some administrator of the organization has a live token among those that `remaining` (on the token `t` and the
 * membership `m`) leaves. As part of a statement it holds at the moment of the change, whoever else is changing something.
 */
export function anotherWayIn(remaining: SQL): SQL {
  return sql`exists (select 1 from teams as a
    join team_members as m on m.team_id = a.id
    join tokens as t on t.owner_id = m.member_id
    left join users as u on u.id = m.member_id
    where a.system_team = 1 and a.name = 'organization-admin' and t.purpose = 'access' and t.revoked_at is null
    and t.expires_at > ${Date.now()} and coalesce(u.active, 1) = 1 and ${remaining})`
}

async function whyNot(directory: Directory, token: AccessToken): Promise<EndOutcome> {
  return (await findAccessToken(directory, token.ownerId, token.id)) === null ? "missing" : "last-way-in"
}

async function newRow(wish: TokenWish, text: string): Promise<AccessToken> {
  const { ownerId, name, createdAt, expiresAt } = wish
  const facts = { id: crypto.randomUUID(), hash: await sha256Hex(text), hint: tokenHint(text), ownerId, name }
  const life = { createdAt, updatedAt: createdAt, expiresAt, revokedAt: null, revokedBy: null, lastUsedAt: null }
  return { ...facts, purpose: "access", ...life }
}

/** Whether the owner of a token that is made has fewer than `most` live ones, if it is a user. */
function hasRoom({ prefix, ownerId, createdAt }: TokenWish, most: number): SQL {
  if (prefix === "spat") return sql`true`
  return sql`(select count(*) from tokens where owner_id = ${ownerId} and purpose = 'access' and revoked_at is null
    and expires_at > ${createdAt}) < ${most}`
}

/** Inserts a row if `condition` holds. */
function insertRow(directory: Directory, row: AccessToken, condition: SQL) {
  return directory.db.insert(tokens).select(sql`select ${row.id}, ${row.hash}, ${row.hint}, ${row.ownerId}, ${row.name},
    ${row.purpose}, ${row.createdAt}, ${row.updatedAt}, ${row.expiresAt}, null, null, null where ${condition}`)
}

/** What the audit trail may say of a token. */
function shown({ ownerId, name, hint, expiresAt }: AccessToken): Record<string, unknown> {
  return { ownerId, name, hint, expiresAt }
}

function of(ownerId: string, id: string): SQL | undefined {
  return and(eq(tokens.ownerId, ownerId), eq(tokens.id, id))
}
