import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send, type TestRequest } from "../../support/client.ts"
import { sendEvent } from "../../support/events.ts"
import { failure, newService } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"

const TYPE = "sh.keptn.event.deployment.triggered"

function askTriggered(typeAndQuery: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `/api/controlPlane/v1/event/triggered/${typeAndQuery}`, request)
}

beforeAll(async () => {
  await createProject("eu", "shop", "dev")
  await newService("shop", "carts")
  await sendEvent({ type: TYPE, data: { project: "shop", stage: "dev", service: "carts" } })
})

describe("the open triggered events", () => {
  it.each([
    TYPE,
    "sh.keptn.event.dev.delivery.triggered",
    "sh.keptn.%3E",
    "sh.keptn.event.%2A.triggered",
    "x",
    `${TYPE}?project=shop`,
    `${TYPE}?project=shop&stage=dev&service=carts`,
    `${TYPE}?project=shop&stage=nowhere`,
    `${TYPE}?project=`,
    `${TYPE}?eventID=x`,
    `${TYPE}?pageSize=5&nextPageKey=20`,
    `${TYPE}?pageSize=0`,
    `${TYPE}?nextPageKey=x`,
  ])("are none, in Keptn's shape: 200 for %s", async (typeAndQuery) => {
    const response = await askTriggered(typeAndQuery)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ events: [], nextPageKey: "0" })
  })

  it("of an unknown project are answered with 404", async () => {
    const refused = await failure(await askTriggered(`${TYPE}?project=nowhere`))
    expect(refused).toEqual({ status: 404, code: 404, message: "project not found" })
  })

  it("of a project that the caller does not see are answered with 404, of others with 200", async () => {
    const stranger = { token: await tokenWith({ roleName: "Admin", entityId: "other" }) }
    const viewer = { token: await tokenWith({ roleName: "Viewer", entityId: "shop" }) }
    expect((await failure(await askTriggered(`${TYPE}?project=shop`, stranger))).message).toBe("project not found")
    expect((await askTriggered(TYPE, stranger)).status).toBe(200)
    expect((await askTriggered(`${TYPE}?project=shop`, viewer)).status).toBe(200)
  })

  it.each(["x", "1.5", "", "1e3"])("are refused with 400 for the page size %j", async (size) => {
    expect(await failure(await askTriggered(`${TYPE}?pageSize=${size}`))).toMatchObject({ status: 400, code: 400 })
  })

  it("are refused with 401 without a token", async () => {
    expect((await askTriggered(TYPE, { token: null })).status).toBe(401)
  })
})
