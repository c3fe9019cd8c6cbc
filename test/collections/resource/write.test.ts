import { describe, expect, it } from "vitest"
import { base64, send } from "../../support/client.ts"
import { commitFiles, fetchFile, listFiles, newProject, newScopes, resourcePath } from "../../support/keptn.ts"

describe("writing files", () => {
  it("answers 201 with the commit, twice, in every scope", async () => {
    for (const place of await newScopes()) {
      const resources = [{ resourceURI: "slo.yaml", resourceContent: base64("slo") }]
      const response = await send("eu", resourcePath(place), { json: { resources } })
      expect(response.status).toBe(201)
      const { version } = await fetchFile(place, "slo.yaml")
      expect(version).toMatch(/^[0-9a-f]{40}$/)
      expect(await response.json()).toEqual({ commitID: version, metadata: { upstreamURL: "", version } })
    }
  })

  it("creates and overwrites, each in a commit of its own", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const first = await commitFiles(place, { "a.txt": "one" })
    const second = await commitFiles(place, { "a.txt": "two" })
    expect(second).not.toBe(first)
    expect(await fetchFile(place, "a.txt")).toMatchObject({ text: "two", version: second })
  })

  it("puts all files of a request into one commit", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const commit = await commitFiles(place, { "a.txt": "a", "b/c.txt": "c", "b/d/e.txt": "e" })
    const listed = await listFiles(place)
    expect(listed.uris).toEqual(["/a.txt", "/b/c.txt", "/b/d/e.txt", "/metadata.yaml"])
    expect(listed.versions).toEqual([commit])
    for (const [name, text] of [
      ["a.txt", "a"],
      ["b/c.txt", "c"],
      ["b/d/e.txt", "e"],
    ] as const) {
      expect(await fetchFile(place, `${name}?gitCommitID=${commit}`)).toMatchObject({ text, version: commit })
    }
  })

  it("answers identical content with the commit that stands, and makes none", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const commit = await commitFiles(place, { "a.txt": "a", "b.txt": "b" })
    expect(await commitFiles(place, { "a.txt": "a", "b.txt": "b" })).toBe(commit)
    expect(await commitFiles(place, { "b.txt": "b" })).toBe(commit)
    expect((await listFiles(place)).versions).toEqual([commit])
    expect(await commitFiles(place, { "a.txt": "a", "b.txt": "other" })).not.toBe(commit)
  })

  it("goes back to old content in a new commit", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const first = await commitFiles(place, { "a.txt": "one" })
    await commitFiles(place, { "a.txt": "two" })
    const third = await commitFiles(place, { "a.txt": "one" })
    expect(third).not.toBe(first)
    expect(await fetchFile(place, "a.txt")).toMatchObject({ text: "one", version: third })
  })

  it("takes the last of two contents for one file", async () => {
    const place = { project: await newProject("dev") }
    const one = { resourceURI: "a.txt", resourceContent: base64("one") }
    const two = { resourceURI: "/a.txt", resourceContent: base64("two") }
    const json = { resources: [one, two] }
    expect((await send("eu", resourcePath(place), { json })).status).toBe(201)
    expect((await fetchFile(place, "a.txt")).text).toBe("two")
    expect((await listFiles(place)).uris).toEqual(["/a.txt", "/metadata.yaml", "/shipyard.yaml"])
  })

  it("writes the same bytes under two names", async () => {
    const place = { project: await newProject("dev") }
    await commitFiles(place, { "a.txt": "same", "b.txt": "same" })
    expect((await fetchFile(place, "a.txt")).text).toBe("same")
    expect((await fetchFile(place, "b.txt")).text).toBe("same")
  })

  it("puts a service's files into its folder on the branch of the stage", async () => {
    const [, stage, service] = await newScopes()
    const commit = await commitFiles(service, { "helm/values.yaml": "v" })
    expect(await fetchFile(stage, "carts/helm/values.yaml")).toMatchObject({ text: "v", version: commit })
    const next = await commitFiles(stage, { "carts/slo.yaml": "s" })
    expect(await fetchFile(service, "slo.yaml")).toMatchObject({ text: "s", version: next })
  })

  it("keeps many files in one request apart", async () => {
    const place = { project: await newProject("dev") }
    const files = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`f/${index}.txt`, `content ${index}`]))
    await commitFiles(place, files)
    expect(await listFiles(place, "pageSize=1000")).toMatchObject({ totalCount: 252, nextPageKey: "0" })
    for (const index of [0, 99, 100, 249]) {
      expect((await fetchFile(place, `f/${index}.txt`)).text).toBe(`content ${index}`)
    }
  })
})

describe("the name of a file that is written", () => {
  it.each([
    ["/slo.yaml", "slo.yaml"],
    ["///slo.yaml", "slo.yaml"],
    ["./slo.yaml", "slo.yaml"],
    ["a//b.yaml", "a/b.yaml"],
    ["/deep/er/and/deeper.yaml", "deep/er/and/deeper.yaml"],
    [".hidden", ".hidden"],
    ["ä b+c%2F.txt", "ä b+c%2F.txt"],
    ["-", "-"],
    ["a.b.c", "a.b.c"],
    ["gitconfig/.gitignore", "gitconfig/.gitignore"],
    ["x".repeat(255), "x".repeat(255)],
  ])("%j is stored as %j", async (uri, stored) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitFiles(place, { [uri]: "content" })
    expect((await listFiles(place)).uris.filter((one) => one !== "/metadata.yaml")).toEqual([`/${stored}`])
  })
})
