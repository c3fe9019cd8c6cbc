import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { auditProject } from "../support/integrity.ts"
import { commitFiles, fetchFile, listFiles, newProject, newService, readFile } from "../support/keptn.ts"

/** The same numbers in every run: what fails once fails again. */
function* randomNumbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state
  }
}

describe("a file that ends at a commit", () => {
  it("stands in the commits before, and neither there nor behind it: 404", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const before = await commitFiles(place, { "gone.txt": "still here", "stays.txt": "0" })
    const at = await commitFiles(place, { "stays.txt": "1" })
    const after = await commitFiles(place, { "stays.txt": "2" })
    // No route removes files yet: the row is ended by hand, as a commit that removes the file ends it.
    const position = "select seq from branch_commits where commit_id = ?"
    const end = `update files set until_seq = (${position}) where path = 'gone.txt'`
    expect((await env.DB_EU.prepare(end).bind(at).run()).meta.changes).toBe(1)

    expect((await fetchFile(place, `gone.txt?gitCommitID=${before}`)).text).toBe("still here")
    for (const commit of [at, after]) {
      expect((await readFile(place, `gone.txt?gitCommitID=${commit}`)).status).toBe(404)
      expect((await readFile(place, `stays.txt?gitCommitID=${commit}`)).status).toBe(200)
    }
    expect((await readFile(place, "gone.txt")).status).toBe(404)
    expect((await listFiles(place)).uris).toEqual(["/metadata.yaml", "/stays.txt"])
  })
})

describe("what is stored of a project", () => {
  it("is consistent when it is new", async () => {
    const project = await newProject("dev", "prod")
    expect(await auditProject(project)).toEqual({
      main: ["Initialize project", "Add shipyard.yaml"],
      dev: ["Initialize project"],
      prod: ["Initialize project"],
    })
  })

  it("is consistent at every commit after many writes of many kinds", async () => {
    const project = await newProject("dev", "prod")
    await newService(project, "svc")
    const folders = ["", "a/", "a/b/", "a-b/", "svc/", "svc/helm/", "z/"]
    const random = randomNumbers(42)
    const next = (below: number) => (random.next().value ?? 0) % below
    const contents = new Map<string, string>()
    let commits = 0
    for (let round = 0; round < 40; round++) {
      const files: Record<string, string> = {}
      for (let file = next(4) + 1; file > 0; file--) {
        files[`${folders[next(folders.length)]}f${next(6)}.txt`] = `content ${next(5)}`
      }
      if (Object.entries(files).some(([path, content]) => contents.get(path) !== content)) commits++
      for (const [path, content] of Object.entries(files)) contents.set(path, content)
      await commitFiles({ project, stage: "dev" }, files)
    }
    const { dev, prod } = await auditProject(project)
    expect(dev).toHaveLength(2 + commits)
    expect(prod).toHaveLength(2)
    const { uris } = await listFiles({ project, stage: "dev" }, "pageSize=1000")
    const expected = ["metadata.yaml", "svc/metadata.yaml", ...contents.keys()].map((path) => `/${path}`)
    expect(uris.toSorted()).toEqual(expected.toSorted())
  })

  it("holds a large write whole: 400 files in 40 folders", async () => {
    const project = await newProject("dev")
    const names = Array.from({ length: 400 }, (_, index) => `folder-${index % 40}/deeper/${index}.txt`)
    await commitFiles({ project, stage: "dev" }, Object.fromEntries(names.map((name) => [name, name])))
    await commitFiles({ project, stage: "dev" }, Object.fromEntries(names.map((name) => [name, `new ${name}`])))
    expect((await auditProject(project))["dev"]).toHaveLength(3)
  })
})
