/** What is stored beside the thing that is asked for must not be read. D1 counts the rows, and bills them. */
import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send, storageCounts } from "../support/client.ts"
import { askEvents, findEvents, postEvent, sampleEvent, sendEvent } from "../support/events.ts"
import { commitFiles, newService, readFile, resourcePath, writeFiles } from "../support/keptn.ts"
import { knownToken } from "../support/known.ts"
import { postService, projectsPath } from "../support/projects.ts"
import { storeEvents } from "../support/store-events.ts"

const project = "measured"
const stage = { project, stage: "dev" }
const service = { ...stage, service: "carts" }
const context = "55555555-5555-4555-8555-555555555555"
const type = "sh.keptn.event.measured.finished"

/** The one request whose rows grow: it answers the total of all projects, and counts it. */
const ALL_PROJECTS = "a page of all projects"
/** How much there is beside what is measured, at first and then. */
const SOME = 40
const MANY = 300

/** Stores `count` of everything that is not measured, and a tenth as many projects. */
async function add(step: string, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index)
  // Commits on the branch that is measured, with new files, and with new versions of files that stand already.
  for (const n of numbers) {
    await commitFiles(service, { [`many/${step}-${n}.txt`]: "many", "often.txt": `${step} ${n}`, "z/z.txt": `${n}` })
    if (n % 5 === 0) await commitFiles({ project }, { [`many/${step}-${n}.txt`]: "many", "often.txt": `${step} ${n}` })
  }
  const files = Object.fromEntries(numbers.map((n) => [`wide/${step}-${n}.txt`, `${n}`]))
  await commitFiles(stage, files)
  for (const n of numbers.slice(0, count / 10)) {
    await createProject("eu", `p-${step}-${n}`, "dev", "prod")
    await newService(`p-${step}-${n}`, "carts")
  }
  // Events of other projects, types and contexts, newer than those that are measured.
  await storeEvents(count, () => ({ type, data: { project: `other-${step}` } }))
  await storeEvents(count, () => ({ type: "sh.keptn.event.other.finished", data: { project: "mixed" } }))
  await storeEvents(count, () => ({ type, shkeptncontext: context, data: { project: "mixed-context" } }))
  await storeEvents(count, () => ({ type, data: {} }))
}

/** What is not answered with 200. */
const STATUS: Readonly<Record<string, number>> = {
  "a file that is not in an old commit": 404,
  "a file that is not there": 404,
  "an unknown commit": 500,
  "creating what exists": 409,
  "overwriting a file": 201,
  "overwriting a file of the project": 201,
  "adding a file in a folder": 201,
  "writing ten files in two folders": 201,
  "writing what stands already": 201,
}

let old = ""
let eventId = ""

/** Asks for something with the token of one who may do everything, or of one who sees the measured project only. */
type Ask = (caller: { token: string }, viewer: { token: string }) => Promise<Response>

const requests: Record<string, Ask> = {
  "a file at the head": (caller) => readFile(service, "a.txt", caller),
  "a file that changes often, at the head": (caller) => readFile(service, "often.txt", caller),
  "a file at an old commit": (caller) => readFile(service, `a.txt?gitCommitID=${old}`, caller),
  "a file that changes often, at an old commit": (caller) => readFile(service, `often.txt?gitCommitID=${old}`, caller),
  "a file that is not in an old commit": (caller) => readFile(service, `z/z.txt?gitCommitID=${old}`, caller),
  "a file that is not there": (caller) => readFile(service, "none.txt", caller),
  "an unknown commit": (caller) => readFile(service, `a.txt?gitCommitID=${"0".repeat(40)}`, caller),
  "a file of the project": (caller) => readFile({ project }, "shipyard.yaml", caller),
  "a page of a service's files": (caller) => send("eu", `${resourcePath(service)}?pageSize=3`, caller),
  "a page of a stage's files": (caller) => send("eu", `${resourcePath(stage)}?pageSize=3`, caller),
  "a page of a project's files": (caller) => send("eu", `${resourcePath({ project })}?pageSize=2`, caller),
  "the project": (caller) => send("eu", `${projectsPath}/${project}`, caller),
  "its stages": (caller) => send("eu", `${projectsPath}/${project}/stage`, caller),
  "the list of the projects that a Viewer sees": (_, viewer) => send("eu", projectsPath, viewer),
  [ALL_PROJECTS]: (caller) => send("eu", `${projectsPath}?pageSize=3`, caller),
  "a page of events by project": (caller) => askEvents("project=quiet&pageSize=2", caller),
  "a page of events by project and stage": (caller) => askEvents("project=quiet&stage=dev&pageSize=2", caller),
  "a page of events by project and time": (caller) =>
    askEvents("project=quiet&fromTime=2020-01-01T00:00:00Z&pageSize=2", caller),
  "a page of events by project, found by key": (caller) =>
    askEvents("project=quiet&nextPageKey=after-4000000000000-1", caller),
  "a page of events by type": (caller) => askEvents(`project=mixed&type=${type}&pageSize=2`, caller),
  "a page of events by type, found by key": (caller) =>
    askEvents(`project=mixed&type=${type}&nextPageKey=after-4000000000000-1&fromTime=2020-01-01T00:00:00Z`, caller),
  "a page of events by context": (caller) => askEvents(`keptnContext=${quietContext}&pageSize=2`, caller),
  "a page of events by context and project": (caller) =>
    askEvents(`keptnContext=${quietContext}&project=mixed&type=${type}&fromTime=2020-01-01T00:00:00Z`, caller),
  "root events": (caller) => askEvents("project=mixed-context&root=true", caller),
  "an event by its id": (caller) => askEvents(`eventID=${eventId}`, caller),
  "an event by its id and project": (caller) => askEvents(`project=quiet&eventID=${eventId}&type=${type}`, caller),
  "sending an event of a context that is known": (caller) =>
    postEvent(sampleEvent({ type: "x", shkeptncontext: context }), caller),
  "sending an event of a new context": (caller) => postEvent(sampleEvent({ type: "x" }), caller),
  "creating what exists": (caller) => postService(project, { serviceName: "carts" }, caller),
}

const quietContext = "66666666-6666-4666-8666-666666666666"
let written = 0

/** Writes are measured, too, each in turn. */
const writes: Record<string, Ask> = {
  "overwriting a file": (caller) => writeFiles(service, { "a.txt": `version ${written++}` }, caller),
  "overwriting a file of the project": (caller) => writeFiles({ project }, { "p.txt": `version ${written++}` }, caller),
  "adding a file in a folder": (caller) => writeFiles(service, { [`added/${written++}.txt`]: "added" }, caller),
  "writing ten files in two folders": (caller) =>
    writeFiles(
      stage,
      Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`t${n % 2}/${n}.txt`, `${written++}`])),
      caller,
    ),
  "writing what stands already": (caller) => writeFiles(service, { "b.txt": "b" }, caller),
}

async function measure(): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const [what, ask] of Object.entries({ ...requests, ...writes })) {
    const viewer = { token: await knownToken({ roleName: "Viewer", entityId: project }) }
    const response = await ask({ token: await knownToken() }, viewer)
    expect(response.status, what).toBe(STATUS[what] ?? 200)
    rows[what] = storageCounts(response).rows
  }
  return rows
}

/** A range of an index ends at the first row behind it, if there is one: that may be read, too, in each of a few ranges. */
const ENDS_OF_RANGES = 8

describe("the rows that a request reads", () => {
  let few: Record<string, number> = {}
  let many: Record<string, number> = {}

  beforeAll(async () => {
    await createProject("eu", project, "dev", "prod")
    await newService(project, "carts")
    await commitFiles({ project }, { "p.txt": "p" })
    old = await commitFiles(service, { "a.txt": "a", "b.txt": "b", "often.txt": "0" })
    for (const n of [0, 1, 2]) {
      await sendEvent({ type, data: { project: "quiet", stage: "dev", n } })
      await sendEvent({ type, data: { project: "mixed", n }, shkeptncontext: quietContext })
    }
    eventId = (await findEvents("project=quiet&pageSize=1")).events[0]?.id ?? ""
    // The first round makes what later ones find.
    await add("few", SOME)
    await measure()
    few = await measure()
    await add("many", MANY)
    many = await measure()
  })

  const bounded = Object.keys({ ...requests, ...writes }).filter((what) => what !== ALL_PROJECTS)

  it.each(bounded)("do not grow with what is stored beside: %s", (what) => {
    expect(few[what]).toBeGreaterThan(0)
    expect(many[what]).toBeLessThanOrEqual((few[what] ?? 0) + ENDS_OF_RANGES)
  })

  it("are one more for each project in a page of all projects", () => {
    const grown = (many[ALL_PROJECTS] ?? 0) - (few[ALL_PROJECTS] ?? 0)
    expect(Math.abs(grown - MANY / 10)).toBeLessThanOrEqual(ENDS_OF_RANGES)
  })
})
