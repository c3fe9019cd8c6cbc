/** Subscriptions and logs are shown to those who may see the projects that they are about. */
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { createProject, send, storageCounts, type TestRequest } from "../../support/client.ts"
import { sendEvent } from "../../support/events.ts"
import { answer } from "../../support/keptn.ts"
import { knownToken } from "../../support/known.ts"
import { joinSystemTeam, createUser, issueToken, tokenWith } from "../../support/people.ts"
import {
  idOf,
  postRegistration,
  registrationPath,
  sampleRegistration,
  sendPing,
  subscriptionPath,
} from "../../support/uniform.ts"

const LOG = "/api/controlPlane/v1/log"
const shown = z.looseObject({ subscriptions: z.array(z.looseObject({ event: z.string() })) })
const logs = z.looseObject({ logs: z.array(z.looseObject({ message: z.string() })) })

/** Who asks, and which of the events and messages `mine`, `other`, `both` and `none` each may see. */
const callers: Record<string, { request: () => Promise<TestRequest>; sees: string[] }> = {
  "a Viewer of one project": {
    request: async () => ({ token: await tokenWith({ roleName: "Viewer", entityId: "mine" }) }),
    sees: ["mine"],
  },
  "a Viewer of both": {
    request: async () => ({
      token: await tokenWith({ roleName: "Viewer", entityId: "mine" }, { roleName: "Viewer", entityId: "other" }),
    }),
    sees: ["mine", "other", "both"],
  },
  "a Viewer of all": {
    request: async () => ({ token: await tokenWith({ roleName: "Viewer" }) }),
    sees: ["mine", "other", "both"],
  },
  "an Admin of all": {
    request: async () => ({ token: await tokenWith({ roleName: "Admin" }) }),
    sees: ["mine", "other", "both", "none"],
  },
  "one who may read everything": {
    request: async () => {
      const user = await createUser()
      await joinSystemTeam("organization-admin-read-only", user)
      return { token: await issueToken(user) }
    },
    sees: ["mine", "other", "both", "none"],
  },
}
const filters: Record<string, string[] | null> = {
  mine: ["mine"],
  other: ["other"],
  both: ["mine", "other"],
  none: null,
}

let id = ""
const subscriptions = new Map<string, string>()

beforeAll(async () => {
  for (const project of ["mine", "other"]) await createProject("eu", project, "dev")
  id = await idOf(await postRegistration(sampleRegistration({ name: "concerned", events: [] })))
  for (const [event, projects] of Object.entries(filters)) {
    subscriptions.set(
      event,
      await idOf(await send("eu", subscriptionPath(id), { json: { event, filter: { projects } } })),
    )
  }
  const entries = []
  for (const project of ["mine", "other"]) {
    const shkeptncontext = await sendEvent({ data: { project } })
    entries.push({ integrationid: id, message: project, shkeptncontext })
  }
  entries.push({ integrationid: id, message: "none" })
  await send("eu", LOG, { json: { logs: entries } })
})

describe.each(Object.entries(callers))("%s", (_, { request, sees }) => {
  it("sees the subscriptions to events of its projects", async () => {
    const caller = await request()
    const [integration] = await answer(await send("eu", `${registrationPath}?name=concerned`, caller), z.array(shown))
    expect(integration?.subscriptions.map(({ event }) => event)).toEqual(sees.toSorted(byPlace))
    const list = await answer(await send("eu", subscriptionPath(id), caller), shown.shape.subscriptions)
    expect(list.map(({ event }) => event)).toEqual(sees.toSorted(byPlace))
    for (const [event, subscription] of subscriptions) {
      const { status } = await send("eu", subscriptionPath(id, subscription), caller)
      expect([event, status]).toEqual([event, sees.includes(event) ? 200 : 404])
    }
    const found = await answer(await send("eu", `${registrationPath}?project=other`, caller), z.array(shown))
    expect(found).toHaveLength(sees.includes("other") ? 1 : 0)
  })

  it("sees what was logged about its projects", async () => {
    const caller = await request()
    for (const query of ["", `?integrationId=${id}`]) {
      const found = await answer(await send("eu", `${LOG}${query}`, caller), logs)
      expect(found.logs.map(({ message }) => message).toSorted()).toEqual(
        sees.filter((one) => one !== "both").toSorted(),
      )
    }
  })
})

function byPlace(a: string, b: string): number {
  return Object.keys(filters).indexOf(a) - Object.keys(filters).indexOf(b)
}

describe("an integration with a role on one project", () => {
  it("is told of its own subscriptions, and of those that name no project", async () => {
    const token = await tokenWith({ roleName: "Integration", entityId: "mine" })
    const { subscriptions: told } = await answer(await sendPing(id, { token }), shown)
    expect(told.map(({ event }) => event)).toEqual(["mine", "none"])
  })

  it("subscribes to events of that project alone, in every way there is", async () => {
    const token = await tokenWith({ roleName: "Integration", entityId: "mine" })
    const own = await idOf(await postRegistration(sampleRegistration({ filter: { projects: ["mine"] } }), { token }))
    const other = { event: "x", filter: { projects: ["mine", "other"] } }
    const refused = [
      await postRegistration(sampleRegistration({ filter: { projects: ["other"] } }), { token }),
      await send("eu", subscriptionPath(own), { json: other, token }),
      await send("eu", subscriptionPath(own, "x"), { method: "PUT", json: other, token }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404])
    expect((await send("eu", subscriptionPath(own, "x"), { token })).status).toBe(404)
  })

  it("takes nothing away that is about others", async () => {
    const token = await tokenWith({ roleName: "Integration", entityId: "mine" })
    expect((await send("eu", `${registrationPath}/${id}`, { method: "DELETE", token })).status).toBe(403)
    const other = subscriptionPath(id, subscriptions.get("other"))
    await send("eu", other, { method: "DELETE", token })
    const replaced = await send("eu", other, {
      method: "PUT",
      json: { event: "x", filter: { projects: ["mine"] } },
      token,
    })
    expect(replaced.status).toBe(403)
    expect(await answer(await send("eu", other), z.looseObject({ event: z.string() }))).toMatchObject({
      event: "other",
    })
  })
})

it("the rows that a Viewer's page of logs reads do not grow with what is logged about others", async () => {
  const token = await knownToken({ roleName: "Viewer", entityId: "mine" })
  const before = storageCounts(await send("eu", LOG, { token }))
  const shkeptncontext = await sendEvent({ data: { project: "other" } })
  const many = Array.from({ length: 500 }, () => ({ integrationid: id, message: "many", shkeptncontext }))
  await send("eu", LOG, { json: { logs: many } })
  const after = storageCounts(await send("eu", LOG, { token }))
  expect(after.trips).toBe(1)
  expect(after.rows).toBeLessThanOrEqual(before.rows + 4)
})
