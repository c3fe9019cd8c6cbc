/**
 * What the commands of Keptn's CLI (1.4.5) send, request by request as it was recorded, in its order and its odd forms; and of the
 * answers what the CLI needs to go on. The CLI itself cannot be had from npm, so that this stands for it.
 */
import { rmSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import type { Answer } from "./client.ts"
import { type StartedEdge, startEdge, stopEdge } from "./edge.ts"
import { ask, complaint, contextOf, readPages, sendEvent } from "./keptn-cli.ts"

const CONTROL_PLANE = "/api/controlPlane/v1"
const EVENTS = "/api/mongodb-datastore/event"
const RESOURCES = "/api/resource-service/v1/project"
const SECRET = "/api/secrets/v1/secret"
const AUTH = "/api/v1/auth"
const METADATA = "/api/v1/metadata"

/** With line ends as Windows has them, and three stages that are not in the order of their names. */
const SHIPYARD = [
  'apiVersion: "spec.keptn.sh/0.2.2"',
  'kind: "Shipyard"',
  "spec:",
  "  stages:",
  ...["dev", "staging", "production"].flatMap((stage) => [
    `    - name: "${stage}"`,
    "      sequences:",
    '        - name: "delivery"',
  ]),
].join("\r\n")
const CONTENT = Buffer.from("a: 1\n").toString("base64")
const CLI = "https://github.com/keptn/keptn/cli"

const nanoseconds = z.string().regex(/^[0-9]{19}$/)
const serviceSchema = z.object({ serviceName: z.string(), creationDate: nanoseconds })
const stageSchema = z.object({ stageName: z.string(), services: z.array(serviceSchema) })
const projectSchema = z.object({
  projectName: z.string(),
  creationDate: nanoseconds,
  shipyardVersion: z.string(),
  stages: z.array(stageSchema),
})
const eventSchema = z.looseObject({
  id: z.uuid(),
  shkeptncontext: z.string(),
  type: z.string(),
  data: z.looseObject({ project: z.string(), stage: z.string(), service: z.string() }),
})
const eventsSchema = z.object({ events: z.array(eventSchema) })

let edge: StartedEdge

beforeAll(async () => {
  edge = await startEdge()
  await createProject("sockshop")
  expect(await createService("sockshop", "carts")).toMatchObject({ status: 200 })
})
afterAll(async () => {
  await stopEdge(edge, "SIGTERM")
  rmSync(edge.state, { recursive: true })
})

describe("auth, status and version", () => {
  test("auth posts nothing with a token, and is told nothing more than that it is right", async () => {
    expect(await ask(edge, "POST", AUTH)).toEqual({ status: 200, body: "" })
  })

  test("auth tries a wrong token three times, and prints the same refusal", async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(complaint(await askWrongly("POST", AUTH))).toBe("incorrect api key auth")
    }
  })

  test("version, and every command that checks versions, reads those of the server", async () => {
    const metadata = await read(METADATA, z.object({ keptnversion: z.string(), automaticprovisioning: z.boolean() }))
    expect(metadata).toEqual({ keptnversion: "1.4.5", automaticprovisioning: true })
  })
})

describe("projects", () => {
  // Told that it may, it leaves out even those that it was given: they come with an update.
  test("create project asks whether it may go without git flags, posts, and needs no body", async () => {
    await createProject("podtato")
    expect(await shownProjects("podtato")).toMatchObject([
      { shipyardVersion: "spec.keptn.sh/0.2.2", stages: [{ stageName: "dev" }, { stageName: "staging" }, {}] },
    ])
  })

  test.each([
    ["sockshop", SHIPYARD, "could not create project 'sockshop': project already exists"],
    ["Sock_Shop", SHIPYARD, "Could not validate payload: provided project name is not a valid Keptn entity name"],
    ["no-stages", "spec:\n  stages: []\n", /^Could not validate payload: provided shipyard file is not valid: /],
  ])("create project %s is refused with a message", async (name, shipyard, message) => {
    const answer = await ask(edge, "POST", `${CONTROL_PLANE}/project`, { name, shipyard: base64(shipyard) })
    expect(complaint(answer)).toMatch(message)
  })

  test("update project sends a shipyard that is null, and git flags where it has them", async () => {
    for (const change of [{}, { gitCredentials: overHttps }, { gitCredentials: overSsh }]) {
      const json = { name: "sockshop", shipyard: null, ...change }
      expect(await ask(edge, "PUT", `${CONTROL_PLANE}/project`, json)).toEqual({ status: 201, body: "" })
    }
    const [project] = await shownProjects("sockshop")
    expect(project?.shipyardVersion).toBe("spec.keptn.sh/0.2.2")
    expect(project?.stages.map(({ stageName }) => stageName)).toEqual(["dev", "staging", "production"])
  })

  test("update project of one that is not there says so", async () => {
    const answer = await ask(edge, "PUT", `${CONTROL_PLANE}/project`, { name: "nothere", shipyard: null })
    expect(complaint(answer)).toBe("project not found")
  })

  test("get project reads all pages and looks for the name itself", async () => {
    const names: string[] = []
    for (let number = 10; number < 32; number++) names.push(`many-${number}`)
    for (const name of names) await createProject(name)
    const shown = (await shownProjects()).map(({ projectName }) => projectName)
    expect(shown).toEqual(expect.arrayContaining([...names, "sockshop"]))
    expect(shown).toEqual(shown.toSorted())
    expect(await shownProjects("nothere")).toEqual([])
  })

  test("delete project prints the message, of one that is not there, too", async () => {
    await createProject("short-lived")
    for (let time = 0; time < 2; time++) {
      const answer = await ask(edge, "DELETE", `${CONTROL_PLANE}/project/short-lived`)
      expect([answer.status, messageOf(answer)]).toEqual([200, expect.stringContaining("Project short-lived")])
    }
    await createProject("short-lived")
  })
})

describe("services and stages", () => {
  test("create service posts its name, and says why it is refused", async () => {
    expect(messageOf(await createService("sockshop", "carts-db"))).toBe("")
    expect(complaint(await createService("sockshop", "carts"))).toBe("service already exists")
    expect(complaint(await createService("nothere", "carts"))).toBe(
      "could not get stages of project nothere: project not found",
    )
  })

  test("delete service needs JSON, of a service that is not there, too", async () => {
    await createService("sockshop", "orders")
    for (let time = 0; time < 2; time++) {
      expect(messageOf(await ask(edge, "DELETE", `${CONTROL_PLANE}/project/sockshop/service/orders`))).toBe("")
    }
    expect(await shownServices("sockshop", "dev")).not.toContain("orders")
  })

  test("get services goes from the list of projects to every stage, and reads all pages", async () => {
    await createProject("big")
    const names: string[] = []
    for (let number = 10; number < 35; number++) names.push(`service-${number}`)
    for (const name of names) await createService("big", name)
    const [{ stages } = { stages: [] }] = await shownProjects("big")
    for (const { stageName } of stages) expect(await shownServices("big", stageName)).toEqual(names)
    expect(stages).toHaveLength(3)
  })

  test("get stages reads their names, sorted, and says of no project that it is not there", async () => {
    expect(await shownStages("sockshop")).toEqual(["dev", "production", "staging"])
    expect(complaint(await ask(edge, "GET", `${CONTROL_PLANE}/project/nothere/stage`))).toBe("project not found")
  })
})

describe("add-resource", () => {
  test("of a project posts to a path with two slashes", async () => {
    await addResource("sockshop/", "prometheus/sli.yaml")
    expect(await shownResource("sockshop", "prometheus%2Fsli.yaml")).toBe(CONTENT)
  })

  test.each([
    ["a stage", "sockshop/stage/staging", "slo.yaml", "slo.yaml"],
    ["a service", "sockshop/stage/staging/service/carts", "slo.yaml", "slo.yaml"],
    ["a path from here, as it was typed", "sockshop/stage/dev", "./nested/deep/a.yaml", "nested%2Fdeep%2Fa.yaml"],
    ["a path from the root", "sockshop/stage/dev", "/home/me/a.yaml", "home%2Fme%2Fa.yaml"],
  ])("of %s is read back by its name", async (_, scope, resourceURI, name) => {
    await addResource(scope, resourceURI)
    expect(await shownResource(scope, name)).toBe(CONTENT)
  })

  test("with --all-stages asks for the stages and posts to each", async () => {
    const stages = await shownStages("sockshop")
    for (const stage of stages) await addResource(`sockshop/stage/${stage}/service/carts`, "jmeter/load.jmx")
    for (const stage of stages) {
      expect(await shownResource(`sockshop/stage/${stage}/service/carts`, "jmeter%2Fload.jmx")).toBe(CONTENT)
    }
  })

  test.each([
    ["nothere/", "a.yaml", /^Could not find credentials for upstream repository$/],
    ["sockshop/stage/nothere", "a.yaml", /^Stage not found$/],
    ["sockshop/stage/dev/service/nothere", "a.yaml", /^Service not found$/],
    ["sockshop/", "../a.yaml", /^invalid resource uri$/i],
  ])("to %s of %s is refused with a message", async (scope, resourceURI, message) => {
    expect(complaint(await postResource(scope, resourceURI))).toMatch(message)
  })
})

describe("events", () => {
  const type = "sh.keptn.event.staging.delivery.triggered"
  const data = { project: "sockshop", stage: "staging", service: "carts" }

  test("send event posts the file, which has no id and no time, and get event finds it", async () => {
    const keptnContext = await sendEvent(edge, { source: "shell", type, data, contenttype: "application/json" })
    const filter = { ...data, type, keptnContext }
    expect(await shownEvents(filter)).toMatchObject([{ type, data, shkeptncontext: keptnContext }])
  })

  test("send event keeps the context that the file has", async () => {
    const shkeptncontext = crypto.randomUUID()
    const finished = { ...data, status: "succeeded", result: "pass", evaluation: { score: 100 } }
    const file = { source: "shell", type: "sh.keptn.event.evaluation.finished", data: finished, shkeptncontext }
    expect(await sendEvent(edge, { ...file, triggeredid: crypto.randomUUID() })).toBe(shkeptncontext)
    // Which is how the last result is asked for: without a project.
    const shown = await shownEvents({ keptnContext: shkeptncontext, type: "sh.keptn.event.evaluation.finished" })
    expect(shown).toMatchObject([{ data: { evaluation: { score: 100 } } }])
  })

  test("send event of a file that is no event is refused with a message", async () => {
    expect(complaint(await ask(edge, "POST", "/api/v1/event", { source: "shell", type }))).toBe(
      "data in body is required",
    )
  })

  test("get event reads all pages, and no event of what is not there", async () => {
    const many = "sh.keptn.event.dev.many.triggered"
    for (let number = 0; number < 25; number++) await sendEvent(edge, { source: "shell", type: many, data })
    expect(await shownEvents({ project: "sockshop", type: many })).toHaveLength(25)
    expect(await shownEvents({ project: "sockshop", type: "nothing" })).toEqual([])
    expect(await shownEvents({ project: "nothere", type: many })).toEqual([])
  })

  test("get event approval.triggered reads the list of what is open", async () => {
    const path = `${CONTROL_PLANE}/event/triggered/sh.keptn.event.approval.triggered`
    for (const query of ["project=sockshop&stage=staging", "project=sockshop&service=carts&stage=staging"]) {
      expect(await readPages(edge, `${path}?${query}`, eventsSchema)).toEqual([{ events: [] }])
    }
    expect(complaint(await ask(edge, "GET", `${path}?project=nothere&stage=staging`))).toBe("project not found")
  })

  test("send event approval.finished finds the approval by its id and answers it", async () => {
    const triggered = "sh.keptn.event.approval.triggered"
    const keptnContext = await sendEvent(edge, { source: "shell", type: triggered, data })
    const [{ id } = { id: "" }] = await shownEvents({ keptnContext, type: triggered })
    const [approval] = await shownEvents({ eventID: id, project: "sockshop", stage: "staging", type: triggered })
    expect(approval).toMatchObject({ id, shkeptncontext: keptnContext, data })
    const answered = await sendEvent(edge, {
      data: { ...data, result: "pass", status: "succeeded" },
      id: crypto.randomUUID(),
      shkeptncontext: keptnContext,
      source: `${CLI}#sh.keptn.event.approval.finished`,
      triggeredid: id,
      type: "sh.keptn.event.approval.finished",
    })
    expect(answered).toBe(keptnContext)
    const finished = await shownEvents({ keptnContext, type: "sh.keptn.event.approval.finished" })
    expect(finished).toMatchObject([{ triggeredid: id, data: { result: "pass" } }])
  })

  test("configure monitoring posts an event, and looks in vain for an answer, of no project", async () => {
    const keptnContext = await sendEvent(edge, {
      data: { project: "sockshop", service: "carts", type: "prometheus" },
      id: crypto.randomUUID(),
      source: `${CLI}#configuremonitoring`,
      type: "sh.keptn.event.monitoring.configure",
    })
    expect(await shownEvents({ keptnContext, type: "sh.keptn.event.configure-monitoring.finished" })).toEqual([])
  })
})

describe("triggers", () => {
  test("trigger delivery takes the first stage of the project when it is given none, and looks for the service in it", async () => {
    const { stages } = await read(`${CONTROL_PLANE}/project/sockshop`, projectSchema)
    const stage = stages[0]?.stageName ?? ""
    expect(stage).toBe("dev")
    expect(await shownServices("sockshop", stage)).toContain("carts")
    const type = `sh.keptn.event.${stage}.delivery.triggered`
    const data = {
      configurationChange: { values: { image: "ghcr.io/podtato-head/podtatoserver:v0.1.1" } },
      deployment: { deploymentURIsLocal: null, deploymentstrategy: "" },
      project: "sockshop",
      service: "carts",
      stage,
    }
    const id = crypto.randomUUID()
    const keptnContext = await sendEvent(edge, { data, id, source: `${CLI}#configuration-change`, type })
    expect(await watch(keptnContext)).toEqual([type])
  })

  test("trigger sequence looks for the service, and says of no stage that it is not there", async () => {
    expect(await shownServices("sockshop", "staging")).toContain("carts")
    const answer = await ask(edge, "GET", `${CONTROL_PLANE}/project/sockshop/stage/nothere/service`)
    expect(complaint(answer)).toBe("stage not found")
    const type = "sh.keptn.event.staging.delivery.triggered"
    const data = { a: "b", labels: { x: "y" }, project: "sockshop", service: "carts", stage: "staging" }
    const source = `${CLI}#configuration-change`
    const keptnContext = await sendEvent(edge, { data, id: crypto.randomUUID(), source, type })
    expect(await watch(keptnContext)).toEqual([type])
  })

  test("trigger evaluation sends a start and an end, and is told the context", async () => {
    const window = { start: "2026-01-01T10:00:00.000Z", end: "2026-01-01T10:05:00.000Z" }
    for (const json of [window, { ...window, labels: { a: "b", c: "d" }, gitcommitid: "abc" }]) {
      const keptnContext = contextOf(await triggerEvaluation("sockshop/stage/staging/service/carts", json))
      expect(await watch(keptnContext)).toEqual(["sh.keptn.event.staging.evaluation.triggered"])
    }
  })

  test.each([
    ["nothere/stage/staging/service/carts", "project not found"],
    ["sockshop/stage/nothere/service/carts", "stage not found"],
    ["sockshop/stage/staging/service/nothere", "service not found"],
  ])("trigger evaluation of %s is refused with code 2: %s", async (path, message) => {
    const window = { start: "2026-01-01T10:00:00.000Z", end: "2026-01-01T10:05:00.000Z" }
    const answer = await triggerEvaluation(path, window)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { code: 2, message }])
  })
})

describe("secrets", () => {
  const scope = "keptn-default"

  test("create, get, update and delete secret name the scope, which the CLI has a default for", async () => {
    const created = { data: { k: "v", k2: "v2" }, name: "my-secret", scope }
    expect((await ask(edge, "POST", SECRET, created)).status).toBe(201)
    expect(await shownSecrets()).toEqual(["my-secret"])
    expect((await ask(edge, "PUT", SECRET, { ...created, data: { k: "w" } })).status).toBe(200)
    expect((await ask(edge, "DELETE", `${SECRET}?name=my-secret&scope=${scope}`)).status).toBe(200)
    expect(await shownSecrets()).toEqual([])
  })

  test("create secret is refused with a message", async () => {
    const json = { data: { k: "v" }, name: "twice", scope }
    await ask(edge, "POST", SECRET, json)
    const message = complaint(await ask(edge, "POST", SECRET, json))
    expect(message).toBe("Unable to create secret: secret already exists")
    await ask(edge, "DELETE", `${SECRET}?name=twice&scope=${scope}`)
    expect(complaint(await ask(edge, "POST", SECRET, { ...json, scope: "none" }))).toMatch(/scope not found$/)
  })

  test("update and delete secret say of none that it is not there", async () => {
    const json = { data: { k: "v" }, name: "nothere", scope }
    expect(complaint(await ask(edge, "PUT", SECRET, json))).toBe("Unable to update secret: secret not found")
    const answer = await ask(edge, "DELETE", `${SECRET}?name=nothere&scope=${scope}`)
    expect(complaint(answer)).toMatch(/^Unable to delete secret: .*secret not found$/)
  })
})

describe("an endpoint that was stored with a slash at its end", () => {
  const window = { start: "2026-01-01T10:00:00.000Z", end: "2026-01-01T10:05:00.000Z" }
  const type = "sh.keptn.event.dev.delivery.triggered"
  const data = { project: "slashes", stage: "dev", service: "carts" }
  const event = { data, source: "shell", specversion: "1.0", time: "0001-01-01T00:00:00Z", type }

  // Half of the commands merge the slashes themselves; these do not. Each needs the ones before it.
  test.each<[string, number, string, string, unknown?]>([
    ["auth", 200, "POST", "/api//v1/auth"],
    ["version", 200, "GET", "/api//v1/metadata"],
    ["create project", 201, "POST", "/api//controlPlane/v1/project", { name: "slashes", shipyard: base64(SHIPYARD) }],
    ["update project", 201, "PUT", "/api//controlPlane/v1/project", { name: "slashes", shipyard: null }],
    ["create service", 200, "POST", "/api//controlPlane/v1/project/slashes/service", { serviceName: "carts" }],
    [
      "trigger evaluation",
      200,
      "POST",
      "/api//controlPlane/v1/project/slashes/stage/dev/service/carts/evaluation",
      window,
    ],
    ["send event", 200, "POST", "/api//v1/event", event],
    ["delete service", 200, "DELETE", "/api//controlPlane/v1/project/slashes/service/carts"],
    ["delete project", 200, "DELETE", "/api//controlPlane/v1/project/slashes"],
  ])("%s is answered with %d", async (_, status, method, path, json) => {
    expect((await ask(edge, method, path, json)).status).toBe(status)
  })
})

describe("a token that is not valid", () => {
  const ofApiService = "incorrect api key auth"
  const ofGateway = "unauthenticated or invalid credentials"

  test.each<[string, string, string, string]>([
    ["version", ofApiService, "GET", METADATA],
    ["create project", ofApiService, "GET", METADATA],
    ["send event", ofApiService, "POST", "/api/v1/event"],
    ["get projects, get services", ofGateway, "GET", `${CONTROL_PLANE}/project`],
    ["delete project", ofGateway, "DELETE", `${CONTROL_PLANE}/project/sockshop`],
    ["create service", ofGateway, "POST", `${CONTROL_PLANE}/project/sockshop/service`],
    ["get stages", ofGateway, "GET", `${CONTROL_PLANE}/project/sockshop/stage`],
    ["trigger evaluation", ofGateway, "POST", `${CONTROL_PLANE}/project/sockshop/stage/dev/service/carts/evaluation`],
    ["get event", ofGateway, "GET", `${EVENTS}?project=sockshop&type=x`],
    ["get event approval.triggered", ofGateway, "GET", `${CONTROL_PLANE}/event/triggered/x?project=sockshop`],
    ["add-resource", ofGateway, "POST", `${RESOURCES}/sockshop//resource`],
    ["get secrets", ofGateway, "GET", SECRET],
  ])("%s prints: %s", async (_, message, method, path) => {
    const answer = await askWrongly(method, path)
    expect([answer.status, complaint(answer)]).toEqual([401, message])
  })
})

const overHttps = {
  remoteURL: "https://git.example.com/r.git",
  user: "u",
  https: {
    token: "t",
    insecureSkipTLS: true,
    proxy: { url: "proxy:8080", scheme: "http", user: "pu", password: "pp" },
  },
}
const overSsh = {
  remoteURL: "ssh://git@example.com/r.git",
  user: "git",
  ssh: { privateKey: base64("-----BEGIN OPENSSH PRIVATE KEY-----\n"), privateKeyPass: "" },
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64")
}

function askWrongly(method: string, path: string): Promise<Answer> {
  return ask({ ...edge, token: "wrong" }, method, path)
}

async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const { status, body } = await ask(edge, "GET", path)
  if (status !== 200) throw new Error(`${status} ${body}`)
  return schema.parse(JSON.parse(body))
}

function messageOf({ status, body }: Answer): string {
  if (status !== 200) throw new Error(`${status} ${body}`)
  return z.object({ message: z.string() }).parse(JSON.parse(body)).message
}

async function createProject(name: string): Promise<void> {
  await read(METADATA, z.object({ automaticprovisioning: z.literal(true) }))
  const answer = await ask(edge, "POST", `${CONTROL_PLANE}/project`, { name, shipyard: base64(SHIPYARD) })
  expect(answer).toEqual({ status: 201, body: "" })
}

function createService(project: string, serviceName: string): Promise<Answer> {
  return ask(edge, "POST", `${CONTROL_PLANE}/project/${project}/service`, { serviceName })
}

function triggerEvaluation(path: string, json: unknown): Promise<Answer> {
  return ask(edge, "POST", `${CONTROL_PLANE}/project/${path}/evaluation`, json)
}

function postResource(scope: string, resourceURI: string): Promise<Answer> {
  const json = { resources: [{ resourceContent: CONTENT, resourceURI }] }
  return ask(edge, "POST", `${RESOURCES}/${scope}/resource`, json)
}

async function addResource(scope: string, resourceURI: string): Promise<void> {
  expect((await postResource(scope, resourceURI)).status).toBe(201)
}

async function shownResource(scope: string, name: string): Promise<string> {
  const resourceSchema = z.object({ resourceContent: z.string() })
  return (await read(`${RESOURCES}/${scope}/resource/${name}`, resourceSchema)).resourceContent
}

async function shownProjects(name?: string): Promise<z.infer<typeof projectSchema>[]> {
  const pages = await readPages(edge, `${CONTROL_PLANE}/project`, z.object({ projects: z.array(projectSchema) }))
  const projects = pages.flatMap((page) => page.projects)
  return name === undefined ? projects : projects.filter(({ projectName }) => projectName === name)
}

async function shownStages(project: string): Promise<string[]> {
  const path = `${CONTROL_PLANE}/project/${project}/stage`
  const pages = await readPages(edge, path, z.object({ stages: z.array(stageSchema) }))
  return pages.flatMap(({ stages }) => stages.map(({ stageName }) => stageName))
}

async function shownServices(project: string, stage: string): Promise<string[]> {
  const path = `${CONTROL_PLANE}/project/${project}/stage/${stage}/service`
  const pages = await readPages(edge, path, z.object({ services: z.array(serviceSchema) }))
  return pages.flatMap(({ services }) => services.map(({ serviceName }) => serviceName))
}

/** The parameters go in the order of their names, as Go writes them. */
async function shownEvents(filter: Record<string, string>): Promise<z.infer<typeof eventSchema>[]> {
  const query = new URLSearchParams(filter)
  query.sort()
  return (await readPages(edge, `${EVENTS}?${query}`, eventsSchema)).flatMap(({ events }) => events)
}

async function shownSecrets(): Promise<string[]> {
  const { Secrets } = await read(SECRET, z.object({ Secrets: z.array(z.object({ name: z.string() })) }))
  return Secrets.map(({ name }) => name)
}

/** What `--watch` shows: first everything, then what has come since. */
async function watch(keptnContext: string): Promise<string[]> {
  const project = "sockshop"
  const shown = await shownEvents({ fromTime: "0001-01-01T00:00:00.000Z", keptnContext, project })
  const fromTime = new Date(Date.now() + 1000).toISOString()
  expect(await shownEvents({ fromTime, keptnContext, project })).toEqual([])
  return shown.map(({ type }) => type)
}
