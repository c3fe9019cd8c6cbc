/** OWASP API1:2023. Somebody who may do everything on one project reaches for another one, by every name that it can have. */
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { createProject, send, type TestRequest } from "../support/client.ts"
import {
  askEvents,
  askEventsOfType,
  askExport,
  exportEvents,
  type ExportedEvent,
  findEvents,
  postEvent,
  readLines,
  sampleEvent,
  sendEvent,
} from "../support/events.ts"
import { askCommit, revertCommit } from "../support/history.ts"
import { ask, create, madeToken, page, statusFor } from "../support/identity.ts"
import { commitFiles, newService, readFile, writeFiles } from "../support/keptn.ts"
import { assignRole, createTeam, createUser, findTokenRow, issueToken, tokenWith } from "../support/people.ts"
import { getProject, getService, projectsPath } from "../support/projects.ts"

const CONTEXT = "55555555-5555-4555-8555-555555555555"
const TYPE = "sh.keptn.event.dev.delivery.triggered"
const SECRET = "what-only-red-knows"
const ROLES = ["Viewer", "Integration", "Contributor", "Admin", "Creator"]

/** May do everything on `green`, and nothing on `red`. */
let attacker: TestRequest = {}
let redEvents: ExportedEvent[] = []
let redCommit = ""

beforeAll(async () => {
  for (const project of ["red", "green"]) {
    await createProject("eu", project, "dev")
    await newService(project, "carts")
    for (const n of [1, 2, 3]) {
      await sendEvent({ shkeptncontext: CONTEXT, data: { project, stage: "dev", service: "carts", n, text: SECRET } })
    }
  }
  redCommit = await commitFiles({ project: "red" }, { "a.txt": SECRET })
  redEvents = await exportEvents("red")
  attacker = { token: await tokenWith(...ROLES.map((roleName) => ({ roleName, entityId: "green" }))) }
})

/** Data of an event about a service of a project. */
function at(project: string, members: object = {}) {
  return { project, stage: "dev", service: "carts", ...members }
}

/** An event whose JSON names its project twice. */
function twice(first: string, last: string): string {
  return `{"type":"${TYPE}","source":"s","data":{"project":"${first}","project":"${last}"}}`
}

/** The projects of the events that an answer holds. */
async function projectsIn(response: Response): Promise<unknown[]> {
  const schema = z.object({ events: z.array(z.object({ data: z.record(z.string(), z.unknown()) })) })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const { events } = schema.parse(await response.json())
  return [...new Set(events.map(({ data }) => data["project"]))]
}

describe("events of another project are not found", () => {
  it("by a context that both share", async () => {
    expect(await projectsIn(await askEvents(`keptnContext=${CONTEXT}`, attacker))).toEqual(["green"])
    expect((await findEvents(`keptnContext=${CONTEXT}`, attacker)).totalCount).toBe(3)
  })

  it("by the key of a page that somebody else was given", async () => {
    const keys = redEvents.map(({ sequence }) => sequence.split("-").map(Number).join("-"))
    for (const key of [...keys.map((one) => `after-${one}`), "after-999999999999999-0", "0", "1"]) {
      const projects = await projectsIn(await askEvents(`keptnContext=${CONTEXT}&nextPageKey=${key}`, attacker))
      expect(projects).not.toContain("red")
    }
  })

  it.each([
    `data.project:red`,
    `data.project:red,green`,
    `data.project:green,red AND shkeptncontext:${CONTEXT}`,
    `shkeptncontext:${CONTEXT}`,
    `shkeptncontext:${CONTEXT} AND data.project:red`,
    `shkeptncontext:${CONTEXT} AND data.text:${SECRET}`,
    `shkeptncontext:${CONTEXT} AND data.project" or 1=1 --:green`,
    `data.project:red') or ('1'='1`,
  ])("by the filter %s", async (filter) => {
    for (const query of ["", "&excludeInvalidated=true", "&limit=100"]) {
      const response = await askEventsOfType(TYPE, `filter=${encodeURIComponent(filter)}${query}`, attacker)
      expect(await projectsIn(response)).not.toContain("red")
    }
  })

  it.each(["project=red", "project=red&project=green", "project=green&project=red", "project=*", "project=red%00"])(
    "by the query %s, alone or with an id",
    async (query) => {
      for (const more of ["", `&keptnContext=${CONTEXT}`, `&eventID=${redEvents[0]?.id}`, "&root=1"]) {
        const response = await askEvents(query + more, attacker)
        if (response.status === 200) expect(await projectsIn(response)).not.toContain("red")
        else expect(response.status).toBe(422)
      }
    },
  )

  it.each(["red", "*", "", "red%00", "green&project=red", "red&project=green", "Red", "%72ed%20"])(
    "by an export of the project '%s'",
    async (project) => {
      const response = await askExport(project, "", attacker)
      const text = await response.text()
      if (response.status !== 200) expect([403, 404, 422]).toContain(response.status)
      else expect(readLines(text).map(({ data }) => data["project"])).not.toContain("red")
    },
  )

  it("by an export of one's own that goes on behind an event of theirs", async () => {
    for (const { sequence } of redEvents) {
      const lines = readLines(await (await askExport("green", `after=${sequence}`, attacker)).text())
      expect(lines.map(({ data }) => data["project"])).not.toContain("red")
    }
  })

  it("in the statistics", async () => {
    const response = await send("eu", "/api/statistics/v1/statistics", attacker)
    const { projects } = z.object({ projects: z.array(z.object({ name: z.string() })) }).parse(await response.json())
    expect(projects.map(({ name }) => name)).toEqual(["green"])
  })
})

describe("events of another project are not changed", () => {
  it("by an import that has their id: 409, and by one that names their project: 400", async () => {
    const [stolen] = redEvents
    const { sequence: _, ...event } = stolen ?? { sequence: "" }
    const request = (data: unknown) => ({
      ...attacker,
      body: JSON.stringify({ ...event, data }),
      headers: { "content-type": "application/jsonl" },
    })
    const path = "/api/mongodb-datastore/event/import?project=green"
    expect((await send("eu", path, request({ project: "green" }))).status).toBe(409)
    expect((await send("eu", path, request({ project: "red" }))).status).toBe(400)
    expect(await exportEvents("red")).toEqual(redEvents)
  })

  it("by one sent into their context, nor does it show what theirs hold: the image of a deployment", async () => {
    const context = crypto.randomUUID()
    const deployment = { configurationChange: { values: { image: SECRET } } }
    await sendEvent({
      type: "sh.keptn.event.deployment.triggered",
      shkeptncontext: context,
      data: at("red", deployment),
    })
    const { events } = await findEvents(`keptnContext=${context}`)
    const finished = sampleEvent({
      type: "sh.keptn.event.deployment.finished",
      shkeptncontext: context,
      triggeredid: events[0]?.id,
      data: at("green", { result: "pass", status: "succeeded" }),
    })
    expect((await postEvent(finished, attacker)).status).toBe(200)
    expect(await getService("green", "dev", "carts")).not.toHaveProperty("deployedImage")
    expect(JSON.stringify(await getProject("green"))).not.toContain(SECRET)
    expect(await getService("red", "dev", "carts")).not.toHaveProperty("deployedImage")
  })

  it.each([["green", "red"], { name: "green" }, "green ", "green\u0000", "GREEN", "*", " red", "red"])(
    "by one whose project is %j: refused, or of no project that is theirs",
    async (project) => {
      const response = await postEvent(sampleEvent({ data: { project } }), attacker)
      expect([403, 404]).toContain(response.status)
    },
  )

  it("by one with two projects in its JSON: the last one counts, for the check and for what is stored", async () => {
    const headers = { "content-type": "application/json" }
    const post = (text: string) => send("eu", "/api/v1/event", { ...attacker, body: text, headers })
    expect((await post(twice("green", "red"))).status).toBe(404)
    const before = (await exportEvents("red")).length
    expect((await post(twice("red", "green"))).status).toBe(200)
    expect(await exportEvents("red")).toHaveLength(before)
  })
})

describe("files of another project are not reached", () => {
  it("by the id of one of its commits: 500 as in Keptn for a read, 404 for the history and for a revert", async () => {
    const place = { project: "green" }
    expect((await readFile(place, `a.txt?gitCommitID=${redCommit}`, attacker)).status).toBe(500)
    expect((await askCommit(place, redCommit, attacker)).status).toBe(404)
    expect((await revertCommit(place, redCommit, attacker)).status).toBe(404)
  })

  it.each([
    "green/../red/resource/a.txt",
    "green/%2e%2e/red/resource/a.txt",
    "green%2F..%2Fred/resource/a.txt",
    "green/resource/..%2F..%2Fred%2Fresource%2Fa.txt",
    "green/resource/..%252F..%252Fred%252Fresource%252Fa.txt",
    "green/resource/..%5C..%5Cred%5Cresource%5Ca.txt",
    "green/stage/..%2F..%2Fred/resource/a.txt",
    "green/stage/dev/service/..%2F..%2F..%2F..%2Fred/resource/a.txt",
    "red%2Fresource%2Fa.txt",
    "%72ed/resource/a.txt",
    "%2572ed/resource/a.txt",
    "RED/resource/a.txt",
    "red./resource/a.txt",
    "red%20/resource/a.txt",
    "red%00/resource/a.txt",
    "red;x=green/resource/a.txt",
    "*/resource/a.txt",
  ])("by the path %s", async (path) => {
    for (const api of ["resource-service", "configuration-service"]) {
      for (const method of ["GET", "DELETE"]) {
        const response = await send("eu", `/api/${api}/v1/project/${path}`, { ...attacker, method })
        expect([400, 403, 404]).toContain(response.status)
        expect(await response.text()).not.toContain(btoa(SECRET))
      }
    }
    expect((await readFile({ project: "red" }, "a.txt")).status).toBe(200)
  })

  it("by a body that names another project than the path", async () => {
    const json = { project: "red", projectName: "red", serviceName: "stowaway" }
    expect((await send("eu", `${projectsPath}/green/service`, { ...attacker, json })).status).toBe(200)
    expect((await getProject("red")).stages[0]?.services.map(({ serviceName }) => serviceName)).toEqual(["carts"])
    const written = await writeFiles({ project: "red" }, { "a.txt": "x" }, attacker)
    expect(written.status).toBe(404)
    const renamed = await send("eu", projectsPath, { ...attacker, method: "PUT", json: { name: "red" } })
    expect(renamed.status).toBe(404)
  })

  it.each(["/git/red.git", "/git/red", "/git/green/../red.git", "/git/green.git%2F..%2Fred.git", "/git/RED.git"])(
    "with git, by the address %s",
    async (address) => {
      const response = await send("eu", `${address}/info/refs?service=git-upload-pack`, attacker)
      expect([400, 404]).toContain(response.status)
    },
  )
})

describe("what belongs to another principal is not reached", () => {
  it("by the id of a token under one's own name: 404, and the token lives on", async () => {
    const [mallory, victim] = [await createUser(), await createUser()]
    const token = await issueToken(mallory)
    const theirs = await issueToken(victim)
    const { id } = await findTokenRow(theirs)
    const own = `/v3/users/${mallory}/access-tokens/${id}`
    for (const [method, path, json] of [
      ["GET", own, undefined],
      ["PATCH", own, { name: "mine" }],
      ["PATCH", `${own}/revoke`, undefined],
      ["POST", `${own}/rotate`, { grace_seconds: 0 }],
      ["DELETE", own, undefined],
    ] as const) {
      const request = { token, method, ...(json && { json }) }
      expect((await send("global", path, request)).status).toBe(404)
      expect((await send("global", path.replace(mallory, victim), request)).status).toBe(403)
    }
    expect(await statusFor(theirs)).toBe(200)
    expect((await findTokenRow(theirs)).name).not.toBe("mine")
  })

  it.each([
    ["another user", (victim: string) => `/v3/users/${victim}`],
    ["another user's teams", (victim: string) => `/v3/users/${victim}/teams`],
    ["another user's tokens", (victim: string) => `/v3/users/${victim}/access-tokens`],
    ["another user's roles", (victim: string) => `/v3/users/${victim}/assigned-roles`],
    ["another user, in capital letters", (victim: string) => `/v3/users/${victim.toUpperCase()}`],
    ["another user, behind one's own name", (victim: string, own: string) => `/v3/users/${own}/../${victim}`],
    ["another user, with an escape", (victim: string, own: string) => `/v3/users/${own}%2F..%2F${victim}`],
    ["another user, in the old version", (victim: string) => `/v2/users/${victim}`],
  ])("by asking for %s", async (_, pathOf) => {
    const [mallory, victim] = [await createUser(), await createUser()]
    const response = await send("global", pathOf(victim, mallory), { token: await issueToken(mallory) })
    expect([403, 404]).toContain(response.status)
    expect(await response.text()).not.toContain(`${victim}@example.com`)
  })

  it("by a filter over the users or teams, for one who may see none: 403", async () => {
    const token = await tokenWith({ roleName: "Admin", entityRegion: "*" })
    for (const path of ["/v3/users?filter[email][contains]=@", "/v3/teams?filter[name][exists]", "/v3/audit-log"]) {
      expect((await send("global", path, { token })).status).toBe(403)
    }
  })

  it("by the id of an assigned role under somebody else: 404 also for an administrator, and the role stays", async () => {
    const [holder, other] = [await createUser(), await createUser()]
    await assignRole(holder, { roleName: "Viewer", entityId: "green" })
    const team = await createTeam("not theirs")
    const account = await create("/v3/system-accounts", { name: "not its" })
    const roles = `/v3/users/${holder}/assigned-roles`
    const [role] = (await ask(roles, page)).data
    for (const path of [`/v3/users/${other}`, `/v3/teams/${team}`, `/v3/system-accounts/${account}`]) {
      const response = await send("global", `${path}/assigned-roles/${String(role?.["id"])}`, { method: "DELETE" })
      expect(response.status).toBe(404)
    }
    expect((await ask(roles, page)).data).toEqual([role])
  })

  it("by the id of an account's token under a user, or the other way round: 404", async () => {
    const user = await createUser()
    const account = await create("/v3/system-accounts", { name: "of another kind" })
    const tokens = `/v3/system-accounts/${account}/access-tokens`
    const made = await ask(tokens, madeToken, { json: { name: "t", ttl_seconds: 3600 } }, 201)
    const { id } = await findTokenRow(await issueToken(user))
    for (const path of [
      `/v3/users/${user}/access-tokens/${made.id}`,
      `/v3/users/${account}/access-tokens/${made.id}`,
      `${tokens}/${id}`,
      `/v3/system-accounts/${user}/access-tokens/${id}`,
    ]) {
      for (const method of ["GET", "DELETE"]) expect((await send("global", path, { method })).status).toBe(404)
    }
    expect(await statusFor(made.token)).toBe(200)
  })
})
