/** The history of a project, as the API lists and reads it. What reverts a commit is in revert.test.ts. */
import { describe, expect, it } from "vitest"
import { EMPTY_TREE, objectId } from "../../../src/git/objects.ts"
import { utf8 } from "../../../src/lib/bytes.ts"
import { send, storageCounts } from "../../support/client.ts"
import { pushManyFiles } from "../../support/many-files.ts"
import { askCommit, askCommits, listCommits, listMessages, readCommit } from "../../support/history.ts"
import { auditProject } from "../../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  failure,
  newProject,
  newScopes,
  newService,
  type Place,
  putFile,
  removeFile,
} from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { assignRole, createUser, issueToken } from "../../support/people.ts"

const NO_COMMIT = "d".repeat(40)

/** The id of the blob with this text. */
function blobId(text: string): Promise<string> {
  return objectId("blob", utf8(text))
}

async function remove(place: Place, path: string): Promise<string> {
  return commitOf(await removeFile(place, path))
}

describe("the list of commits", () => {
  it("has the commits of a project, a stage or a service, the newest first", async () => {
    const [ofProject, ofStage, ofService] = await newScopes()
    const { project } = ofProject
    await commitFiles(ofProject, { "p.txt": "p" })
    await commitFiles(ofStage, { "s.txt": "s", "t.txt": "t" })
    await commitFiles(ofService, { "v.txt": "v" })
    expect(await listMessages(project)).toEqual(["Write p.txt", "Add shipyard.yaml", "Initialize project"])
    const stage = ["Write v.txt", "Write 2 resources", "Create service carts", "Initialize project"]
    expect(await listMessages(project, "stage=dev")).toEqual(stage)
    expect(await listMessages(project, "stage=dev&service=carts")).toEqual(["Write v.txt", "Create service carts"])
  })

  it("says of each commit its id, its parent, who made it, and which paths of the branch it changed", async () => {
    const [, , place] = await newScopes()
    const user = await createUser()
    await assignRole(user, { roleName: "Admin" })
    const request = { token: await issueToken(user) }
    const before = Math.floor(Date.now() / 1000) * 1000
    const first = await commitFiles(place, { "b/z.txt": "z", "a.txt": "a" })
    const second = await commitOf(await putFile(place, "a.txt", "b", request))
    const { commits, nextPageKey } = await listCommits(place.project, "stage=dev&service=carts")
    expect(nextPageKey).toBe("0")
    expect(commits.map(({ id, parents, message, changedPaths }) => ({ id, parents, message, changedPaths }))).toEqual([
      { id: second, parents: [first], message: "Write a.txt", changedPaths: ["carts/a.txt"] },
      {
        id: first,
        parents: [commits[2]?.id],
        message: "Write 2 resources",
        changedPaths: ["carts/a.txt", "carts/b/z.txt"],
      },
      {
        id: commits[2]?.id,
        parents: [expect.stringMatching(/^[0-9a-f]{40}$/)],
        message: "Create service carts",
        changedPaths: ["carts/metadata.yaml"],
      },
    ])
    const [newest] = commits
    expect(newest?.author).toEqual({
      name: `User ${user.slice(0, 8)}`,
      email: `${user}@noreply.quarterdeck.invalid`,
      time: newest?.committer.time,
    })
    expect(newest?.committer).toEqual(newest?.author)
    expect(Date.parse(newest?.author.time ?? "")).toBeGreaterThanOrEqual(before)
    expect(Date.parse(newest?.author.time ?? "")).toBeLessThanOrEqual(Date.now())
  })

  it("does not have the commits of another stage", async () => {
    const project = await newProject("dev", "prod")
    await commitFiles({ project, stage: "dev" }, { "a.txt": "a" })
    expect(await listMessages(project, "stage=prod")).toEqual(["Initialize project"])
    expect(await listMessages(project, "stage=dev")).toEqual(["Write a.txt", "Initialize project"])
  })

  it("does not have the commits of a service whose name begins alike", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    await newService(project, "carts-db")
    await commitFiles({ project, stage: "dev", service: "carts-db" }, { "a.txt": "a" })
    expect(await listMessages(project, "stage=dev&service=carts")).toEqual(["Create service carts"])
  })

  it("has those in which the last file of a branch went", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await remove(place, "metadata.yaml")
    await commitFiles(place, { "a.txt": "a" })
    const { commits } = await listCommits(place.project, "stage=dev")
    expect(commits.map(({ changedPaths }) => changedPaths)).toEqual([["a.txt"], ["metadata.yaml"], ["metadata.yaml"]])
    const [, , first] = await listMessages(place.project, "stage=dev&path=metadata.yaml")
    expect(first).toBeUndefined()
  })

  it("says of a commit that changed more than a thousand files that these are not all", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const id = await pushManyFiles(place.project)
    const [newest, oldest] = (await listCommits(place.project, "stage=dev")).commits
    expect([newest?.changedPaths.length, newest?.truncated, oldest?.truncated]).toEqual([1_000, true, false])
    const { changes, truncated } = await readCommit(place, id)
    expect([changes.length, truncated]).toEqual([1_000, true])
    expect(await listMessages(place.project, "stage=dev&path=many/1000.txt")).toEqual(["pushed"])
  })
})

describe("the commits of a path", () => {
  it("are those that wrote or deleted the file", async () => {
    for (const place of await newScopes()) {
      const scope = new URLSearchParams({ ...place, path: "d/a.txt" })
      scope.delete("project")
      const ids = [
        await commitFiles(place, { "d/a.txt": "1", "b.txt": "1" }),
        (await commitFiles(place, { "b.txt": "2", "d/a.txt.bak": "no", "d/a": "no" })) && "",
        await commitFiles(place, { "d/a.txt": "2" }),
        await remove(place, "d/a.txt"),
        (await remove(place, "b.txt")) && "",
        await commitFiles(place, { "d/a.txt": "2" }),
      ].filter((id) => id !== "")
      const { commits } = await listCommits(place.project, scope.toString())
      expect(commits.map(({ id }) => id)).toEqual(ids.toReversed())
    }
  })

  it.each(["d", "d/", "/d", "d//"])("are for the folder %j those that changed anything below it", async (path) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const first = await commitFiles(place, { "d/e/a.txt": "1" })
    await commitFiles(place, { "d-e/a.txt": "no", "f.txt": "no" })
    const second = await commitFiles(place, { "d/e/f/b.txt": "1", "f.txt": "2" })
    const third = await remove(place, "d/e/f/b.txt")
    const last = await remove(place, "d/e/a.txt")
    const { commits } = await listCommits(place.project, `stage=dev&path=${encodeURIComponent(path)}`)
    expect(commits.map(({ id }) => id)).toEqual([last, third, second, first])
  })

  it("are those of the file and of the folder that stood there in turn", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const ids = [
      await commitFiles(place, { a: "a file" }),
      await remove(place, "a"),
      await commitFiles(place, { "a/b": "below a folder" }),
      await commitFiles(place, { "a/c": "below a folder" }),
      await remove(place, "a/b"),
      await remove(place, "a/c"),
      await commitFiles(place, { a: "a file again" }),
    ]
    const { commits } = await listCommits(place.project, "stage=dev&path=a")
    expect(commits.map(({ id }) => id)).toEqual(ids.toReversed())
    expect(await listMessages(place.project, "stage=dev&path=a/b")).toEqual(["Delete a/b", "Write a/b"])
    await auditProject(place.project)
  })

  it("are none where nothing ever stood: an empty page", async () => {
    const project = await newProject("dev")
    expect(await listCommits(project, "path=none.txt")).toEqual({ commits: [], nextPageKey: "0" })
  })

  it("are those of the whole scope when the path is empty", async () => {
    const [, { project }] = await newScopes()
    expect(await listMessages(project, "stage=dev&path=")).toHaveLength(2)
    expect(await listMessages(project, "stage=dev&service=carts&path=")).toEqual(["Create service carts"])
  })
})

describe("the pages of commits", () => {
  it.each(["", "&path=same.txt", "&path=d"])("lead through all of them once, for %j", async (path) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const ids: string[] = []
    for (let n = 0; n < 25; n++) ids.push(await commitFiles(place, { "same.txt": `${n}`, "d/same.txt": `${n}` }))
    const seen: string[] = []
    const sizes: number[] = []
    let key = "0"
    do {
      const query = `stage=dev&pageSize=10&nextPageKey=${key}${path}`
      const { commits, nextPageKey } = await listCommits(place.project, query)
      seen.push(...commits.map(({ id }) => id))
      sizes.push(commits.length)
      key = nextPageKey
    } while (key !== "0")
    const initial = path === "" ? (await listCommits(place.project, "stage=dev&pageSize=100")).commits.slice(25) : []
    expect(seen).toEqual([...ids.toReversed(), ...initial.map(({ id }) => id)])
    expect(sizes).toEqual([10, 10, path === "" ? 6 : 5])
  })

  it("do not end with one that is empty, when the last is full", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    for (const n of [1, 2, 3]) await commitFiles(place, { "a.txt": `${n}` })
    const first = await listCommits(place.project, "stage=dev&pageSize=2")
    const second = await listCommits(place.project, `stage=dev&pageSize=2&nextPageKey=${first.nextPageKey}`)
    expect([first.commits.length, second.commits.length, second.nextPageKey]).toEqual([2, 2, "0"])
  })

  it("stay where they are while commits are added", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    for (const n of [1, 2, 3]) await commitFiles(place, { "a.txt": `${n}` })
    const { nextPageKey } = await listCommits(place.project, "stage=dev&pageSize=2")
    const query = `stage=dev&pageSize=2&nextPageKey=${nextPageKey}`
    const before = await listCommits(place.project, query)
    await commitFiles(place, { "a.txt": "4" })
    expect(await listCommits(place.project, query)).toEqual(before)
  })

  it("hold 20 when no size is given, at most 100, and none with 0", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    for (let n = 0; n < 20; n++) await commitFiles(place, { "a.txt": `${n}` })
    expect((await listCommits(place.project, "stage=dev")).commits).toHaveLength(20)
    expect((await listCommits(place.project, "stage=dev&pageSize=100")).commits).toHaveLength(21)
    expect(await listCommits(place.project, "stage=dev&pageSize=0")).toEqual({ commits: [], nextPageKey: "0" })
  })
})

describe("a list of commits that cannot be", () => {
  it.each([
    ["pageSize=101", "pageSize must be at most 100"],
    ["service=carts", "a service is one of a stage: give stage, too"],
    ["path=../a", "invalid resource uri"],
    ["path=a/../b", "invalid resource uri"],
    ["path=.git/config", "invalid resource uri"],
    ["path=a%00b", "invalid resource uri"],
  ])("is refused for %s: 400", async (query, message) => {
    const { project } = (await newScopes())[0]
    expect(await failure(await askCommits(project, query))).toEqual({ status: 400, code: 400, message })
  })

  it("is refused for a size that is no number: 400", async () => {
    expect((await failure(await askCommits(await newProject("dev"), "pageSize=x"))).status).toBe(400)
  })

  it.each([
    ["nowhere", "", ""],
    ["", "stage=nowhere", "Stage not found"],
    ["", "stage=main", "Stage not found"],
    ["", "stage=dev&service=nowhere", "Service not found"],
    ["", "stage=dev&service=nowhere&path=a", "Service not found"],
  ])("is not found: project %j, %j: 404", async (named, query, text) => {
    const project = named === "" ? await newProject("dev") : named
    const { status, message } = await failure(await askCommits(project, query))
    expect(status).toBe(404)
    expect(message).toContain(text)
  })
})

describe("a commit", () => {
  it("is found by its id from any branch, with the branches that hold it", async () => {
    const project = await newProject("dev", "prod")
    const id = await commitFiles({ project, stage: "dev" }, { "a.txt": "a" })
    const places = [{ project }, { project, stage: "dev" }, { project, stage: "prod" }]
    for (const place of places) {
      expect(await readCommit(place, id)).toMatchObject({ id, branches: ["dev"], message: "Write a.txt" })
    }
    const first = (await readCommit({ project, stage: "dev" }, id)).parents[0] ?? ""
    expect((await readCommit({ project }, first)).branches).toEqual(["dev", "main", "prod"])
  })

  it("is with HEAD the newest of the branch", async () => {
    const project = await newProject("dev")
    const ofProject = await commitFiles({ project }, { "a.txt": "a" })
    const ofStage = await commitFiles({ project, stage: "dev" }, { "b.txt": "b" })
    expect((await readCommit({ project }, "HEAD")).id).toBe(ofProject)
    expect((await readCommit({ project, stage: "dev" }, "HEAD")).id).toBe(ofStage)
  })

  it("says which files it added, modified and removed, with their blobs", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const [one, two] = [await blobId("1"), await blobId("2")]
    const added = await commitFiles(place, { "d/a.txt": "1", "b.txt": "1", "c.txt": "1" })
    const mixed = await commitFiles(place, { "d/a.txt": "2", "c.txt": "1", "new.txt": "1" })
    const removed = await remove(place, "d/a.txt")
    expect((await readCommit(place, added)).changes).toEqual([
      { path: "b.txt", status: "added", after: one },
      { path: "c.txt", status: "added", after: one },
      { path: "d/a.txt", status: "added", after: one },
    ])
    expect((await readCommit(place, mixed)).changes).toEqual([
      { path: "d/a.txt", status: "modified", before: one, after: two },
      { path: "new.txt", status: "added", after: one },
    ])
    expect((await readCommit(place, removed)).changes).toEqual([{ path: "d/a.txt", status: "removed", before: two }])
  })

  it("can be the first, which has no parent, and one that left nothing", async () => {
    const project = await newProject("dev")
    const first = await readCommit({ project, stage: "dev" }, "HEAD")
    expect(first).toMatchObject({ parents: [], changes: [{ path: "metadata.yaml", status: "added" }] })
    const emptied = await remove({ project, stage: "dev" }, "metadata.yaml")
    const { changes } = await readCommit({ project }, emptied)
    expect(changes).toEqual([{ path: "metadata.yaml", status: "removed", before: first.changes[0]?.after }])
    expect(await objectId("tree", new Uint8Array())).toBe(EMPTY_TREE)
  })

  it("is not found when the project has none of that id, be it that of another project: 404", async () => {
    const project = await newProject("dev")
    const elsewhere = await commitFiles({ project: await newProject("dev") }, { "a.txt": "a" })
    for (const id of [NO_COMMIT, elsewhere]) {
      const expected = { status: 404, code: 404, message: "Commit not found" }
      expect(await failure(await askCommit({ project }, id))).toEqual(expected)
    }
  })

  it("is also named by its id in upper case, by its first digits, and by a branch of which it is the newest", async () => {
    const project = await newProject("dev")
    const id = await commitFiles({ project }, { "a.txt": "a" })
    for (const named of [id.toUpperCase(), id.slice(0, 7), "main", "HEAD"]) {
      expect((await readCommit({ project }, named)).id, named).toBe(id)
    }
    expect((await readCommit({ project }, "dev")).id).not.toBe(id)
  })

  it.each(["head", "HEAD~1", "abc", "D".repeat(40), "d".repeat(39), "d".repeat(41)])(
    "is not named by %s: 404",
    async (id) => {
      const { status, message } = await failure(await askCommit({ project: await newProject("dev") }, id))
      expect([status, message]).toEqual([404, "Commit not found"])
    },
  )

  it("is not found in a project or stage that is not there: 404", async () => {
    const project = await newProject("dev")
    expect((await failure(await askCommit({ project: "nowhere" }, "HEAD"))).status).toBe(404)
    const ofStage = await failure(await askCommit({ project, stage: "nowhere" }, "HEAD"))
    expect(ofStage).toEqual({ status: 404, code: 404, message: "Stage not found" })
  })
})

describe("the history", () => {
  it("may be seen by who may read the project, and not found by others: 404", async () => {
    const project = await newProject("dev")
    const viewer = { token: await knownToken({ roleName: "Viewer", entityId: project }) }
    const stranger = { token: await knownToken({ roleName: "Admin", entityId: "another" }) }
    expect((await askCommits(project, "", viewer)).status).toBe(200)
    expect((await askCommit({ project }, "HEAD", viewer)).status).toBe(200)
    expect((await askCommits(project, "", stranger)).status).toBe(404)
    expect((await askCommit({ project }, "HEAD", stranger)).status).toBe(404)
  })

  it("is not part of the API of the configuration service: 404", async () => {
    const project = await newProject("dev")
    expect((await send("eu", `/api/configuration-service/v1/project/${project}/commit`)).status).toBe(404)
  })
})

describe("storage trips of the history", () => {
  it("are one to find commits, and one for each level of folders that they changed", async () => {
    const place = { project: await newProject("dev"), stage: "dev" }
    await commitFiles(place, { "a.txt": "a" })
    const caller = { token: await knownToken() }
    expect(storageCounts(await askCommits(place.project, "stage=dev", caller))).toMatchObject({ trips: 2, r2: 0 })
    await commitFiles(place, { "d/e/a.txt": "a" })
    await commitFiles(place, { "d/f/a.txt": "a" })
    for (const query of ["stage=dev", "stage=dev&path=d"]) {
      const response = await askCommits(place.project, query, caller)
      expect(storageCounts(response)).toMatchObject({ trips: 4, d1: 4, r2: 0, kv: 0 })
    }
    expect(storageCounts(await askCommits(place.project, "path=none", caller)).trips).toBe(1)
    const one = await askCommit(place, "HEAD", caller)
    // The names of the branches are read beside the folders.
    expect(storageCounts(one)).toMatchObject({ trips: 4, d1: 5, r2: 0, kv: 0 })
    expect(storageCounts(await askCommit(place, NO_COMMIT, caller)).trips).toBe(1)
  })
})
