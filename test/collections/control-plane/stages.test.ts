import { beforeAll, describe, expect, it } from "vitest"
import { base64, send } from "../../support/client.ts"
import { failure } from "../../support/keptn.ts"
import { getProject, listStages, postProject, projectsPath } from "../../support/projects.ts"

const stages = ["zulu", "dev", "prod", "alfa"]

/** Stage by stage: no sequences, one that is never triggered, two triggers of one stage, triggers of two stages. */
const file = `apiVersion: "spec.keptn.sh/0.2.3"
kind: Shipyard
metadata:
  name: chained
spec:
  stages:
    - name: zulu
    - name: dev
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
    - name: prod
      sequences:
        - name: delivery
          triggeredOn:
            - event: dev.delivery.finished
              selector: { match: { result: pass } }
        - name: rollback
          triggeredOn: [{ event: dev.delivery.finished }]
    - name: alfa
      sequences:
        - { name: one, triggeredOn: [{ event: zulu.x.finished }] }
        - { name: two, triggeredOn: [{ event: prod.delivery.finished }] }
`

beforeAll(async () => {
  const response = await postProject({ name: "chained", shipyard: base64(file) })
  expect(response.status).toBe(201)
})

describe("the stages of a project", () => {
  it("stand in the order of the shipyard in the project itself", async () => {
    const project = await getProject("chained")
    expect(project.stages.map((stage) => stage.stageName)).toEqual(stages)
    expect(project.shipyardVersion).toBe("spec.keptn.sh/0.2.3")
  })

  it("stand by name in the list", async () => {
    const page = await listStages("chained")
    expect(page).toMatchObject({ names: ["alfa", "dev", "prod", "zulu"], nextPageKey: "0", totalCount: 4 })
  })

  it("know the stages whose sequences trigger theirs, once each; the others have no such member", async () => {
    const { stages: listed } = await listStages("chained")
    const parents = Object.fromEntries(listed.map((stage) => [stage.stageName, stage.parentStages]))
    expect(parents).toEqual({ alfa: ["zulu", "prod"], dev: undefined, prod: ["dev"], zulu: undefined })
    expect(listed.find((stage) => stage.stageName === "dev")).not.toHaveProperty("parentStages")
  })

  it("are the same objects in both", async () => {
    const project = await getProject("chained")
    const byName = project.stages.toSorted((a, b) => (a.stageName < b.stageName ? -1 : 1))
    expect((await listStages("chained")).stages).toEqual(byName)
  })

  it.each([
    { query: "pageSize=3", names: ["alfa", "dev", "prod"], next: "3" },
    { query: "pageSize=3&nextPageKey=3", names: ["zulu"], next: "0" },
    { query: "pageSize=1&nextPageKey=x", names: ["alfa"], next: "1" },
    { query: "pageSize=0", names: [], next: "0" },
    { query: "nextPageKey=9", names: [], next: "0" },
  ])("are answered in pages: ?$query", async ({ query, names, next }) => {
    expect(await listStages("chained", query)).toMatchObject({ names, nextPageKey: next, totalCount: 4 })
  })

  it("answer 400 to a page size that is no number", async () => {
    expect((await failure(await send("eu", `${projectsPath}/chained/stage?pageSize=x`))).status).toBe(400)
  })

  it("answer 404 for a project that does not exist", async () => {
    const refused = await failure(await send("eu", `${projectsPath}/nowhere/stage`))
    expect(refused).toEqual({ status: 404, code: 404, message: "project not found" })
  })
})
