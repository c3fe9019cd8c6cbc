/** The identity API as tests use it: answers that are parsed, not trusted. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"

/** Something with an id. */
export const withId = z.looseObject({ id: z.string() })
/** A token that was just made. */
export const madeToken = z.looseObject({ id: z.string(), token: z.string(), expires_at: z.string(), name: z.string() })
/** A page of a list. */
export const page = z.object({
  meta: z.object({ page: z.object({ number: z.number(), size: z.number(), total: z.number() }) }),
  data: z.array(z.record(z.string(), z.unknown())),
})
const problem = z.looseObject({
  status: z.number(),
  detail: z.string(),
  invalid_parameters: z
    .array(z.object({ field: z.string(), rule: z.string(), reason: z.string(), source: z.string() }))
    .optional(),
})

/** Asks the global host and parses the answer, which must have the given status. */
export async function ask<T>(path: string, schema: z.ZodType<T>, request: TestRequest = {}, status = 200): Promise<T> {
  const response = await send("global", path, request)
  const text = await response.text()
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${text}`)
  return schema.parse(text === "" ? null : JSON.parse(text))
}

/** Creates something with a POST; answers its id. */
export async function create(path: string, json: unknown): Promise<string> {
  return (await ask(path, withId, { json }, 201)).id
}

/** The problem a request meets with: its status, its text, and the fields and rules that are wrong. */
export async function refused(
  path: string,
  request: TestRequest,
): Promise<[status: number, detail: string, wrong: string[]]> {
  const response = await send("global", path, request)
  const body = problem.parse(await response.json())
  return [response.status, body.detail, (body.invalid_parameters ?? []).map(({ field, rule }) => `${field} ${rule}`)]
}

/** A system account with a token for an hour. */
export async function newAccount(name: string): Promise<{ id: string; token: string; tokenId: string }> {
  const id = await create("/v3/system-accounts", { name })
  const made = await ask(
    `/v3/system-accounts/${id}/access-tokens`,
    madeToken,
    { json: { name: "t", ttl_seconds: 3600 } },
    201,
  )
  return { id, token: made.token, tokenId: made.id }
}

/** The status that a token gets on a regional or the global host. */
export async function statusFor(token: string, host = "eu", path = "/api/v1/metadata"): Promise<number> {
  return (await send(host, path, { token })).status
}
