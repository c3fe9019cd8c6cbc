/** What a branch with ten thousand commits costs to read: no more than one with a hundred. And what it costs to be fetched. */
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { objectId } from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import type { FileVersion } from "../../src/partition/commit.ts"
import { send, storageCounts } from "../support/client.ts"
import { askCommit, askCommits, listCommits, revertCommit } from "../support/history.ts"
import { fetchShapes, tripsOf } from "../support/fetch-shapes.ts"
import { headOf } from "../support/git.ts"
import { auditProject } from "../support/integrity.ts"
import {
  commitFiles,
  commitOf,
  fetchFile,
  newProject,
  newService,
  putFile,
  readFile,
  removeFile,
  resourcePath,
} from "../support/keptn.ts"
import { knownToken } from "../support/known.ts"
import { addCommits } from "../support/many-commits.ts"
import { query } from "../support/storage.ts"

const FEW = 100
const MANY = 10_000
/** A range of an index ends at the first row behind it, if there is one: that may be read, too, in each of a few ranges. */
const ENDS_OF_RANGES = 8
/** Every so many commits one changes a file that is changed seldom. */
const SELDOM = 50

let project = ""
let stage = { project, stage: "dev" }
let service = { ...stage, service: "carts" }
let versions: FileVersion[] = []
let first = ""
let made = 0
let written = 0

/** What a commit writes: a file that each commit changes, one that few change, and some in a folder. */
function changesOf(number: number): FileVersion[] {
  made++
  const content = (shift: number) => versions[(made + shift) % versions.length] ?? { path: "", id: null, size: 0 }
  return [
    { ...content(0), path: "carts/often.txt" },
    ...(number % SELDOM === 0 ? [{ ...content(1), path: "carts/seldom.txt" }] : []),
    ...(number % 10 === 0 ? [{ ...content(2), path: `carts/folder/${(number / 10) % 20}.txt` }] : []),
  ]
}

type Ask = (request: { token: string }) => Promise<Response>

const reads: Record<string, Ask> = {
  "a file at the head": (request) => readFile(service, "often.txt", request),
  "a file at the first commit": (request) => readFile(service, `often.txt?gitCommitID=${first}`, request),
  "a file that never changed, at the first commit": (request) =>
    readFile(service, `still.txt?gitCommitID=${first}`, request),
  "the files of a service": (request) => send("eu", `${resourcePath(service)}?pageSize=10`, request),
  "the files of a stage": (request) => send("eu", `${resourcePath(stage)}?pageSize=10`, request),
  "a page of the commits of a stage": (request) => askCommits(project, "stage=dev&pageSize=10", request),
  "the last page of the commits of a stage": (request) =>
    askCommits(project, "stage=dev&pageSize=10&nextPageKey=10", request),
  "the commits of a service": (request) => askCommits(project, "stage=dev&service=carts&pageSize=10", request),
  "the commits of a file that each commit changes": (request) =>
    askCommits(project, "stage=dev&path=carts/often.txt&pageSize=10", request),
  "the first commits of a file that each commit changes": (request) =>
    askCommits(project, "stage=dev&path=carts/often.txt&pageSize=10&nextPageKey=12", request),
  "the commits of a file that never changed": (request) =>
    askCommits(project, "stage=dev&path=carts/still.txt&pageSize=10", request),
  "the commits of a folder": (request) => askCommits(project, "stage=dev&path=carts/folder&pageSize=5", request),
  "the newest commit": (request) => askCommit(stage, "HEAD", request),
  "the first commit": (request) => askCommit(stage, first, request),
}

const writes: Record<string, Ask> = {
  "writing a file": (request) => putFile(service, "written.txt", `${written++}`, request),
  "overwriting a file that each commit changes": (request) => putFile(service, "often.txt", `${written++}`, request),
  "reverting the newest commit": (request) => revertCommit(stage, "HEAD", request),
  "deleting a file": async (request) => {
    await commitFiles(service, { "deleted.txt": "deleted" })
    return removeFile(service, "deleted.txt", request)
  },
}

/** Measures on a branch whose newest commits are always alike. */
async function measure(): Promise<Record<string, number>> {
  await addCommits(project, "dev", 20, changesOf)
  const rows: Record<string, number> = {}
  for (const [what, ask] of Object.entries({ ...reads, ...writes })) {
    const response = await ask({ token: await knownToken() })
    expect(response.ok, what).toBe(true)
    rows[what] = storageCounts(response).rows
  }
  return rows
}

describe("a branch with ten thousand commits", () => {
  let few: Record<string, number> = {}
  let many: Record<string, number> = {}

  beforeAll(async () => {
    project = await newProject("dev")
    stage = { project, stage: "dev" }
    service = { ...stage, service: "carts" }
    await newService(project, "carts")
    const texts = Array.from({ length: 101 }, (_, index) => `version ${index}`)
    await commitFiles({ project }, Object.fromEntries(texts.map((text, index) => [`texts/${index}.txt`, text])))
    versions = await Promise.all(
      texts.map(async (text) => ({ path: "", id: await objectId("blob", utf8(text)), size: text.length })),
    )
    first = await commitFiles(service, { "often.txt": "first", "still.txt": "still", "seldom.txt": "first" })
    await addCommits(project, "dev", FEW - 40, changesOf)
    await measure()
    few = await measure()
    // What was stored past the API is as good as what it stores itself.
    expect((await auditProject(project))["dev"]?.length).toBeGreaterThan(FEW)
    await addCommits(project, "dev", MANY, changesOf)
    await measure()
    many = await measure()
  })

  it.each(Object.keys({ ...reads, ...writes }))("reads no more rows than one with a hundred, for %s", (what) => {
    expect(few[what]).toBeGreaterThan(0)
    expect(many[what]).toBeLessThanOrEqual((few[what] ?? 0) + ENDS_OF_RANGES)
  })

  it("answers what stands at its ends", async () => {
    expect((await fetchFile(service, `often.txt?gitCommitID=${first}`)).text).toBe("first")
    const last = await commitOf(await putFile(service, "often.txt", "last"))
    expect((await fetchFile(service, "often.txt")).version).toBe(last)
    const { commits, nextPageKey } = await listCommits(project, "stage=dev&pageSize=3")
    expect(commits[0]?.id).toBe(last)
    expect(Number(nextPageKey)).toBeGreaterThan(MANY)
    const oldest = await listCommits(project, "stage=dev&path=carts/seldom.txt&nextPageKey=5")
    expect(oldest.commits.at(-1)?.id).toBe(first)
  })

  it("is fetched in at most 10 trips before the pack begins, in every shape of request", async () => {
    const line = await commitsOf(project, "dev")
    expect(line.length).toBeGreaterThan(MANY)
    await commitFiles({ project }, { "other.txt": "other" })
    const other = { branch: "main", head: await headOf(project, "main") }
    const trips: Record<string, number[]> = {}
    for (const shape of fetchShapes({ line, other })) {
      trips[shape.what] = await tripsOf(project, shape, await knownToken())
    }
    const tooMany = Object.entries(trips).filter(([, counts]) => counts.some((count) => !(count <= 10)))
    expect(tooMany).toEqual([])
    // What most fetches are takes three: the branches, the commits, the objects.
    expect(trips["what is new"]).toEqual([3, 3])
    expect(trips["a small depth"]).toEqual([3, 3])
  })
})

/** The commits of a branch, the oldest first. */
async function commitsOf(name: string, branch: string): Promise<string[]> {
  const rows = await query(
    z.object({ id: z.string() }),
    `select commit_id as id from branch_commits join branches on branches.id = branch_id
    join projects on projects.id = branches.project_id where projects.name = ? and branches.name = ? order by seq`,
    name,
    branch,
  )
  return rows.map(({ id }) => id)
}
