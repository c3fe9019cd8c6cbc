import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { commitFiles, fetchFile, newProject, readFile } from "../support/keptn.ts"
import { storedBlobs } from "../support/storage.ts"
import { eventually } from "../support/eventually.ts"

const LIMIT = 1024 * 1024

async function stored(content: string | Uint8Array) {
  const place = { project: await newProject("dev") }
  await commitFiles(place, { "a.bin": content })
  const etag = (await readFile(place, "a.bin", { headers: { "if-none-match": "*" } })).headers.get("etag")
  const blob = etag?.replaceAll('"', "") ?? ""
  return { place, blob, key: `projects/${place.project}/blobs/${blob}` }
}

/** The copy in KV; it is made after the response. */
function cached(key: string): Promise<string | null> {
  return env.CACHE_EU.get(key)
}

describe("the copy of a file in KV", () => {
  it("is made by the first read, not by the write", async () => {
    const { place, key } = await stored("small")
    expect(await cached(key)).toBeNull()
    await fetchFile(place, "a.bin")
    await eventually(async () => expect(await cached(key)).toBe("small"))
    const { keys } = await env.CACHE_EU.list({ prefix: key })
    const lifetime = (keys[0]?.expiration ?? Infinity) - Date.now() / 1000
    expect(lifetime).toBeGreaterThan(0)
    expect(lifetime).toBeLessThanOrEqual(24 * 60 * 60)
  })

  it.each([
    { size: LIMIT, made: true },
    { size: LIMIT + 1, made: false },
  ])("of $size bytes is made: $made", async ({ size, made }) => {
    const { place, key } = await stored(new Uint8Array(size).fill(97))
    await fetchFile(place, "a.bin")
    // A small file read afterwards shows that copies have had their time.
    const other = await stored("other")
    await fetchFile(other.place, "a.bin")
    await eventually(async () => expect(await cached(other.key)).toBe("other"))
    await eventually(async () => expect((await cached(key)) !== null).toBe(made))
  })

  it("serves while R2 has lost the bytes, and R2 while KV has none", async () => {
    const { place, key, blob } = await stored("twice")
    await fetchFile(place, "a.bin")
    await eventually(async () => expect(await cached(key)).toBe("twice"))
    await env.BLOBS_EU.delete(key)
    expect((await storedBlobs(place.project)).has(blob)).toBe(false)
    expect((await fetchFile(place, "a.bin")).text).toBe("twice")

    await env.BLOBS_EU.put(key, "twice")
    await env.CACHE_EU.delete(key)
    expect((await fetchFile(place, "a.bin")).text).toBe("twice")
  })

  it("is missed in neither: 500 without a word about storage when both have lost the bytes", async () => {
    const { place, key } = await stored("lost")
    await env.BLOBS_EU.delete(key)
    const response = await readFile(place, "a.bin")
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ code: 500, message: "Internal server error" })
  })
})
