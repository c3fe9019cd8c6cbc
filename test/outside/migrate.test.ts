/** `npm run migrate` from a stand-in of Keptn, and from another region, into the region `eu` of a running edge. */
import { spawn } from "node:child_process"
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeEach, expect, inject, test } from "vitest"
import { z } from "zod"
import { withoutPasswords } from "../../scripts/migrate/git.ts"
import { Progress } from "../../scripts/migrate/progress.ts"
import { call } from "./client.ts"
import { filesPath, Workspace } from "./git-client.ts"
import { KeptnStandIn, type StandInEvent, type StandInProject } from "./keptn-stand-in.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const edge = inject("edge")
const workspace = new Workspace(edge)
const start = Date.parse("2024-01-01T00:00:00.000Z")
const REMINDER = /^Not copied, because Keptn does not tell them: /

let keptn = new KeptnStandIn()
let state = ""
let number = 0

beforeEach(async () => {
  keptn = new KeptnStandIn()
  await keptn.start()
  state = mkdtempSync(join(tmpdir(), "quarterdeck-migrate-"))
})

afterEach(() => {
  keptn.stop()
  rmSync(state, { recursive: true })
})

afterAll(() => workspace.remove())

interface Ended {
  status: number | null
  out: string
  error: string
}

interface Running {
  ended: Promise<Ended>
  kill: () => void
}

/** Starts a migration from the stand-in into `eu`, unless told otherwise. */
function migrate(args: string[] = [], { from = keptn.url, token = keptn.token, folder = state } = {}): Running {
  const to = `http://eu.api.localhost:${edge.port}/api`
  const child = spawn(
    process.execPath,
    ["scripts/migrate.ts", "--from", from, "--to", to, "--state", folder, ...args],
    {
      cwd: ROOT,
      env: { ...process.env, KEPTN_API_TOKEN: token, QUARTERDECK_TOKEN: edge.token },
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  const result = { out: "", error: "" }
  child.stdout.on("data", (part: Buffer) => (result.out += part.toString()))
  child.stderr.on("data", (part: Buffer) => (result.error += part.toString()))
  const { promise, resolve } = Promise.withResolvers<Ended>()
  child.on("close", (status) => resolve({ status, ...result }))
  return { ended: promise, kill: () => child.kill("SIGKILL") }
}

/** What a migration, which must succeed, tells in its end, without what it tells every time. */
async function summary(args: string[] = [], options = {}): Promise<string[]> {
  const { status, out, error } = await migrate(args, options).ended
  if (status !== 0) throw new Error(`${status}: ${error}`)
  const lines = out.trim().split("\n")
  expect(lines.at(-1)).toMatch(REMINDER)
  const steps = / \(\d+ of \d+\): |, trying again in /
  return lines.slice(0, -1).filter((line) => !steps.test(line))
}

function newName(): string {
  return `migrated-${++number}`
}

function shipyardOf(...stages: string[]): string {
  const lines = ["apiVersion: spec.keptn.sh/0.2.2", "kind: Shipyard", "metadata:", "  name: s", "spec:", "  stages:"]
  return `${[...lines, ...stages.map((stage) => `    - name: ${stage}`)].join("\n")}\n`
}

/** An event of a project; a higher number is a later one. */
function eventOf(project: string, n: number): StandInEvent {
  return {
    id: `00000000-0000-4000-8000-${String(number).padStart(4, "0")}${String(n).padStart(8, "0")}`,
    type: "sh.keptn.event.dev.delivery.triggered",
    source: "keptn",
    specversion: "1.0",
    shkeptnspecversion: "0.2.4",
    time: new Date(start + Math.floor(n / 2)).toISOString(),
    shkeptncontext: `10000000-0000-4000-8000-${String(Math.floor(n / 3)).padStart(12, "0")}`,
    data: { project, stage: "dev", service: "carts", n },
  }
}

/** So many events, the newest first. */
function eventsOf(project: string, count: number): StandInEvent[] {
  return Array.from({ length: count }, (_, n) => eventOf(project, count - 1 - n))
}

/** Adds a project with two stages, a service, and files on all levels to the stand-in. */
function addProject(members: Partial<StandInProject> = {}): { name: string; project: StandInProject } {
  const name = newName()
  const shipyard = shipyardOf("dev", "prod")
  const metadata = { "metadata.yaml": "projectName: x\n" }
  const project: StandInProject = {
    shipyard,
    stages: { dev: ["carts"], prod: ["carts"] },
    files: {
      "": { ...metadata, "shipyard.yaml": shipyard },
      dev: {
        ...metadata,
        "a b+c%d/ä.txt": "nested",
        "carts/metadata.yaml": "servicename: carts\n",
        "carts/slo.yaml": "slo",
      },
      prod: { ...metadata, "carts/metadata.yaml": "servicename: carts\n" },
    },
    events: [],
    ...members,
  }
  keptn.projects[name] = project
  return { name, project }
}

const exportedSchema = z.looseObject({ id: z.string(), time: z.string(), type: z.string(), sequence: z.string() })

/** The exported events of a project of `eu` that a test sent, without their places. */
async function eventsAt(project: string): Promise<Record<string, unknown>[]> {
  const { body } = await call(edge, "eu", "GET", `/api/mongodb-datastore/event/export?project=${project}`)
  const lines = body.split("\n").filter((line) => line !== "")
  return lines
    .map((line) => exportedSchema.parse(JSON.parse(line)))
    .filter(({ type }) => type === "sh.keptn.event.dev.delivery.triggered")
    .map(({ sequence: _sequence, ...event }) => event)
}

async function idsAt(project: string): Promise<unknown[]> {
  return (await eventsAt(project)).map((event) => event["id"])
}

const fileSchema = z.object({ resourceContent: z.string() })

/** The text of a file of a level of `eu`; null when there is none. */
async function fileAt(project: string, scope: string, path: string): Promise<string | null> {
  const name = encodeURIComponent(encodeURIComponent(path))
  const { status, body } = await call(edge, "eu", "GET", `${filesPath(project, scope)}/${name}`)
  if (status === 404) return null
  return Buffer.from(fileSchema.parse(JSON.parse(body)).resourceContent, "base64").toString()
}

/** A remote as Keptn leaves it: a branch for each stage that starts at the first commit of the default branch. */
async function newRemote(name: string, shipyard: string): Promise<string> {
  const folder = `remote-${name}`
  await workspace.git("", ["init", "--quiet", "--initial-branch", "master", folder])
  await workspace.commit(folder, { "metadata.yaml": "projectName: x\n" }, "init")
  for (const stage of ["dev", "prod"]) await workspace.git(folder, ["branch", stage])
  await workspace.commit(folder, { "shipyard.yaml": shipyard }, "shipyard")
  for (const stage of ["dev", "prod"]) {
    await workspace.git(folder, ["checkout", "--quiet", stage])
    await workspace.commit(folder, { "carts/slo.yaml": `slo of ${stage}` }, `slo of ${stage}`)
  }
  await workspace.git(folder, ["checkout", "--quiet", "master"])
  return folder
}

function pathOf(folder: string): string {
  return join(workspace.folder, folder)
}

test("copies projects with their services, files and events, and finds nothing new right after", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 250)
  const other = addProject({ stages: { dev: [], prod: [] } })
  expect(await summary()).toEqual([
    `${name}: created, 1 service created, 7 files written, 250 events copied`,
    `${name}: files without their history: the source tells no git remote (--git gives one)`,
    expect.stringMatching(`^${other.name}: created, `),
    expect.stringMatching(`^${other.name}: files without `),
  ])
  expect(await fileAt(name, "", "shipyard.yaml")).toBe(project.shipyard)
  expect(await fileAt(name, "/stage/dev", "a b+c%d/ä.txt")).toBe("nested")
  expect(await fileAt(name, "/stage/dev/service/carts", "slo.yaml")).toBe("slo")
  expect(await fileAt(name, "/stage/prod/service/carts", "slo.yaml")).toBeNull()
  // The later one of two of an instant came first.
  const expected = project.events.toReversed().map((event) => ({ ...event, contenttype: "application/json" }))
  expect(await eventsAt(name)).toEqual(expected)
  const again = await summary()
  expect(again.filter((line) => !line.includes("files without"))).toEqual([
    `${name}: nothing is new`,
    `${other.name}: nothing is new`,
  ])
})

test("copies only what is new, and leaves what the target alone has", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 130)
  await summary()
  await call(edge, "eu", "PUT", `${filesPath(name, "/stage/dev")}/own.txt`, { resourceContent: "b3du" })
  project.events.unshift(eventOf(name, 501), eventOf(name, 500))
  project.files["dev"] = { ...project.files["dev"], "carts/slo.yaml": "another" }
  keptn.asked.length = 0
  expect((await summary())[0]).toBe(`${name}: 1 file written, 2 events copied`)
  expect(keptn.asked.filter((path) => path.includes("mongodb-datastore"))).toHaveLength(2)
  expect(await fileAt(name, "/stage/dev/service/carts", "slo.yaml")).toBe("another")
  expect(await fileAt(name, "/stage/dev", "own.txt")).toBe("own")
  expect(await eventsAt(name)).toHaveLength(132)
})

test("copies a region of another edge", async () => {
  const name = newName()
  const json = { name, shipyard: Buffer.from(shipyardOf("dev")).toString("base64") }
  expect((await call(edge, "us", "POST", "/api/controlPlane/v1/project", json)).status).toBe(201)
  await call(edge, "us", "POST", `/api/controlPlane/v1/project/${name}/service`, { serviceName: "carts" })
  const large = "x".repeat(3_000_000)
  for (const [path, text] of Object.entries({ "a/b c.txt": "nested", "large.txt": large })) {
    const resources = [{ resourceURI: path, resourceContent: Buffer.from(text).toString("base64") }]
    const written = await call(edge, "us", "POST", filesPath(name, "/stage/dev/service/carts"), { resources })
    expect(written.status).toBe(201)
  }
  for (let n = 0; n < 3; n++) await call(edge, "us", "POST", "/api/v1/event", eventOf(name, n))
  const exported = async (label: string) =>
    (await call(edge, label, "GET", `/api/mongodb-datastore/event?project=${name}&type=${eventOf(name, 0)["type"]}`))
      .body
  const from = `http://us.api.localhost:${edge.port}/api`
  const options = { from, token: edge.token }
  expect((await summary(["--project", name], options))[0]).toMatch(
    /: created, 1 service created, \d+ files written, 7 events copied$/,
  )
  expect(JSON.parse(await exported("eu"))).toEqual(JSON.parse(await exported("us")))
  expect(await fileAt(name, "/stage/dev/service/carts", "a/b c.txt")).toBe("nested")
  expect(await fileAt(name, "/stage/dev/service/carts", "large.txt")).toBe(large)
  expect((await summary(["--project", name], options))[0]).toBe(`${name}: nothing is new`)
})

test("brings the history of a git remote over, and later what is new in it", async () => {
  const { name, project } = addProject({ events: [] })
  const remote = await newRemote(name, project.shipyard)
  const options = ["--no-events", "--git", `${name}=${pathOf(remote)}`]
  expect(await summary(options)).toEqual([`${name}: created, 1 service created, 6 commits on 3 branches copied`])
  await workspace.clone(name, `clone-${name}`)
  const clone = `clone-${name}`
  for (const [theirs, ours] of [
    ["master", "main"],
    ["dev", "dev"],
    ["prod", "prod"],
  ] as const) {
    const head = await workspace.head(remote, theirs)
    await workspace.git(clone, ["merge-base", "--is-ancestor", head, `origin/${ours}`])
  }
  expect(await fileAt(name, "/stage/prod/service/carts", "slo.yaml")).toBe("slo of prod")
  // What the control plane put there, and the remote does not have.
  expect(await fileAt(name, "/stage/prod/service/carts", "metadata.yaml")).toMatch(/^servicename: "carts"/)
  expect(await fileAt(name, "", "shipyard.yaml")).toBe(project.shipyard)
  expect(await summary(options)).toEqual([`${name}: nothing is new`])

  await workspace.git(remote, ["checkout", "--quiet", "dev"])
  const news = await workspace.commit(remote, { "carts/slo.yaml": "news" }, "news")
  expect(await summary(options)).toEqual([`${name}: 1 commit on 1 branch copied`])
  const history = await call(edge, "eu", "GET", `/api/resource-service/v1/project/${name}/commit/${news}`)
  expect([history.status, history.body.includes("news")]).toEqual([200, true])
  expect(await fileAt(name, "/stage/dev/service/carts", "slo.yaml")).toBe("news")
})

test("brings a history over in steps that is longer than a push may be", async () => {
  const { name, project } = addProject({ events: [] })
  const remote = await newRemote(name, project.shipyard)
  const commits = Array.from(
    { length: 2300 },
    (_, n) =>
      `commit refs/heads/dev\nmark :${n + 1}\ncommitter A <a@b> ${1_700_000_000 + n} +0000\ndata 1\n.\n` +
      `${n === 0 ? "from refs/heads/dev^0\n" : ""}M 100644 inline n.txt\ndata ${String(n).length}\n${n}\n\n`,
  )
  await workspace.git(remote, ["fast-import", "--quiet", "--force"], commits.join(""))
  const options = ["--no-events", "--git", `${name}=${pathOf(remote)}`]
  expect((await summary(options))[0]).toBe(`${name}: created, 1 service created, 2306 commits on 3 branches copied`)
  expect(await fileAt(name, "/stage/dev", "n.txt")).toBe("2299")
  expect(await fileAt(name, "/stage/dev/service/carts", "slo.yaml")).toBe("slo of dev")
  expect(await summary(options)).toEqual([`${name}: nothing is new`])
})

test("keeps charts as archives beside a history", async () => {
  const { name, project } = addProject({ events: [] })
  const remote = await newRemote(name, project.shipyard)
  await workspace.git(remote, ["checkout", "--quiet", "dev"])
  await workspace.commit(remote, { "carts/helm/carts/Chart.yaml": "name: carts" })
  project.files["dev"] = { "carts/helm/carts/Chart.yaml": "name: carts", "carts/helm/carts.tgz": "packed once" }
  const options = ["--no-events", "--git", `${name}=${pathOf(remote)}`]
  expect((await summary(options))[0]).toMatch(/ copied, 1 chart written$/)
  const chart = () => fileAt(name, "/stage/dev/service/carts", "helm/carts.tgz")
  expect(await chart()).toBe("packed once")
  project.files["dev"]["carts/helm/carts.tgz"] = "packed again"
  expect(await summary(options)).toEqual([`${name}: nothing is new`])
  await workspace.commit(remote, { "carts/helm/carts/Chart.yaml": "name: carts\nversion: 2" })
  expect((await summary(options))[0]).toBe(`${name}: 1 commit on 1 branch copied, 1 chart written`)
  expect(await chart()).toBe("packed again")
  // It was not gone in between: the merge has it, behind which the new one was written.
  const newest = await call(edge, "eu", "GET", `/api/resource-service/v1/project/${name}/commit/HEAD?stage=dev`)
  const { parents } = z.looseObject({ parents: z.array(z.string()) }).parse(JSON.parse(newest.body))
  const old = `${filesPath(name, "/stage/dev/service/carts")}/helm%2Fcarts.tgz?gitCommitID=${parents[0]}`
  expect((await call(edge, "eu", "GET", old)).status).toBe(200)
  await workspace.git(remote, ["rm", "--quiet", "-r", "carts/helm"])
  await workspace.commit(remote, {}, "no chart")
  project.files["dev"] = {}
  await summary(options)
  expect(await chart()).toBeNull()
})

test("keeps what was written at the target while a history is pushed", async () => {
  const { name, project } = addProject({ events: [] })
  const remote = await newRemote(name, project.shipyard)
  const options = ["--no-events", "--git", `${name}=${pathOf(remote)}`]
  await summary(options)
  const own = await call(edge, "eu", "PUT", `${filesPath(name, "/stage/dev")}/own.txt`, { resourceContent: "b3du" })
  const { commitID } = z.looseObject({ commitID: z.string() }).parse(JSON.parse(own.body))
  await workspace.git(remote, ["checkout", "--quiet", "dev"])
  await workspace.commit(remote, { "news.txt": "news" })
  await summary(options)
  // The state of the source stands; what the target had is in the history.
  expect([await fileAt(name, "/stage/dev", "own.txt"), await fileAt(name, "/stage/dev", "news.txt")]).toEqual([
    null,
    "news",
  ])
  const path = `${filesPath(name, "/stage/dev")}/own.txt?gitCommitID=${commitID}`
  expect((await call(edge, "eu", "GET", path)).status).toBe(200)
})

test("tells why the target refuses a history", async () => {
  const { name, project } = addProject({ events: [] })
  const remote = await newRemote(name, project.shipyard)
  await workspace.git(remote, [
    "update-index",
    "--add",
    "--cacheinfo",
    `120000,${await workspace.head(remote, "HEAD:shipyard.yaml")},link`,
  ])
  await workspace.git(remote, ["commit", "--quiet", "-m", "a link"])
  const { status, out } = await migrate(["--git", `${name}=${pathOf(remote)}`]).ended
  expect(status).toBe(1)
  expect(out).toMatch(
    new RegExp(`^${name}: failed: the target refuses the history of the branch main: .*symbolic link`, "m"),
  )
})

test("copies files without their history where the remote cannot be reached, and keeps its password to itself", async () => {
  const { name } = addProject({ remote: "http://keptn:its-password@127.0.0.1:1/x.git" })
  const { status, out, error } = await migrate().ended
  expect([status, error]).toEqual([0, ""])
  expect(out).toMatch(new RegExp(`^${name}: created, .* files written$`, "m"))
  expect(out).toMatch(new RegExp(`^${name}: files without their history: its git remote cannot be reached \\(`, "m"))
  for (const secret of ["its-password", keptn.token, edge.token]) expect(out).not.toContain(secret)
  expect(await fileAt(name, "/stage/dev/service/carts", "slo.yaml")).toBe("slo")
})

test("copies files without their history where stages have no branches", async () => {
  const { name, project } = addProject()
  const remote = await newRemote(name, project.shipyard)
  await workspace.git(remote, ["branch", "-D", "prod"])
  const lines = await summary(["--git", `${name}=${pathOf(remote)}`])
  expect(lines).toContain(`${name}: files without their history: its git remote has no branch for the stage prod`)
})

test("reads a shipyard that Keptn left in base64, and charts as archives", async () => {
  const shipyard = shipyardOf("dev", "prod")
  const encoded = Buffer.from(shipyard).toString("base64")
  const { name, project } = addProject({ shipyard: encoded })
  project.files[""] = { "shipyard.yaml": encoded }
  project.files["dev"] = { "carts/helm/carts/Chart.yaml": "name: carts", "carts/helm/carts.tgz": "packed once" }
  expect((await summary())[0]).toMatch(/, 3 files written, 1 chart written$/)
  expect(await fileAt(name, "", "shipyard.yaml")).toBe(shipyard)
  expect(await fileAt(name, "/stage/dev/service/carts", "helm/carts.tgz")).toBe("packed once")
  project.files["dev"]["carts/helm/carts.tgz"] = "packed again"
  expect((await summary())[0]).toBe(`${name}: nothing is new`)
  expect(await fileAt(name, "/stage/dev/service/carts", "helm/carts.tgz")).toBe("packed once")
  project.files["dev"]["carts/helm/carts/Chart.yaml"] = "name: carts\nversion: 2"
  expect((await summary())[0]).toBe(`${name}: 1 file written, 1 chart written`)
  expect(await fileAt(name, "/stage/dev/service/carts", "helm/carts.tgz")).toBe("packed again")
})

test("tries again what fails for a while", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 3)
  const failures = new Map<string, number>()
  keptn.before = (path, response) => {
    const times = (failures.get(path) ?? 0) + 1
    failures.set(path, times)
    if (times > 1) return false
    if (failures.size % 2 === 0) response.destroy()
    else if (failures.size % 3 === 0) response.writeHead(429, { "retry-after": "0" }).end("{}")
    else response.writeHead(503).end("{}")
    return true
  }
  expect((await summary())[0]).toMatch(/, 3 events copied$/)
  expect([...failures.values()].every((times) => times >= 2)).toBe(true)
})

test("goes on where a download was cut off, also when newer events have come", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 1000)
  await cutOff(6)
  project.events.unshift(...Array.from({ length: 150 }, (_, n) => eventOf(name, 1149 - n)))
  // The pages in front of those that came are not complete when this one is cut off.
  await cutOff(2)
  project.events.unshift(...Array.from({ length: 150 }, (_, n) => eventOf(name, 1299 - n)))
  keptn.before = () => false
  keptn.asked.length = 0
  expect((await summary())[0]).toMatch(/1300 events copied$/)
  expect(await idsAt(name)).toEqual(project.events.map(({ id }) => id).toReversed())
  // Thirteen pages have all of them; some of those that came before are not asked for again.
  expect(keptn.asked.filter((path) => path.includes("mongodb-datastore")).length).toBeLessThan(16)
})

test("goes on behind an event that was written in part", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 5)
  await summary()
  const [folder = ""] = readdirSync(state)
  appendFileSync(join(state, folder, name, "events.jsonl"), JSON.stringify(eventOf(name, 5)).slice(0, 40))
  project.events = eventsOf(name, 7)
  for (const told of ["2 events copied", "nothing is new"]) expect((await summary())[0]).toBe(`${name}: ${told}`)
  expect(await idsAt(name)).toHaveLength(7)
})

test.each([
  [
    "fatal: unable to access 'https://keptn:its-password@example.com/x.git/'",
    "fatal: unable to access 'https://example.com/x.git/'",
  ],
  ["ssh://git@example.com/x https://its-token@example.com/y@z", "ssh://example.com/x https://example.com/y@z"],
])("shows %j without passwords", (text, plain) => {
  expect(withoutPasswords(text)).toBe(plain)
})

test("goes on where a top-up was cut off", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 300)
  await summary()
  project.events.unshift(...Array.from({ length: 350 }, (_, n) => eventOf(name, 649 - n)))
  await cutOff(3)
  keptn.before = () => false
  expect((await summary())[0]).toBe(`${name}: 350 events copied`)
  expect(await idsAt(name)).toEqual(project.events.map(({ id }) => id).toReversed())
})

test("goes on where it was killed, wherever that was", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 3000)
  const remote = await newRemote(name, project.shipyard)
  const options = ["--git", `${name}=${pathOf(remote)}`]
  for (const wait of [300, 500, 700, 900, 1200, 1500]) {
    const running = migrate(options)
    const timer = setTimeout(running.kill, wait)
    await running.ended
    clearTimeout(timer)
  }
  await summary(options)
  expect(await idsAt(name)).toEqual(project.events.map(({ id }) => id).toReversed())
  expect(await fileAt(name, "/stage/prod/service/carts", "slo.yaml")).toBe("slo of prod")
  expect(await summary(options)).toEqual([`${name}: nothing is new`])
})

test("copies the events again into a project that was deleted and created again", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 20)
  await summary()
  await call(edge, "eu", "DELETE", `/api/controlPlane/v1/project/${name}`)
  expect((await summary())[0]).toMatch(/: created, .* 20 events copied$/)
  expect(await idsAt(name)).toHaveLength(20)
})

test("puts events aside that the target refuses, says so and copies the others", async () => {
  const { name, project } = addProject()
  project.events = eventsOf(name, 10)
  project.events[3] = { ...eventOf(name, 6), source: "" }
  const { status, out, error } = await migrate().ended
  expect(status).toBe(1)
  expect(error).toBe(`Failed, run it again: ${name}\n`)
  expect(out).toMatch(
    /: failed: 1 event refused and put into \S+refused\.jsonl, the first one because: .*line 7: source is required/,
  )
  expect(await idsAt(name)).toHaveLength(9)
  const [folder = ""] = readdirSync(state)
  expect(readFileSync(join(state, folder, name, "refused.jsonl"), "utf8")).toContain(eventOf(name, 6).id)
})

test("copies the other projects when one fails, touches nothing of a project with other stages, and ends with 1", async () => {
  const { name } = addProject()
  const other = addProject()
  const json = { name, shipyard: Buffer.from(shipyardOf("dev", "staging")).toString("base64") }
  expect((await call(edge, "eu", "POST", "/api/controlPlane/v1/project", json)).status).toBe(201)
  const { status, out, error } = await migrate(["--project", name, "--project", other.name, "--project", "not-there"])
    .ended
  expect([status, error]).toEqual([1, `Failed, run it again: ${name}, not-there\n`])
  const text = `${name}: failed: it is at the target with the stages dev, staging, here it has dev, prod. Nothing was changed`
  expect(out).toContain(text)
  expect(out).toContain("not-there: failed: the source has no such project")
  expect(out).toMatch(new RegExp(`^${other.name}: created, `, "m"))
  expect(await fileAt(name, "/stage/dev", "a b+c%d/ä.txt")).toBeNull()
})

test("does not run twice at once on the same folder", async () => {
  addProject()
  const reached = Promise.withResolvers<void>()
  keptn.before = () => {
    reached.resolve()
    return true
  }
  const running = migrate()
  await reached.promise
  const { status, error } = await migrate().ended
  running.kill()
  await running.ended
  expect(status).toBe(1)
  expect(error).toMatch(/^Another run uses \S+\. Wait for its end\.\n$/)
})

test("says in one line what is wrong with a token", async () => {
  addProject()
  const { status, out, error } = await migrate([], { token: "wrong" }).ended
  expect([status, out]).toEqual([1, ""])
  expect(error).toMatch(
    /^The projects cannot be listed: GET 127\.0\.0\.1:\d+\/api\/controlPlane\/v1\/project answered 401: unauthenticated or invalid credentials\n$/,
  )
})

test.each([
  [["--project"], /^Option '--project <value>' argument missing/],
  [["--sing"], /^Unknown option '--sing'/],
  [["sing"], /^Unknown argument sing\. /],
  [["--git", "x"], /^--git must be NAME=URL\. /],
  [["--git", "x=--upload-pack=sh"], /^--git must be NAME=URL\. /],
  [["--from", "keptn.example.com"], /^--from must be the address of an API, such as /],
  [["--from", "http://a:b@example.com/api"], /^--from must be the address of an API, such as /],
])("says in one line what is wrong with %j", async (args, message) => {
  const { status, out, error } = await migrate(args).ended
  expect([status, out]).toEqual([1, ""])
  expect(error).toMatch(message)
  expect(error.trim().split("\n")).toHaveLength(1)
})

/** What a run writes that imports two events. */
function shown(isTTY: boolean): string {
  let text = ""
  const progress = new Progress({ isTTY, columns: 30, write: (part) => (text += part) !== "" })
  progress.begin("shop (1 of 2)")
  for (const done of [0, 1, 2]) progress.step("imports events", done, 2)
  progress.finish(["shop: 2 events copied"])
  return text
}

test("shows its progress in one line on a terminal, in a line for each step elsewhere", () => {
  expect(shown(false)).toBe("shop (1 of 2): imports events\nshop: 2 events copied\n")
  const line = "\r\u001b[Kshop (1 of 2): imports events"
  expect(shown(true)).toBe(`${line}${line}\r\u001b[Kshop: 2 events copied\n`)
})

/** Runs until the source is asked for so many pages of events, and is then killed. */
async function cutOff(page: number): Promise<void> {
  const reached = Promise.withResolvers<void>()
  let pages = 0
  keptn.before = (path) => {
    if (!path.includes("mongodb-datastore") || ++pages < page) return false
    reached.resolve()
    return true
  }
  const running = migrate()
  await reached.promise
  running.kill()
  await running.ended
}
