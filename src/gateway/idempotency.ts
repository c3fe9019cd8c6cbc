/**
 * `Idempotency-Key`: a POST or PATCH that is sent again with the key of one that made its change makes no other, and is answered as that
 * one was. The key is stored with the change itself (lib/idempotency-keys.ts), so it does not matter where the first one was cut off.
 */
import { z } from "@hono/zod-openapi"
import type { Context, Next } from "hono"
import type { ContentfulStatusCode } from "hono/utils/http-status"
import { toHex, utf8 } from "../lib/bytes.ts"
import { sha256Hex } from "../lib/digest.ts"
import type { Claim, UsedKey } from "../lib/idempotency-keys.ts"
import { ACTIONS } from "../lib/roles.ts"
import type { Opened, Seal } from "../lib/sealing.ts"
import { isGitPath } from "./dialect.ts"
import type { GatewayEnv, RequestFacts } from "./environment.ts"
import { ApiError } from "./errors.ts"

/** Where the keys of a plane or region are stored, and how what is stored with them is encrypted: answers hold tokens. */
export interface IdempotencyStore {
  claim: Claim
  find: (id: string) => Promise<UsedKey | null>
  keep: (key: UsedKey) => Promise<void>
  seal: Seal
  open: (purpose: string, sealed: string) => Promise<Opened>
}

/** The header's name. */
export const IDEMPOTENCY_KEY = "idempotency-key"
/** The longest key, in characters. */
export const LONGEST_KEY = 255
const KEY = new RegExp(`^[\\x21-\\x7e]{1,${LONGEST_KEY}}$`)
/** What is longer is not kept: no answer to a POST is, but there is a row to be bounded. */
const LONGEST_ANSWER = 256 * 1024
/** For how long an answer may still be on its way to the store, in milliseconds. */
const ANSWER_COMES = 60_000

const answerSchema = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  body: z.string().nullable(),
})
/** A right that the handler looked for, once it had read the body: asked again before the answer is given again. */
const checkSchema = z.discriminatedUnion("on", [
  z.object({ on: z.literal("project"), action: z.enum(ACTIONS), project: z.string(), notFound: z.string() }),
  z.object({ on: z.literal("secrets"), action: z.enum(["read", "administer"]) }),
])
const recordSchema = z.object({
  fingerprint: z.string(),
  answer: answerSchema.nullable(),
  checks: z.array(checkSchema).default([]),
})

export type RightsCheck = z.infer<typeof checkSchema>
type Answer = z.infer<typeof answerSchema>

/**
 * Whether a key is minded there: other methods can be repeated as they are, and what git sends names the state that it starts
 * from.
 */
export function mindsKey(method: string, path: string): boolean {
  return (method === "POST" || method === "PATCH") && !isGitPath(path)
}

/**
 * Calls `next`, unless the request repeats one that was carried out: then that one's answer is given, to a caller who still
 * has the rights that were looked for. `recheck` throws an `ApiError` for one who has not. Throws an `ApiError`.
 */
export async function once(
  c: Context<GatewayEnv>,
  next: Next,
  recheck: (check: RightsCheck) => void,
): Promise<Response | void> {
  const key = c.req.header(IDEMPOTENCY_KEY)
  const store = c.get("idempotency")
  if (key === undefined || store === undefined || !mindsKey(c.req.method, c.req.path)) return next()
  const request = await keyedRequest(c, store, key)
  const before = await request.find()
  if (before) return request.answerOf(before, recheck)
  await request.claim(null)
  c.set("keyedRequest", request)
  await next()
  if (store.claim.isHeld) return request.keepAnswer(c.res)
  if (c.res.status < 400) return
  // Another one with the same key may have been faster; or the change was made, and storage did not say so.
  const used = await request.find().catch(() => null)
  if (used === null) return
  c.error = undefined
  // Hono adds the headers of a response that is there to the one that takes its place.
  c.res = undefined
  c.res = await request.answerOf(used, recheck)
}

/** Stores, together with the change that comes now, what will be answered: then not even the answer can be lost. */
export async function foretell(c: RequestFacts, status: ContentfulStatusCode, body: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" }
  await c.var.keyedRequest?.claim({ status, headers, body: JSON.stringify(body) })
}

async function keyedRequest(c: Context<GatewayEnv>, store: IdempotencyStore, key: string): Promise<KeyedRequest> {
  if (!KEY.test(key)) {
    throw new ApiError("invalid_request", `Idempotency-Key must have 1 to ${LONGEST_KEY} visible ASCII characters`)
  }
  const { pathname, search } = new URL(c.req.url)
  // Hono keeps the bytes for whoever reads the body next.
  const body = await c.req.arrayBuffer()
  const asked = new Blob([utf8(`${c.req.method} ${pathname}${search}\n`), body])
  const fingerprint = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await asked.arrayBuffer())))
  const id = await sha256Hex(JSON.stringify([c.get("principal")?.id, key]))
  return new KeyedRequest(store, id, fingerprint)
}

/** A request with a key. */
export class KeyedRequest {
  readonly #store: IdempotencyStore
  readonly #id: string
  readonly #fingerprint: string
  #isForetold = false
  readonly #checks: RightsCheck[] = []

  /** `fingerprint` tells the request apart from others that are sent with the same key. */
  constructor(store: IdempotencyStore, id: string, fingerprint: string) {
    this.#store = store
    this.#id = id
    this.#fingerprint = fingerprint
  }

  /** Notes a right that the handler has looked for. */
  noteCheck(check: RightsCheck): void {
    this.#checks.push(check)
  }

  /** Prepares the claim that goes along with the change, with the answer if that is known. */
  async claim(answer: Answer | null): Promise<void> {
    this.#store.claim.set(await this.#keyWith(answer))
    this.#isForetold = answer !== null
  }

  /** The key as it was used, null when it was not. */
  find(): Promise<UsedKey | null> {
    return this.#store.find(this.#id)
  }

  /** What the request was answered that used the key. Throws an `ApiError` when it was another, or the answer is not there. */
  async answerOf(used: UsedKey, recheck: (check: RightsCheck) => void): Promise<Response> {
    const opened = await this.#store.open(this.#purpose, used.sealed)
    // The key that it was encrypted with may be gone by now.
    if (opened.outcome !== "opened") throw answerLost(used)
    const { fingerprint, answer, checks } = recordSchema.parse(JSON.parse(opened.text))
    if (fingerprint !== this.#fingerprint) {
      throw new ApiError("validation_failed", "this Idempotency-Key was used for another request: take a new one")
    }
    for (const check of checks) recheck(check)
    if (answer === null) throw answerLost(used)
    const headers = { ...answer.headers, "Idempotent-Replayed": "true" }
    return new Response(answer.body, { status: answer.status, headers })
  }

  /** Keeps the answer to a request whose change is made. A failure is not told: that change stands. */
  async keepAnswer(response: Response): Promise<void> {
    if (this.#isForetold || response.status >= 500) return
    const body = await response.clone().text()
    if (body.length > LONGEST_ANSWER) return
    const headers = Object.fromEntries(response.headers)
    try {
      await this.#store.keep(await this.#keyWith({ status: response.status, headers, body: body || null }))
    } catch (error) {
      console.error(JSON.stringify({ event: "idempotency-answer-lost", error: String(error) }))
    }
  }

  async #keyWith(answer: Answer | null): Promise<UsedKey> {
    const record = JSON.stringify({ fingerprint: this.#fingerprint, answer, checks: this.#checks })
    return { id: this.#id, sealed: await this.#store.seal(this.#purpose, record), createdAt: Date.now() }
  }

  get #purpose(): string {
    return JSON.stringify(["idempotency", this.#id])
  }
}

function answerLost({ createdAt }: UsedKey): ApiError {
  if (Date.now() - createdAt < ANSWER_COMES) {
    const text = "a request with this Idempotency-Key is being answered: try again in a second"
    return new ApiError("conflict", text, { headers: { "Retry-After": "1" } })
  }
  return new ApiError(
    "conflict",
    "a request with this Idempotency-Key was carried out (an import perhaps in part), but what it was answered was not kept: look at what it made",
  )
}
