/** How tokens behave, whoever owns them. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import * as accessTokens from "../../../directory/access-tokens.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { invalidParameters, pageOf, readListRequest } from "../../../gateway/listing.ts"
import type { TokenPrefix } from "../../../lib/token-format.ts"
import { madeTokenAnswer, tokenAnswer } from "../answers.ts"
import { lastWayIn, missing, nameTaken, requireEnded } from "../contract.ts"
import { actorOf, type IdentityEnv } from "../environment.ts"
import { tokenFields } from "./routes.ts"
import type { createTokenSchema, importTokenSchema, madeTokenSchema, tokenSchema } from "./schemas.ts"

type IdentityContext = Context<IdentityEnv>
type TokenAnswer = z.infer<typeof tokenSchema>
type MadeTokenAnswer = z.infer<typeof madeTokenSchema>

/** Whose tokens a request is about; the owner exists. */
export interface TokenOwner {
  id: string
  prefix: TokenPrefix
}

export async function list(c: IdentityContext, owner: TokenOwner) {
  const request = readListRequest(c.req.url, tokenFields)
  const { rows, total } = await accessTokens.listAccessTokens(c.get("directory"), owner.id, request)
  const page = pageOf(request, { rows: rows.map((token) => tokenAnswer(owner.prefix, token)), total })
  return { ...page, meta: { ...page.meta, ...page.meta.page } }
}

export async function create(
  c: IdentityContext,
  owner: TokenOwner,
  body: z.infer<typeof createTokenSchema>,
): Promise<MadeTokenAnswer> {
  return madeTokenAnswer(owner.prefix, await make(c, owner, body))
}

/** As `create`, of a token that its holder has already. */
export async function importOne(
  c: IdentityContext,
  owner: TokenOwner,
  body: z.infer<typeof importTokenSchema>,
): Promise<TokenAnswer> {
  const { token } = await make(c, owner, body, body.token)
  return tokenAnswer(owner.prefix, token)
}

export async function get(c: IdentityContext, owner: TokenOwner, tokenId: string): Promise<TokenAnswer> {
  return tokenAnswer(owner.prefix, await existing(c, owner, tokenId))
}

export async function rename(
  c: IdentityContext,
  owner: TokenOwner,
  tokenId: string,
  name: string,
): Promise<TokenAnswer> {
  const place = { ownerId: owner.id, id: tokenId }
  const result = await accessTokens.renameAccessToken(c.get("directory"), actorOf(c), place, name)
  if (result.outcome !== "updated") {
    throw result.outcome === "missing" ? missing("token") : nameTaken("token", name)
  }
  return tokenAnswer(owner.prefix, result.token)
}

export async function revoke(c: IdentityContext, owner: TokenOwner, tokenId: string): Promise<TokenAnswer> {
  const place = { ownerId: owner.id, id: tokenId }
  const result = await accessTokens.revokeAccessToken(c.get("directory"), actorOf(c), place)
  if (result.outcome !== "ended") throw result.outcome === "missing" ? missing("token") : lastWayIn()
  return tokenAnswer(owner.prefix, result.token)
}

export async function rotate(
  c: IdentityContext,
  owner: TokenOwner,
  tokenId: string,
  graceSeconds: number,
): Promise<MadeTokenAnswer> {
  const old = await existing(c, owner, tokenId)
  const result = await accessTokens.rotateAccessToken(c.get("directory"), actorOf(c), old, owner.prefix, graceSeconds)
  if (result.outcome === "rotated") throw rotatedBefore(result.successorId)
  if (result.outcome !== "created") throw notRotated(result.outcome)
  return madeTokenAnswer(owner.prefix, result)
}

export async function remove(c: IdentityContext, owner: TokenOwner, tokenId: string): Promise<void> {
  const place = { ownerId: owner.id, id: tokenId }
  requireEnded(await accessTokens.deleteAccessToken(c.get("directory"), actorOf(c), place), "token")
}

async function make(
  c: IdentityContext,
  owner: TokenOwner,
  body: z.infer<typeof createTokenSchema>,
  text?: string,
): Promise<accessTokens.MadeToken> {
  const now = Date.now()
  const { id: ownerId, prefix } = owner
  const wish = { ownerId, prefix, name: body.name, createdAt: now, expiresAt: endOf(body, now) }
  const result = await accessTokens.createAccessToken(c.get("directory"), actorOf(c), wish, text)
  switch (result.outcome) {
    case "created":
      return result
    case "name-taken":
      throw nameTaken("token", body.name)
    case "token-taken":
      throw new ApiError("conflict", "This token is in use already")
    case "too-many":
      throw tooMany()
    case "no-owner":
      throw missing("owner")
  }
}

function notRotated(outcome: "ended" | "too-many"): ApiError {
  if (outcome === "ended") return new ApiError("conflict", "The token has ended and cannot be rotated: create another")
  const most = accessTokens.MOST_PERSONAL_TOKENS
  const text = `cannot have more than ${most} tokens in the grace of a rotation: revoke one, or rotate without grace`
  return invalidBody("grace_seconds", "max", text)
}

function rotatedBefore(successorId: string): ApiError {
  const text = `The token was rotated already: its successor is ${successorId}. Rotate that one, or create another token`
  return new ApiError("conflict", text, { successorId })
}

function tooMany(): ApiError {
  const text = `can make no more tokens than ${accessTokens.MOST_PERSONAL_TOKENS} live ones: revoke one first`
  return invalidBody("body", "max", text)
}

/** When a token ends, from what was asked. Throws 400 when it would not, or has already. */
function endOf(body: { expires_at?: string | undefined; ttl_seconds?: number | undefined }, now: number): number {
  if ((body.expires_at === undefined) === (body.ttl_seconds === undefined)) {
    throw invalidBody("expires_at", "required", "or ttl_seconds is required, and not both")
  }
  if (body.ttl_seconds !== undefined) return now + body.ttl_seconds * 1000
  const end = Date.parse(body.expires_at ?? "")
  if (end <= now) throw invalidBody("expires_at", "min", "must be in the future")
  if (end > now + accessTokens.LONGEST_LIFE) throw invalidBody("expires_at", "max", "must be within 366 days")
  return end
}

async function existing(c: IdentityContext, owner: TokenOwner, tokenId: string): Promise<accessTokens.AccessToken> {
  const token = await accessTokens.findAccessToken(c.get("directory"), owner.id, tokenId)
  if (token === null) throw missing("token")
  return token
}

function invalidBody(field: string, rule: string, reason: string): ApiError {
  return invalidParameters([{ field, rule, reason, source: "body" }])
}
