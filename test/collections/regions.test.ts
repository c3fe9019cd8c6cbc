import { beforeAll, describe, expect, it } from "vitest"
import { env } from "cloudflare:workers"
import { createProject, send } from "../support/client.ts"
import { findEvents, sampleEvent } from "../support/events.ts"
import { commitFiles, fetchFile, listFiles, readFile } from "../support/keptn.ts"
import { tokenWith } from "../support/people.ts"
import { deleteProject, getProject, listProjects, projectsPath } from "../support/projects.ts"

const context = "44444444-4444-4444-8444-444444444444"

beforeAll(async () => {
  await createProject("eu", "shared", "dev", "prod")
  await createProject("eu", "only-eu", "dev")
  await createProject("us", "shared", "test")
  await commitFiles({ project: "only-eu" }, { "a.txt": "europe" })
  await commitFiles({ project: "shared" }, { "a.txt": "europe" })
  await commitFiles({ region: "us", project: "shared" }, { "a.txt": "america" })
  const json = sampleEvent({ shkeptncontext: context, data: { project: "only-eu" } })
  expect((await send("eu", "/api/v1/event", { json })).status).toBe(200)
})

/** The projects whose bytes a bucket holds. */
async function projectsIn(bucket: R2Bucket): Promise<Set<string | undefined>> {
  const { objects } = await bucket.list()
  return new Set(objects.map((object) => object.key.split("/")[1]))
}

describe("regions", () => {
  it("have their own projects, also of the same name", async () => {
    expect((await listProjects("")).names).toEqual(["only-eu", "shared"])
    expect((await listProjects("", {}, "us")).names).toEqual(["shared"])
    expect((await getProject("shared")).stages.map((stage) => stage.stageName)).toEqual(["dev", "prod"])
    expect((await getProject("shared", "us")).stages.map((stage) => stage.stageName)).toEqual(["test"])
  })

  it("do not know each other's projects: 404", async () => {
    expect((await send("us", `${projectsPath}/only-eu`)).status).toBe(404)
    expect((await readFile({ region: "us", project: "only-eu" }, "a.txt")).status).toBe(404)
  })

  it("have their own files and commits", async () => {
    const europe = await fetchFile({ project: "shared" }, "a.txt")
    const america = await fetchFile({ region: "us", project: "shared" }, "a.txt")
    expect([europe.text, america.text]).toEqual(["europe", "america"])
    const elsewhere = await readFile({ region: "us", project: "shared" }, `a.txt?gitCommitID=${europe.version}`)
    expect(elsewhere.status).toBe(500)
  })

  it("have their own events", async () => {
    expect((await findEvents(`keptnContext=${context}`)).totalCount).toBe(1)
    expect(await findEvents(`keptnContext=${context}`, {}, "us")).toEqual({ events: [], pageSize: 20 })
    expect(await findEvents("project=only-eu", {}, "us")).toEqual({ events: [], pageSize: 20 })
  })

  it("keep bytes in buckets of their own", async () => {
    expect(await projectsIn(env.BLOBS_EU)).toEqual(new Set(["only-eu", "shared"]))
    expect(await projectsIn(env.BLOBS_US)).toEqual(new Set(["shared"]))
  })

  it("are not opened by a role in another one: 404", async () => {
    const token = await tokenWith({ roleName: "Admin", entityId: "shared", entityRegion: "us" })
    expect((await send("us", `${projectsPath}/shared`, { token })).status).toBe(200)
    expect((await send("eu", `${projectsPath}/shared`, { token })).status).toBe(404)
  })
})

describe("deleting a project in one region", () => {
  it("leaves the one of the same name in the other", async () => {
    await createProject("us", "twin", "dev")
    await createProject("eu", "twin", "dev")
    await commitFiles({ region: "us", project: "twin" }, { "a.txt": "twin" })
    await commitFiles({ project: "twin" }, { "a.txt": "twin" })
    await deleteProject("twin")
    expect((await send("eu", `${projectsPath}/twin`)).status).toBe(404)
    expect((await fetchFile({ region: "us", project: "twin" }, "a.txt")).text).toBe("twin")
    expect((await listFiles({ region: "us", project: "twin" })).totalCount).toBe(3)
    expect((await findEvents("project=twin", {}, "us")).totalCount).toBe(2)
  })
})

describe("a region without projects", () => {
  it("answers an empty list without a total", async () => {
    for (const name of (await listProjects("", {}, "us")).names) await deleteProject(name, "us")
    const response = await send("us", projectsPath)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ projects: [], nextPageKey: "0" })
  })
})
