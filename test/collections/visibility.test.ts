import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send, type TestRequest } from "../support/client.ts"
import { findEvents, sendEvent } from "../support/events.ts"
import { failure, resourcePath } from "../support/keptn.ts"
import { assignRole, createTeam, createUser, issueToken, joinSystemTeam, tokenWith } from "../support/people.ts"
import { listProjects, projectsPath } from "../support/projects.ts"

const context = "33333333-3333-4333-8333-333333333333"

/** What principals with different roles see, all in `eu`. The projects are `red`, `green` and `blue`; `none` belongs to no project. */
const principals: { who: string; token: () => Promise<string>; sees: string[] }[] = [
  { who: "nobody's friend", token: () => tokenWith(), sees: [] },
  { who: "a Viewer of one", token: () => tokenWith({ roleName: "Viewer", entityId: "green" }), sees: ["green"] },
  {
    who: "one with other roles on two",
    token: () => tokenWith({ roleName: "Admin", entityId: "red" }, { roleName: "Integration", entityId: "blue" }),
    sees: ["blue", "red"],
  },
  { who: "a Viewer of all", token: () => tokenWith({ roleName: "Viewer" }), sees: ["blue", "green", "red", "none"] },
  {
    who: "a Viewer of one in every region",
    token: () => tokenWith({ roleName: "Viewer", entityId: "blue", entityRegion: "*" }),
    sees: ["blue"],
  },
  {
    who: "a Viewer of all in another region",
    token: () => tokenWith({ roleName: "Viewer", entityRegion: "us" }),
    sees: [],
  },
  { who: "a Creator", token: () => tokenWith({ roleName: "Creator" }), sees: [] },
  {
    who: "a Viewer of something else of that name",
    token: () => tokenWith({ roleName: "Viewer", entityTypeName: "Secrets", entityId: "red" }),
    sees: [],
  },
  {
    who: "one with a role that nobody knows",
    token: () => tokenWith({ roleName: "Owner", entityId: "red" }),
    sees: [],
  },
  {
    who: "a member of a team that views two",
    token: async () => {
      const user = await createUser()
      const team = await createTeam("viewers", user)
      for (const entityId of ["red", "green"]) await assignRole(team, { roleName: "Viewer", entityId })
      return issueToken(user)
    },
    sees: ["green", "red"],
  },
  {
    who: "a member of organization-admin-read-only",
    token: async () => {
      const user = await createUser()
      await joinSystemTeam("organization-admin-read-only", user)
      return issueToken(user)
    },
    sees: ["blue", "green", "red", "none"],
  },
]

beforeAll(async () => {
  for (const project of ["red", "green", "blue"]) {
    await createProject("eu", project, "dev")
    await sendEvent({ shkeptncontext: context, data: { project } })
  }
  await sendEvent({ shkeptncontext: context, data: {} })
})

describe.each(principals)("$who", ({ token, sees }) => {
  let request: TestRequest = {}
  const projects = sees.filter((name) => name !== "none")

  beforeAll(async () => {
    request = { token: await token() }
  })

  it(`sees the projects ${projects} in the list, and their number`, async () => {
    const page = await listProjects("", request)
    expect(page.names).toEqual(projects)
    expect(page.totalCount ?? 0).toBe(projects.length)
  })

  it("sees the events of these projects and no others, and their number", async () => {
    const { events, totalCount = 0 } = await findEvents(`keptnContext=${context}`, request)
    expect(new Set(events.map((event) => event.data["project"] ?? "none"))).toEqual(new Set(sees))
    expect(events).toHaveLength(sees.length)
    expect(totalCount).toBe(sees.length)
  })

  it.each(["red", "green", "blue"])("is answered as if %s did not exist unless it sees it", async (project) => {
    const visible = sees.includes(project)
    const page = await findEvents(`project=${project}&pageSize=1`, request)
    if (visible) expect(page.totalCount).toBe(3)
    else expect(page).toEqual({ events: [], pageSize: 1 })

    const paths = [`${projectsPath}/${project}`, `${projectsPath}/${project}/stage`, resourcePath({ project })]
    for (const path of paths) expect((await send("eu", path, request)).status).toBe(visible ? 200 : 404)
  })

  it("finds events of no project when it sees all projects", async () => {
    const { totalCount = 0 } = await findEvents("", request)
    expect(totalCount).toBe(sees.includes("none") ? 1 : 0)
  })
})

it("an event of a project that a caller does not see is not found by its id either", async () => {
  const { events } = await findEvents("project=red&pageSize=1")
  const token = await tokenWith({ roleName: "Viewer", entityId: "green" })
  expect((await findEvents(`eventID=${events[0]?.id}`)).totalCount).toBe(1)
  expect(await findEvents(`eventID=${events[0]?.id}`, { token })).toEqual({ events: [], pageSize: 20 })
})

it("pages of the project list count visible projects only", async () => {
  const token = await tokenWith(
    { roleName: "Viewer", entityId: "red" },
    { roleName: "Viewer", entityId: "blue" },
    { roleName: "Viewer", entityId: "not-there" },
  )
  const first = await listProjects("pageSize=1", { token })
  expect(first).toMatchObject({ names: ["blue"], nextPageKey: "1", totalCount: 2 })
  expect(await listProjects("pageSize=1&nextPageKey=1", { token })).toMatchObject({ names: ["red"], nextPageKey: "0" })
})

it("a project that exists and one that does not are refused with the same 404", async () => {
  const token = await tokenWith({ roleName: "Admin", entityId: "green" })
  for (const path of [projectsPath, "/api/resource-service/v1/project"]) {
    const tail = path === projectsPath ? "" : "/resource"
    const hidden = await failure(await send("eu", `${path}/red${tail}`, { token }))
    const absent = await failure(await send("eu", `${path}/yellow${tail}`, { token }))
    expect({ ...hidden, message: hidden.message.replace(/\bred\b/, "yellow") }).toEqual(absent)
    expect(hidden.status).toBe(404)
  }
})
