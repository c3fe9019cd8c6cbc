import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send } from "../../support/client.ts"
import { commitFiles, failure, newService, readFile, resourcePath, writeFiles } from "../../support/keptn.ts"

beforeAll(async () => {
  await createProject("eu", "p", "dev", "prod")
  await newService("p", "carts")
  await commitFiles({ project: "p" }, { "project.txt": "p" })
  await commitFiles({ project: "p", stage: "dev" }, { "stage.txt": "s", "folder/x.txt": "x" })
  await commitFiles({ project: "p", stage: "dev", service: "carts" }, { "service.txt": "v" })
})

const missing = [
  { place: { project: "none" }, message: "Could not find credentials for upstream repository" },
  { place: { project: "none", stage: "dev" }, message: "Could not find credentials for upstream repository" },
  {
    place: { project: "none", stage: "dev", service: "carts" },
    message: "Could not find credentials for upstream repository",
  },
  { place: { project: "p", stage: "none" }, message: "Stage not found" },
  { place: { project: "p", stage: "main" }, message: "Stage not found" },
  { place: { project: "p", stage: "none", service: "carts" }, message: "Stage not found" },
  { place: { project: "p", stage: "dev", service: "none" }, message: "Service not found" },
  // A folder of the stage is no service.
  { place: { project: "p", stage: "dev", service: "folder" }, message: "Service not found" },
]

describe("a scope that does not exist", () => {
  it.each(missing)("is answered 404 '$message' whatever is done: $place", async ({ place, message }) => {
    const expected = { status: 404, code: 404, message }
    expect(await failure(await readFile(place, "x.txt"))).toEqual(expected)
    expect(await failure(await send("eu", resourcePath(place)))).toEqual(expected)
    expect(await failure(await writeFiles(place, { "x.txt": "x" }))).toEqual(expected)
  })
})

describe("a file that does not exist", () => {
  it.each([{ project: "p" }, { project: "p", stage: "dev" }, { project: "p", stage: "dev", service: "carts" }])(
    "is answered 404 'Resource not found' in %j",
    async (place) => {
      const expected = { status: 404, code: 404, message: "Resource not found" }
      expect(await failure(await readFile(place, "never.txt"))).toEqual(expected)
    },
  )
})

describe("scopes", () => {
  it.each([
    { place: { project: "p", stage: "dev", service: "carts" }, name: "stage.txt" },
    { place: { project: "p", stage: "dev", service: "carts" }, name: "project.txt" },
    { place: { project: "p", stage: "dev" }, name: "project.txt" },
    { place: { project: "p", stage: "dev" }, name: "shipyard.yaml" },
    { place: { project: "p", stage: "prod" }, name: "stage.txt" },
    { place: { project: "p", stage: "prod", service: "carts" }, name: "service.txt" },
    { place: { project: "p" }, name: "stage.txt" },
    { place: { project: "p", stage: "dev" }, name: "service.txt" },
  ])("do not fall back on each other: $name is answered 404 in $place", async ({ place, name }) => {
    expect((await readFile(place, name)).status).toBe(404)
  })
})
