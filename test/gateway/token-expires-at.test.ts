import { expect, it } from "vitest"
import { send } from "../support/client.ts"
import { createUser, issueToken } from "../support/people.ts"

const DAY = 24 * 60 * 60 * 1000

async function warning(days: number): Promise<[header: string | null, expiresAt: string]> {
  const expiresAt = Date.now() + days * DAY
  const token = await issueToken(await createUser(), { expiresAt })
  const response = await send("eu", "/api/v1/metadata", { token })
  return [response.headers.get("token-expires-at"), new Date(expiresAt).toISOString()]
}

it("says when a token ends in its last 14 days, and not before", async () => {
  const [soon, end] = await warning(13)
  expect(soon).toBe(end)
  expect((await warning(15))[0]).toBeNull()
})

it("says nothing on a request without a token", async () => {
  expect((await send("eu", "/health", { token: null })).headers.has("token-expires-at")).toBe(false)
})
