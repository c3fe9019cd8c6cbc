import { beforeAll, describe, expect, it } from "vitest"
import { createProject } from "../../support/client.ts"
import { failure, newService } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"
import { askStage, getProject, getService, getStage, listServices } from "../../support/projects.ts"

const project = "shop"
const service = (name: string) => ({ serviceName: name, creationDate: expect.any(String), openRemediations: null })

beforeAll(async () => {
  await createProject("eu", project, "dev", "prod")
  await createProject("eu", "bare", "dev")
  for (const name of ["orders", "carts", "Users", "a b"]) await newService(project, name)
})

describe("a stage", () => {
  it("is answered with its services by name: 200", async () => {
    const names = ["Users", "a b", "carts", "orders"]
    expect(await getStage(project, "dev")).toEqual({ stageName: "dev", services: names.map(service) })
  })

  it("has an empty list without services", async () => {
    expect(await getStage("bare", "dev")).toEqual({ stageName: "dev", services: [] })
  })

  it("is the same object as in its project", async () => {
    const { stages } = await getProject(project)
    expect(await getStage(project, "prod")).toEqual(stages[1])
  })
})

describe("the services of a stage", () => {
  it("are listed by name: 200", async () => {
    const page = await listServices(project, "dev")
    expect(page).toMatchObject({ names: ["Users", "a b", "carts", "orders"], nextPageKey: "0", totalCount: 4 })
    expect(page.services).toEqual((await getStage(project, "dev")).services)
  })

  it.each([
    { query: "pageSize=3", names: ["Users", "a b", "carts"], next: "3" },
    { query: "pageSize=3&nextPageKey=3", names: ["orders"], next: "0" },
    { query: "pageSize=2&nextPageKey=2", names: ["carts", "orders"], next: "0" },
    { query: "pageSize=1&nextPageKey=x", names: ["Users"], next: "1" },
    { query: "pageSize=0", names: [], next: "0" },
    { query: "nextPageKey=9", names: [], next: "0" },
  ])("are answered in pages: ?$query", async ({ query, names, next }) => {
    expect(await listServices(project, "dev", query)).toMatchObject({ names, nextPageKey: next, totalCount: 4 })
  })

  it("without any have no total: 200", async () => {
    expect(await listServices("bare", "dev")).toEqual({ services: [], names: [], nextPageKey: "0" })
  })

  it("answer 400 to a page size that is no number", async () => {
    expect(await failure(await askStage(project, "dev/service?pageSize=x"))).toMatchObject({ status: 400, code: 400 })
  })
})

describe("a service", () => {
  it.each([
    ["carts", "carts"],
    ["Users", "Users"],
    ["a%20b", "a b"],
  ])("is answered with 200 as %s", async (escaped, name) => {
    expect(await getService(project, "prod", escaped)).toEqual(service(name))
  })
})

describe("what is not there", () => {
  it.each([
    [project, "staging", "stage not found"],
    [project, "main", "stage not found"],
    [project, "Dev", "stage not found"],
    ["nowhere", "dev", "project not found"],
    [project, "staging/service", "stage not found"],
    ["nowhere", "dev/service", "project not found"],
    [project, "dev/service/cart", "service not found"],
    [project, "dev/service/Carts", "service not found"],
    [project, "dev/service/constructor", "service not found"],
    [project, "staging/service/carts", "stage not found"],
    ["nowhere", "dev/service/carts", "project not found"],
  ])("is answered with 404: %s %s", async (name, rest, message) => {
    expect(await failure(await askStage(name, rest))).toEqual({ status: 404, code: 404, message })
  })

  it.each(["dev", "dev/service", "dev/service/carts"])(
    "is, for who does not see the project, also what is there: 404 for %s",
    async (rest) => {
      const token = await tokenWith({ roleName: "Admin", entityId: "bare" })
      const refused = await failure(await askStage(project, rest, { token }))
      expect(refused).toEqual({ status: 404, code: 404, message: "project not found" })
    },
  )
})
