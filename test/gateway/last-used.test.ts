/** When a token was last used is noted, after the response, and at most once in 15 minutes. */
import { env } from "cloudflare:workers"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { openDirectory } from "../../src/directory/directory.ts"
import { findToken, touchToken } from "../../src/directory/tokens.ts"
import { sha256Hex } from "../../src/lib/digest.ts"
import { Meter } from "../../src/lib/meter.ts"
import { clientAt } from "../support/address.ts"
import { storageCounts } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { createUser, findTokenRow, issueToken } from "../support/people.ts"

const MINUTE = 60_000
const start = Date.now()
/** Looks every token up, so that nothing but the 15 minutes keeps it from writing. */
const sendTo = edgeWith({ tokenCacheSeconds: 0 })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start })
})

afterEach(() => {
  vi.useRealTimers()
})

async function use(token: string): Promise<Response> {
  return sendTo("http://eu.api.localhost/api/v1/metadata", { headers: { "x-token": token, ...clientAt() } })
}

async function lastUsed(token: string): Promise<number | null> {
  return (await findTokenRow(token)).lastUsedAt
}

describe("the last use of a token", () => {
  it("is noted when it is used for the first time", async () => {
    const token = await issueToken(await createUser())
    expect(await lastUsed(token)).toBeNull()
    expect((await use(token)).status).toBe(200)
    expect(await lastUsed(token)).toBe(start)
  })

  it("is not part of what the response waits for", async () => {
    const token = await issueToken(await createUser())
    expect(storageCounts(await use(token))).toMatchObject({ trips: 1, d1: 1 })
  })

  it("is noted again only after 15 minutes", async () => {
    const token = await issueToken(await createUser())
    await use(token)
    const again = start + 15 * MINUTE + 1
    for (const [now, expected] of [
      [start + MINUTE, start],
      [start + 15 * MINUTE, start],
      [again, again],
      [again + 15 * MINUTE, again],
      [again + 16 * MINUTE, again + 16 * MINUTE],
    ] as const) {
      vi.setSystemTime(now)
      expect((await use(token)).status).toBe(200)
      expect(await lastUsed(token)).toBe(expected)
    }
  })

  it("is noted once by isolates that looked the token up at the same time", async () => {
    const token = await issueToken(await createUser())
    const directory = openDirectory(env.DB_GLOBAL, new Meter())
    const record = await findToken(directory, await sha256Hex(token))
    if (record === null) throw new Error("the token was not found")
    await touchToken(directory, record, start)
    await touchToken(directory, record, start + MINUTE)
    expect(await lastUsed(token)).toBe(start)
  })

  it("that was noted lately asks nothing of storage", async () => {
    const token = await issueToken(await createUser(), { lastUsedAt: start })
    const meter = new Meter()
    const directory = openDirectory(env.DB_GLOBAL, meter)
    const record = await findToken(directory, await sha256Hex(token))
    if (record === null) throw new Error("the token was not found")
    const asked = meter.calls.d1
    await touchToken(directory, record, start + 15 * MINUTE)
    expect(meter.calls.d1).toBe(asked)
    await touchToken(directory, record, start + 15 * MINUTE + 1)
    expect(meter.calls.d1).toBe(asked + 1)
  })

  it.each([
    ["expired", { expiresAt: start }],
    ["revoked", { revokedAt: start }],
  ])("is not noted of a token that is %s", async (_, state) => {
    const token = await issueToken(await createUser(), state)
    expect((await use(token)).status).toBe(401)
    expect(await lastUsed(token)).toBeNull()
  })

  it("is noted of the token that was used and of no other", async () => {
    const user = await createUser()
    const [used, idle] = [await issueToken(user), await issueToken(user)]
    await use(used)
    expect(await lastUsed(used)).toBe(start)
    expect(await lastUsed(idle)).toBeNull()
  })
})
