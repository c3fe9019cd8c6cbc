/** The examples of a project's creation: the first, which the docs page shows, makes a project without a git remote. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { readDocuments } from "../../support/documents.ts"
import { send } from "../../support/client.ts"
import { getProject } from "../../support/projects.ts"

const PATH = "/controlPlane/v1/project"
const examples = z.record(z.string(), z.object({ value: z.looseObject({}) }))

/** The examples of the body, in the order of the document. */
async function readExamples(): Promise<[string, { value: object }][]> {
  const documents = z
    .array(z.looseObject({ paths: z.record(z.string(), z.unknown()) }))
    .parse(await readDocuments("eu"))
  const item = documents.map(({ paths }) => paths[`/api${PATH}`] ?? paths[PATH]).find((one) => one !== undefined)
  const media = z.object({ examples })
  const body = z.object({ requestBody: z.object({ content: z.object({ "application/json": media }) }) })
  const { post } = z.object({ post: body }).parse(item)
  return Object.entries(post.requestBody.content["application/json"].examples)
}

describe("the examples of a project's creation", () => {
  it("begin with the smallest, which stores nothing of a git remote", async () => {
    const [[name, { value }] = ["", { value: {} }]] = await readExamples()
    expect([name, Object.keys(value)]).toEqual(["smallest", ["name", "shipyard"]])
    expect((await send("eu", `/api${PATH}`, { method: "POST", json: value })).status).toBe(201)
    const project = await getProject("sockshop")
    expect(project).toMatchObject({ isUpstreamAutoProvisioned: true })
    expect(project).not.toHaveProperty("gitCredentials")
  })

  it("have one with a git remote, which names nothing that exists", async () => {
    const value = new Map(await readExamples()).get("withRemote")?.value ?? {}
    expect(JSON.stringify(value)).toContain("https://git.example.com/")
    const created = await send("us", `/api${PATH}`, { method: "POST", json: value })
    expect(created.status).toBe(201)
  })
})
