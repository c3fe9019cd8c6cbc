/** What an isolate remembers of tokens: nothing for longer than `TOKEN_CACHE_SECONDS`, and nothing of those it refused. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { TokenCache } from "../../src/gateway/token-cache.ts"
import type { TokenRecord } from "../../src/lib/principal.ts"
import { clientAt } from "../support/address.ts"
import { storageCounts } from "../support/client.ts"
import { edgeWith, type SendToEdge } from "../support/edge.ts"
import { assignRole, createUser, issueToken, revokeToken } from "../support/people.ts"

const SECONDS = 5
const METADATA = "http://eu.api.localhost/api/v1/metadata"
const start = Date.now()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start })
})

afterEach(() => {
  vi.useRealTimers()
})

/** The status of a request that needs no storage itself, and the trips that it took to know its token. */
async function ask(sendTo: SendToEdge, token: string): Promise<[status: number, trips: number]> {
  const response = await sendTo(METADATA, { headers: { "x-token": token, ...clientAt() } })
  return [response.status, storageCounts(response).trips]
}

function record(id: string): TokenRecord {
  const principal = { id, name: id, tokenId: id, organizationId: "o", systemTeams: [], assignments: [] }
  const life = { expiresAt: start + 1, revokedAt: null, lastUsedAt: null }
  return { principal: { ...principal, type: "user" }, purpose: "access", ...life }
}

describe("an edge", () => {
  it("looks a token up once, and again when the bound has passed", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: SECONDS })
    const token = await issueToken(await createUser())
    expect(await ask(sendTo, token)).toEqual([200, 1])
    expect(await ask(sendTo, token)).toEqual([200, 0])
    vi.setSystemTime(start + SECONDS * 1000 - 1)
    expect(await ask(sendTo, token)).toEqual([200, 0])
    vi.setSystemTime(start + SECONDS * 1000)
    expect(await ask(sendTo, token)).toEqual([200, 1])
  })

  it("refuses a token that was revoked with 401 when the bound has passed, however often it was used meanwhile", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: SECONDS })
    const token = await issueToken(await createUser())
    expect(await ask(sendTo, token)).toEqual([200, 1])
    await revokeToken(token)
    for (let second = 1; second < SECONDS; second++) {
      vi.setSystemTime(start + second * 1000)
      expect(await ask(sendTo, token)).toEqual([200, 0])
    }
    vi.setSystemTime(start + SECONDS * 1000)
    expect(await ask(sendTo, token)).toEqual([401, 1])
  })

  it("refuses a token that was revoked with 401 at once when it remembers none", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: 0 })
    const token = await issueToken(await createUser())
    expect(await ask(sendTo, token)).toEqual([200, 1])
    expect(await ask(sendTo, token)).toEqual([200, 1])
    await revokeToken(token)
    expect(await ask(sendTo, token)).toEqual([401, 1])
  })

  it("remembers no token that it refused", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: SECONDS })
    const user = await createUser()
    const token = await issueToken(user, { revokedAt: start })
    expect(await ask(sendTo, token)).toEqual([401, 1])
    expect(await ask(sendTo, token)).toEqual([401, 1])
  })

  it("knows a token that was created after it was refused as unknown", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: SECONDS })
    const text = crypto.randomUUID()
    expect(await ask(sendTo, text)).toEqual([401, 1])
    await issueToken(await createUser(), { text })
    expect(await ask(sendTo, text)).toEqual([200, 1])
  })

  it("takes a token for what its holder may do now when the bound has passed", async () => {
    const sendTo = edgeWith({ tokenCacheSeconds: SECONDS })
    const user = await createUser()
    const headers = { "x-token": await issueToken(user), "content-type": "application/json" }
    const body = JSON.stringify({ data: { project: "p" }, source: "test", type: "sh.keptn.log.error" })
    const sendEvent = async () =>
      (await sendTo("http://eu.api.localhost/api/v1/event", { method: "POST", headers, body })).status
    expect(await sendEvent()).toBe(404)
    await assignRole(user, { roleName: "Integration" })
    vi.setSystemTime(start + SECONDS * 1000)
    expect(await sendEvent()).toBe(200)
  })

  it("does not share what it remembers with another one", async () => {
    const token = await issueToken(await createUser())
    expect(await ask(edgeWith({ tokenCacheSeconds: SECONDS }), token)).toEqual([200, 1])
    expect(await ask(edgeWith({ tokenCacheSeconds: SECONDS }), token)).toEqual([200, 1])
  })
})

describe("the token cache", () => {
  it("holds the 10,000 tokens that were looked up last", () => {
    const cache = new TokenCache(5)
    for (let index = 0; index < 10_000; index++) cache.set(`hash ${index}`, record("a"))
    cache.set("hash 0", record("again"))
    expect(cache.get("hash 1")).not.toBeNull()
    cache.set("one more", record("b"))
    expect(cache.get("hash 1")).toBeNull()
    expect(cache.get("hash 0")?.principal.id).toBe("again")
    expect(cache.get("hash 2")).not.toBeNull()
    expect(cache.get("one more")?.principal.id).toBe("b")
  })

  it.each(["it is asked for again", "another is remembered"])("holds no token beyond its bound once %s", (event) => {
    const cache = new TokenCache(2)
    cache.set("token", record("a"))
    vi.setSystemTime(start + 2000)
    if (event === "another is remembered") cache.set("other", record("b"))
    else expect(cache.get("token")).toBeNull()
    // What was only out of date would be valid again.
    vi.setSystemTime(start + 1000)
    expect(cache.get("token")).toBeNull()
  })

  it("does not remember what was looked up before it forgot everything", () => {
    const cache = new TokenCache(2)
    const { mark } = cache
    cache.clear()
    cache.set("hash", record("a"), mark)
    expect(cache.get("hash")).toBeNull()
    cache.set("hash", record("b"), cache.mark)
    expect(cache.get("hash")?.principal.id).toBe("b")
  })

  it("forgets at its bound, counted from the last look-up", () => {
    const cache = new TokenCache(2)
    cache.set("hash", record("a"))
    vi.setSystemTime(start + 1500)
    cache.set("hash", record("b"))
    vi.setSystemTime(start + 3499)
    expect(cache.get("hash")?.principal.id).toBe("b")
    vi.setSystemTime(start + 3500)
    expect(cache.get("hash")).toBeNull()
  })
})
