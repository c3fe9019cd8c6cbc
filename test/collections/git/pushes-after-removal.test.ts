/** Pushes of files whose bytes were removed a short time ago, or are being removed: they are put again. */
import { env } from "cloudflare:workers"
import { expect, it, vi } from "vitest"
import { FILE_MODE, type ObjectId } from "../../../src/git/objects.ts"
import { noise } from "../../support/bytes.ts"
import { createProject } from "../../support/client.ts"
import { headOf, push } from "../../support/git.ts"
import { auditProject } from "../../support/integrity.ts"
import { fetchFile, newProject } from "../../support/keptn.ts"
import { blobOf, commitOf, type MadeObject, packOf, treeOf } from "../../support/packs.ts"
import { deleteProject } from "../../support/projects.ts"

const REF = "refs/heads/dev"
const OK = ["unpack ok", `ok ${REF}`]

/** Pushes a file to `dev`, and returns the report. */
async function pushFile(project: string, blob: MadeObject): Promise<string[]> {
  const head = await headOf(project, "dev")
  const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
  const commit = await commitOf({ tree: tree.id, parents: [head] })
  return push(project, [{ ref: REF, from: head, to: commit.id }], packOf([commit, tree, blob]))
}

/** Notes that a blob is being removed since a minute, or was removed at `removedAt`. */
async function noteRemoval(project: string, id: ObjectId, removedAt: number | null): Promise<void> {
  await env.DB_EU.prepare(
    "insert into unnamed_blobs (project, blob_id, marked_at, taken_at, removed_at) values (?, ?, 0, 1, ?)",
  )
    .bind(project, id, removedAt)
    .run()
}

it("to a project that was deleted and made again, at once, any number of times", async () => {
  const large = [noise(9 * 2 ** 20)]
  for (let round = 0; round < 2; round++) {
    await createProject("eu", "made-again", "dev")
    for (const content of ["pushed\n", `round ${round}`, ...large.slice(0, round)]) {
      expect(await pushFile("made-again", await blobOf(content))).toEqual(OK)
    }
    await auditProject("made-again")
    await deleteProject("made-again")
  }
})

it("when the bytes were removed after the push had put them", async () => {
  const project = await newProject("dev")
  const blob = await blobOf("removed")
  await noteRemoval(project, blob.id, Date.now())
  // As if the job had removed them in between: what stands there is put again only where nothing stands.
  expect(await pushFile(project, blob)).toEqual(OK)
  expect((await fetchFile({ project, stage: "dev" }, "a")).text).toBe("removed")
})

it("when the bytes are being removed: it waits for the end of that", async () => {
  const project = await newProject("dev")
  const blob = await blobOf("being removed")
  await noteRemoval(project, blob.id, null)
  const pushed = pushFile(project, blob)
  const key = `projects/${project}/blobs/${blob.id}`
  await vi.waitFor(async () => expect(await env.BLOBS_EU.head(key)).not.toBeNull(), { timeout: 600_000 })
  await env.BLOBS_EU.delete(key)
  await env.DB_EU.prepare("update unnamed_blobs set removed_at = ? where project = ?").bind(Date.now(), project).run()
  expect(await pushed).toEqual(OK)
  expect((await fetchFile({ project, stage: "dev" }, "a")).text).toBe("being removed")
})

it("when their removal does not end: it says so, and nothing is moved", async () => {
  const project = await newProject("dev")
  const blob = await blobOf("stuck")
  const head = await headOf(project, "dev")
  await noteRemoval(project, blob.id, null)
  expect(await pushFile(project, blob)).toEqual(["unpack ok", `ng ${REF} the storage is being cleaned: push again`])
  expect(await headOf(project, "dev")).toBe(head)
})
