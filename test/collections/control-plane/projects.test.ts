import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send } from "../../support/client.ts"
import { answer, failure } from "../../support/keptn.ts"
import { getProject, listProjects, projectsPath } from "../../support/projects.ts"
import { z } from "zod"

const names = ["alpha", "beta", "delta", "epsilon", "gamma"]

// In another order than that of the answer.
beforeAll(async () => {
  for (const name of names.toReversed()) await createProject("eu", name, "dev")
})

describe("listing projects", () => {
  it("shows all by name, whole, with their number", async () => {
    const { projects, ...page } = await listProjects("")
    expect(page).toEqual({ names, nextPageKey: "0", totalCount: 5 })
    expect(projects[2]).toEqual(await getProject("delta"))
  })

  it.each([
    { query: "pageSize=2", shown: ["alpha", "beta"], next: "2" },
    { query: "pageSize=2&nextPageKey=2", shown: ["delta", "epsilon"], next: "4" },
    { query: "pageSize=2&nextPageKey=4", shown: ["gamma"], next: "0" },
    { query: "pageSize=5", shown: names, next: "0" },
    { query: "nextPageKey=3", shown: ["epsilon", "gamma"], next: "0" },
    { query: "pageSize=2&nextPageKey=0", shown: ["alpha", "beta"], next: "2" },
    { query: "pageSize=2&nextPageKey=", shown: ["alpha", "beta"], next: "2" },
    { query: "pageSize=2&nextPageKey=abc", shown: ["alpha", "beta"], next: "2" },
    { query: "pageSize=2&nextPageKey=-3", shown: ["alpha", "beta"], next: "2" },
    { query: "pageSize=2&nextPageKey=5", shown: [], next: "0" },
    { query: "pageSize=2&nextPageKey=99999999999999", shown: [], next: "0" },
    { query: "pageSize=0", shown: [], next: "0" },
    { query: "pageSize=0&nextPageKey=2", shown: [], next: "0" },
    { query: "pageSize=-1", shown: [], next: "0" },
    { query: "pageSize=1000000", shown: names, next: "0" },
    { query: "disableUpstreamSync=true&pageSize=1", shown: ["alpha"], next: "1" },
  ])("answers 200 to ?$query with $shown and the key $next", async ({ query, shown, next }) => {
    const page = await listProjects(query)
    expect({ names: page.names, next: page.nextPageKey }).toEqual({ names: shown, next })
    expect(page.totalCount).toBe(5)
  })

  it("shows 20 when no size is asked for", async () => {
    for (let number = 0; number < 21; number++) await createProject("us", `project-${number + 10}`, "dev")
    const page = await listProjects("", {}, "us")
    expect(page).toMatchObject({ nextPageKey: "20", totalCount: 21 })
    expect(page.projects).toHaveLength(20)
  })

  it.each(["abc", "1.5", "1e3", "0x10"])("answers 400 to the page size %j", async (size) => {
    const refused = await failure(await send("eu", `${projectsPath}?pageSize=${size}`))
    expect(refused).toEqual({
      status: 400,
      code: 400,
      message: "Invalid request format: pageSize: must be a whole number",
    })
  })
})

describe("getting a project", () => {
  it("shows its services in every stage, by name", async () => {
    await createProject("eu", "with-services", "prod", "dev")
    const path = `${projectsPath}/with-services/service`
    for (const serviceName of ["orders", "carts"]) {
      await answer(await send("eu", path, { json: { serviceName } }), z.object({}))
    }
    const { stages } = await getProject("with-services")
    const shown = stages.map((stage) => [stage.stageName, ...stage.services.map((service) => service.serviceName)])
    expect(shown).toEqual([
      ["prod", "carts", "orders"],
      ["dev", "carts", "orders"],
    ])
  })

  it.each(["nowhere", "Alpha", "alph"])("answers 404 for %s, which does not exist", async (name) => {
    const message = `Project not found: ${name}`
    expect(await failure(await send("eu", `${projectsPath}/${name}`))).toEqual({ status: 404, code: 404, message })
  })

  it("answers to a path with double slashes", async () => {
    expect((await send("eu", "/api//controlPlane//v1/project//alpha")).status).toBe(200)
  })

  it("answers 405 to other methods", async () => {
    expect((await send("eu", `${projectsPath}/alpha`, { method: "PATCH", json: {} })).status).toBe(405)
  })
})
