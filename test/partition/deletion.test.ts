import { createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import worker from "../../src/index.ts"
import { Meter } from "../../src/lib/meter.ts"
import { openPartition } from "../../src/partition/partition.ts"
import { clearDeletedProjects } from "../../src/partition/projects.ts"
import { base64, createProject, shipyard } from "../support/client.ts"
import { sendEvent } from "../support/events.ts"
import { commitFiles, failure, fetchFile, newService } from "../support/keptn.ts"
import { deleteProject, getProject, postProject } from "../support/projects.ts"
import { countRows, leaveDeletionOpen, query, storedBlobs } from "../support/storage.ts"
import { z } from "zod"

const deletionSchema = z.object({ deleted_at: z.number(), cleared_at: z.number().nullable() })

async function deletionOf(name: string) {
  const [row] = await query(deletionSchema, "select deleted_at, cleared_at from deleted_projects where name = ?", name)
  return row
}

/** A project with everything a project can have. */
async function fullProject(name: string): Promise<void> {
  await createProject("eu", name, "dev", "prod")
  await newService(name, "carts")
  await commitFiles({ project: name }, { "p.txt": name, "folder/x.txt": "x" })
  await commitFiles({ project: name, stage: "dev" }, { "s.txt": name })
  await commitFiles({ project: name, stage: "dev", service: "carts" }, { "v.txt": name })
  await commitFiles({ project: name, stage: "dev", service: "carts" }, { "v.txt": `${name} again` })
  await sendEvent({ data: { project: name } })
}

async function runScheduled(): Promise<void> {
  await worker.scheduled(createScheduledController(), env)
}

describe("deleting a project", () => {
  it("leaves no row of it in any table and no object in R2, and all of its neighbour", async () => {
    await fullProject("neighbour")
    const before = await countRows()
    const blobs = await storedBlobs("neighbour")
    await fullProject("victim")
    for (const [table, count] of Object.entries(await countRows())) {
      expect(count, table).toBeGreaterThan(before[table] ?? 0)
    }
    expect(await storedBlobs("victim")).not.toEqual(new Map())

    await deleteProject("victim")
    expect(await countRows()).toEqual(before)
    expect(await storedBlobs("victim")).toEqual(new Map())
    expect(await storedBlobs("neighbour")).toEqual(blobs)
  })

  it("does not touch a project whose name begins alike", async () => {
    await fullProject("shop")
    await fullProject("shop-2")
    const blobs = await storedBlobs("shop-2")
    await deleteProject("shop")
    expect(await storedBlobs("shop-2")).toEqual(blobs)
  })

  it("notes when it was done", async () => {
    await createProject("eu", "noted", "dev")
    const before = Date.now()
    await deleteProject("noted")
    const row = await deletionOf("noted")
    expect(row?.deleted_at).toBeGreaterThanOrEqual(before)
    expect(row?.cleared_at).toBeGreaterThanOrEqual(row?.deleted_at ?? Infinity)
  })

  it("notes nothing about a project that never was", async () => {
    await deleteProject("never")
    expect(await deletionOf("never")).toBeUndefined()
  })

  it("removes more objects than R2 lists at once", async () => {
    await createProject("eu", "large", "dev")
    const names = Array.from({ length: 1100 }, (_, index) => `${index}.txt`)
    for (const some of [names.slice(0, 600), names.slice(600)]) {
      await commitFiles({ project: "large" }, Object.fromEntries(some.map((name) => [name, name])))
    }
    expect((await storedBlobs("large")).size).toBe(1102)
    await deleteProject("large")
    expect(await storedBlobs("large")).toEqual(new Map())
    expect((await deletionOf("large"))?.cleared_at).not.toBeNull()
  })
})

/** Deletes a full project, and leaves its bytes and the note about it as if the deletion had been cut off after its batch. */
async function cutOffDeletion(name: string): Promise<void> {
  await fullProject(name)
  const blobs = await storedBlobs(name)
  await deleteProject(name)
  for (const id of blobs.keys()) await env.BLOBS_EU.put(`projects/${name}/blobs/${id}`, "left behind")
  await leaveDeletionOpen(name)
}

describe("a deletion that was cut off", () => {
  it("blocks the name: 409 that says when to try again, and nothing is stored", async () => {
    await cutOffDeletion("blocked")
    const counts = await countRows()
    const response = await postProject({ name: "blocked", shipyard: base64(shipyard("dev")) })
    expect(response.headers.get("retry-after")).toBe("60")
    expect(await failure(response)).toEqual({
      status: 409,
      code: 409,
      message:
        "could not create project 'blocked': a project of that name is still being deleted, try again in a minute",
    })
    expect(await countRows()).toEqual(counts)
  })

  it("is finished by the scheduled job, and then the name can be used", async () => {
    await cutOffDeletion("freed")
    await runScheduled()
    expect(await storedBlobs("freed")).toEqual(new Map())
    expect((await deletionOf("freed"))?.cleared_at).not.toBeNull()

    await createProject("eu", "freed", "fresh")
    expect((await getProject("freed")).stages.map((stage) => stage.stageName)).toEqual(["fresh"])
    await commitFiles({ project: "freed" }, { "p.txt": "freed" })
    await runScheduled()
    expect((await fetchFile({ project: "freed" }, "p.txt")).text).toBe("freed")
    expect((await fetchFile({ project: "freed" }, "shipyard.yaml")).text).toContain("name: fresh")
  })

  it("does not keep others from being used", async () => {
    await cutOffDeletion("stuck")
    await createProject("eu", "other", "dev")
    await commitFiles({ project: "other" }, { "a.txt": "a" })
    await runScheduled()
    expect((await fetchFile({ project: "other" }, "a.txt")).text).toBe("a")
  })
})

describe("the scheduled job", () => {
  it("finishes several deletions in one run", async () => {
    const names = ["several-a", "several-b", "several-c"]
    for (const name of names) {
      await env.BLOBS_EU.put(`projects/${name}/blobs/${"0".repeat(40)}`, "left behind")
      await leaveDeletionOpen(name)
    }
    await runScheduled()
    for (const name of names) {
      expect(await storedBlobs(name)).toEqual(new Map())
      expect((await deletionOf(name))?.cleared_at).not.toBeNull()
    }
  })

  it("leaves projects alone that are not being deleted, also one that was deleted and created anew", async () => {
    await fullProject("anew")
    await deleteProject("anew")
    await fullProject("anew")
    const blobs = await storedBlobs("anew")
    const counts = await countRows()
    await runScheduled()
    expect(await storedBlobs("anew")).toEqual(blobs)
    expect(await countRows()).toEqual(counts)
  })

  it("leaves a deletion to the request that is making it", async () => {
    await env.BLOBS_EU.put(`projects/under-way/blobs/${"0".repeat(40)}`, "left behind")
    await leaveDeletionOpen("under-way", Date.now() - 60_000)
    await runScheduled()
    expect((await storedBlobs("under-way")).size).toBe(1)
    expect((await deletionOf("under-way"))?.cleared_at).toBeNull()
  })

  it("shares the work with another run: no name is cleared twice, none is forgotten", async () => {
    const names = ["shared-a", "shared-b", "shared-c", "shared-d", "shared-e"]
    for (const name of names) await leaveDeletionOpen(name)
    const bindings = { database: env.DB_EU, bucket: env.BLOBS_EU, cache: null }
    const run = () =>
      clearDeletedProjects(openPartition("eu", bindings, { meter: new Meter(), later: () => undefined }))
    const runs = await Promise.all([run(), run(), run()])
    expect(runs.flat().toSorted()).toEqual(names)
  })

  it("takes care of every region", async () => {
    await env.BLOBS_US.put(`projects/there/blobs/${"0".repeat(40)}`, "left behind")
    await env.DB_US.prepare("insert into deleted_projects (name, deleted_at) values ('there', 0)").run()
    await runScheduled()
    expect((await env.BLOBS_US.list()).objects).toEqual([])
  })
})
