import { describe, expect, it } from "vitest"
import { send } from "../../support/client.ts"
import {
  answer,
  commitFiles,
  failure,
  fetchFile,
  listFiles,
  newProject,
  newService,
  readFile,
  resourcePath,
} from "../../support/keptn.ts"
import { askCommit } from "../../support/history.ts"
import { env } from "cloudflare:workers"
import { z } from "zod"

/** A file of a stage in three versions, between commits that do not touch it. */
async function versions() {
  const place = { project: await newProject("dev", "prod"), stage: "dev" }
  const before = await commitFiles(place, { "other.txt": "0" })
  const first = await commitFiles(place, { "a/x.txt": "first" })
  const between = await commitFiles(place, { "other.txt": "1" })
  const second = await commitFiles(place, { "a/x.txt": "second" })
  const third = await commitFiles(place, { "a/x.txt": "third", "other.txt": "2" })
  return { place, before, first, between, second, third }
}

describe("reading a file as of a commit", () => {
  it("answers what stood there then, and echoes the commit as version", async () => {
    const { place, first, between, second, third } = await versions()
    for (const [commit, text] of [
      [first, "first"],
      [between, "first"],
      [second, "second"],
      [third, "third"],
    ] as const) {
      expect(await fetchFile(place, `a/x.txt?gitCommitID=${commit}`)).toMatchObject({ text, version: commit })
    }
  })

  it.each(["", "?gitCommitID=", "?gitCommitID=%22%22", '?gitCommitID=""'])(
    "answers the head to the query '%s'",
    async (query) => {
      const { place, third } = await versions()
      expect(await fetchFile(place, `a/x.txt${query}`)).toMatchObject({ text: "third", version: third })
    },
  )

  it("answers 404 for a file that is not in the commit", async () => {
    const { place, before } = await versions()
    const refused = { status: 404, code: 404, message: "Resource not found" }
    expect(await failure(await readFile(place, `a/x.txt?gitCommitID=${before}`))).toEqual(refused)
    expect(await failure(await readFile(place, `a/never.txt?gitCommitID=${before}`))).toEqual(refused)
  })

  it.each(["0".repeat(40), "F".repeat(40), "0000000", "head", "HEAD~1", "x".repeat(2000), "not a commit", "1"])(
    "answers 500 with Keptn's text for %j, which is no commit of the project",
    async (commit) => {
      const { place } = await versions()
      const refused = await failure(await readFile(place, `a/x.txt?gitCommitID=${encodeURIComponent(commit)}`))
      expect(refused).toEqual({ status: 500, code: 500, message: "Internal server error" })
    },
  )

  it("resolves ids in upper case, the first digits of one, HEAD and branches, as git does", async () => {
    const { place, first, third } = await versions()
    const before = (await fetchFile(place, `a/x.txt?gitCommitID=${first}`)).text
    for (const named of [first.toUpperCase(), first.slice(0, 12), first.slice(0, 12).toUpperCase()]) {
      expect((await fetchFile(place, `a/x.txt?gitCommitID=${named}`)).text, named).toBe(before)
    }
    const now = await fetchFile(place, "a/x.txt")
    for (const named of ["HEAD", place.stage, `refs/heads/${place.stage}`, `heads/${place.stage}`]) {
      expect(await fetchFile(place, `a/x.txt?gitCommitID=${encodeURIComponent(named)}`), named).toEqual(now)
    }
    expect(third).toMatch(/^[0-9a-f]{40}$/)
    expect((await readFile(place, "a/x.txt?gitCommitID=main")).status).toBe(404)
  })

  it("does not choose between commits that begin alike: 500", async () => {
    const { place, first } = await versions()
    const alike = `${first.slice(0, 10)}${"0".repeat(30)}`
    await env.DB_EU.prepare(
      "insert into commits select project_id, ?, tree_id, content from commits where id = ? and project_id = (select id from projects where name = ?)",
    )
      .bind(alike, first, place.project)
      .run()
    const { status, message } = await failure(await readFile(place, `a/x.txt?gitCommitID=${first.slice(0, 8)}`))
    expect([status, message]).toEqual([500, `several commits begin with ${first.slice(0, 8)}: give more of the id`])
    const ambiguous = await failure(await askCommit(place, first.slice(0, 8)))
    expect([ambiguous.status, ambiguous.message]).toEqual([400, message])
    expect((await readFile(place, `a/x.txt?gitCommitID=${first.slice(0, 11)}`)).status).toBe(200)
  })

  it("does not know the commits of another project: 500", async () => {
    const { place } = await versions()
    const { third } = await versions()
    expect((await readFile(place, `a/x.txt?gitCommitID=${third}`)).status).toBe(500)
  })

  it("reads commits of another branch of the project", async () => {
    const { place, second } = await versions()
    const prod = { ...place, stage: "prod" }
    const ofProject = await commitFiles({ project: place.project }, { "p.txt": "project" })
    expect(await fetchFile(prod, `a/x.txt?gitCommitID=${second}`)).toMatchObject({ text: "second", version: second })
    expect((await fetchFile({ project: place.project }, `a/x.txt?gitCommitID=${second}`)).text).toBe("second")
    expect((await fetchFile(prod, `p.txt?gitCommitID=${ofProject}`)).text).toBe("project")
    expect((await fetchFile(prod, `shipyard.yaml?gitCommitID=${ofProject}`)).text).toContain("name: dev")
    expect((await readFile(prod, `metadata.yaml?gitCommitID=${second}`)).status).toBe(200)
  })

  it("reads the commit that all branches start from", async () => {
    const project = await newProject("dev", "prod")
    const { versions: start } = await listFiles({ project, stage: "prod" })
    expect(start).toHaveLength(1)
    await commitFiles({ project, stage: "prod" }, { "metadata.yaml": "changed" })
    for (const place of [{ project }, { project, stage: "dev" }, { project, stage: "prod" }]) {
      const { text } = await fetchFile(place, `metadata.yaml?gitCommitID=${start[0]}`)
      expect(text).toMatch(/^projectName: /)
      expect((await readFile(place, `shipyard.yaml?gitCommitID=${start[0]}`)).status).toBe(404)
    }
  })

  it("reads a service's file at a commit", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    const place = { project, stage: "dev", service: "carts" }
    const first = await commitFiles(place, { "slo.yaml": "first" })
    const second = await commitFiles(place, { "slo.yaml": "second" })
    expect((await fetchFile(place, `slo.yaml?gitCommitID=${first}`)).text).toBe("first")
    expect((await fetchFile(place, `slo.yaml?gitCommitID=${second}`)).text).toBe("second")
  })

  it("asks for the scope as it stands now: 404 for a stage or a service that does not exist", async () => {
    const { place, first } = await versions()
    expect((await readFile({ ...place, stage: "nowhere" }, `a/x.txt?gitCommitID=${first}`)).status).toBe(404)
    expect((await readFile({ ...place, service: "a" }, `x.txt?gitCommitID=${first}`)).status).toBe(404)
  })

  it("is ignored on lists", async () => {
    const { place, first } = await versions()
    const response = await send("eu", `${resourcePath(place)}?gitCommitID=${first}`)
    const { resources } = await answer(
      response,
      z.object({ resources: z.array(z.object({ resourceURI: z.string() })) }),
    )
    expect(resources.map((one) => one.resourceURI)).toEqual(["/a/x.txt", "/metadata.yaml", "/other.txt"])
  })
})
