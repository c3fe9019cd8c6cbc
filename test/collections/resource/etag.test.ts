import { describe, expect, it } from "vitest"
import { storageCounts } from "../../support/client.ts"
import { commitFiles, newProject, readFile } from "../../support/keptn.ts"

/** `printf 'content' | git hash-object --stdin`. */
const BLOB = "6b584e8ece562ebffc15d38808cd6b98fc3d97ea"

async function stored() {
  const place = { project: await newProject("dev"), stage: "dev" }
  return { place, commit: await commitFiles(place, { "a.txt": "content" }) }
}

describe("the ETag of a file", () => {
  it("is git's blob id, at the head and at a commit", async () => {
    const { place, commit } = await stored()
    expect((await readFile(place, "a.txt")).headers.get("etag")).toBe(`"${BLOB}"`)
    expect((await readFile(place, `a.txt?gitCommitID=${commit}`)).headers.get("etag")).toBe(`"${BLOB}"`)
  })

  it.each([`"${BLOB}"`, `W/"${BLOB}"`, `"other", "${BLOB}"`, "*"])(
    "answers 304 without a body and without reading bytes to If-None-Match: %s",
    async (header) => {
      const { place } = await stored()
      const response = await readFile(place, "a.txt", { headers: { "if-none-match": header } })
      expect(response.status).toBe(304)
      expect(await response.text()).toBe("")
      expect(response.headers.get("etag")).toBe(`"${BLOB}"`)
      expect(storageCounts(response)).toMatchObject({ r2: 0, kv: 0 })
    },
  )

  it.each(['"other"', BLOB, `"${BLOB.slice(0, 39)}"`, ""])("answers 200 to If-None-Match: %s", async (header) => {
    const { place } = await stored()
    const response = await readFile(place, "a.txt", { headers: { "if-none-match": header } })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ resourceContent: "Y29udGVudA==" })
  })

  it("changes with the content and not with other files", async () => {
    const { place } = await stored()
    const conditional = () => readFile(place, "a.txt", { headers: { "if-none-match": `"${BLOB}"` } })
    await commitFiles(place, { "b.txt": "other file" })
    expect((await conditional()).status).toBe(304)
    await commitFiles(place, { "a.txt": "new content" })
    expect((await conditional()).status).toBe(200)
  })

  it("does not make a missing file found: 404 to If-None-Match: *", async () => {
    const { place } = await stored()
    expect((await readFile(place, "never.txt", { headers: { "if-none-match": "*" } })).status).toBe(404)
  })
})
