import { describe, expect, it } from "vitest"
import { findEvents, postEvent, sampleEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"

const reports = [
  "sh.keptn.event.deployment.started",
  "sh.keptn.event.deployment.status.changed",
  "sh.keptn.event.deployment.finished",
  "sh.keptn.log.error",
]
const commands = [
  "sh.keptn.event.dev.delivery.triggered",
  "sh.keptn.event.deployment.triggered",
  "sh.keptn.event.dev.delivery.finished",
  "sh.keptn.event.evaluation.invalidated",
  "sh.keptn.event.project.create.finished",
  "sh.keptn.events.problem",
  "sh.keptn.event..finished",
  "xsh.keptn.event.deployment.finished",
  "anything",
]

async function statusFor(roleName: string, entityId: string, type: string, project: string | null): Promise<number> {
  const token = await tokenWith({ roleName, entityId })
  const event = sampleEvent({ type, data: project === null ? {} : { project } })
  return (await postEvent(event, { token })).status
}

describe("events that only report on a task", () => {
  it.each(reports)("%s can be sent by Integration: 200, not by Viewer: 403", async (type) => {
    expect(await statusFor("Integration", "p", type, "p")).toBe(200)
    expect(await statusFor("Contributor", "p", type, "p")).toBe(200)
    expect(await statusFor("Viewer", "p", type, "p")).toBe(403)
  })
})

describe("all other events", () => {
  it.each(commands)("%s can be sent by Contributor: 200, not by Integration: 403", async (type) => {
    expect(await statusFor("Contributor", "p", type, "p")).toBe(200)
    expect(await statusFor("Admin", "p", type, "p")).toBe(200)
    expect(await statusFor("Integration", "p", type, "p")).toBe(403)
  })
})

describe("the project of an event", () => {
  it("answers 404 to a caller that does not see it, and stores nothing", async () => {
    const token = await tokenWith({ roleName: "Admin", entityId: "mine" })
    const refused = await failure(await postEvent(sampleEvent({ data: { project: "theirs" } }), { token }))
    expect(refused).toEqual({ status: 404, code: 404, message: "project 'theirs' not found" })
    expect((await findEvents("project=theirs")).events).toEqual([])
  })

  it("answers 403 with the missing role to a caller that sees it", async () => {
    const token = await tokenWith({ roleName: "Viewer", entityId: "p" })
    const refused = await failure(await postEvent(sampleEvent({ data: { project: "p" } }), { token }))
    expect(refused).toMatchObject({ status: 403, code: 403 })
    expect(refused.message).toBe("missing role Contributor or Admin on project 'p' in region 'eu'")
  })

  it.each([{}, { project: "" }, { project: 7 }, { project: ["p"] }, { project: null }])(
    "must be all projects when the event names none: 403 for the Admin of one, %j",
    async (data) => {
      const one = await tokenWith({ roleName: "Admin", entityId: "p" })
      expect((await postEvent(sampleEvent({ data }), { token: one })).status).toBe(403)
      const all = await tokenWith({ roleName: "Contributor" })
      expect((await postEvent(sampleEvent({ data }), { token: all })).status).toBe(200)
    },
  )

  it("is checked before the size of the event: 404, not 413", async () => {
    const token = await tokenWith({ roleName: "Admin", entityId: "mine" })
    const event = sampleEvent({ data: { project: "theirs", text: "x".repeat(1_100_000) } })
    expect((await postEvent(event, { token })).status).toBe(404)
  })
})
