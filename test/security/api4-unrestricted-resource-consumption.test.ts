/**
 * OWASP API4:2023. What costs much to read is refused, or read in time that grows with its length alone. Nothing here measures time: what
 * a square of the length would take does not end before the test does.
 */
import { beforeAll, describe, expect, it } from "vitest"
import { base64, createProject, send, shipyard, type TestRequest } from "../support/client.ts"
import { postEvent, sampleEvent } from "../support/events.ts"
import { writeFiles } from "../support/keptn.ts"
import { postPackage } from "../support/packages.ts"
import { createUser, issueToken } from "../support/people.ts"
import { postProject, projectsPath } from "../support/projects.ts"
import { postSecret, secretPath } from "../support/secrets.ts"
import { postRegistration, registrationPath, sampleRegistration } from "../support/uniform.ts"

const RESOURCES = "/api/resource-service/v1/project/target"
const EVENTS = "/api/mongodb-datastore/event"

/** A megabyte, or as much of one as a shipyard may have. */
const MEGABYTE = 1_000_000

beforeAll(() => createProject("eu", "target", "dev"))

/** Arrays in arrays, as text: what parses JSON by recursion does not survive it. */
function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth)
}

function projectWith(text: string, request: TestRequest = {}): Promise<Response> {
  return postProject({ name: `p-${crypto.randomUUID()}`, shipyard: base64(text) }, request)
}

describe("a shipyard that is YAML made to be slow", () => {
  const stages = shipyard("dev")

  it.each([
    ["an alias bomb of ten to the ninth texts", `${stages}\n${bomb()}`],
    ["more aliases than anybody needs", `${stages}\na: &a x\nb: [${Array(101).fill("*a").join(", ")}]`],
    ["an alias to itself", `${stages}\na: &a [*a`],
    ["arrays in arrays, too deep for any stack", `${stages}\na: ${"[".repeat(MEGABYTE / 2)}`],
    ["lists in lists, too deep for any stack", "- ".repeat(MEGABYTE / 4)],
    ["300,000 tags on one node", "!a ".repeat(300_000)],
    ["a key twice", `${stages}\na: 1\na: 2`],
    ["a key that is another alias", "? *a\n: b"],
  ])("is refused with 400: %s", async (_, text) => {
    expect((await projectWith(text)).status).toBe(400)
  })

  it("with 90,000 keys is read: they are not compared with each other", async () => {
    const keys = Array.from({ length: 90_000 }, (_, n) => `  k${n}: `).join("\n")
    expect((await projectWith(`${stages}\nextra:\n${keys}`)).status).toBe(201)
  })

  it("with 99 aliases of a text is taken: 201", async () => {
    expect((await projectWith(`${stages}\na: &a x\nb: [${Array(99).fill("*a").join(", ")}]`)).status).toBe(201)
  })
})

describe("a manifest that is YAML made to be slow", () => {
  it.each([
    ["an alias bomb", `tasks: []\n${bomb()}`],
    ["lists in lists", "- ".repeat(100_000)],
    ["a key twice", "tasks: []\ntasks: []"],
  ])("is refused with 400: %s", async (_, text) => {
    expect((await postPackage("target", { "manifest.yaml": text })).status).toBe(400)
  })
})

describe("a text that a pattern would search again from each of its characters", () => {
  it("as the proxy of git credentials is taken as it is: 201", async () => {
    const gitCredentials = {
      remoteURL: "https://git.example.com/a.git",
      https: { token: "t", proxy: { url: ":".repeat(MEGABYTE / 2) } },
    }
    const json = { name: "colons", shipyard: base64(shipyard("dev")), gitCredentials }
    expect((await postProject(json)).status).toBe(201)
  })

  it.each(["1".repeat(MEGABYTE), "1.".repeat(MEGABYTE / 2), "1h".repeat(MEGABYTE / 2)])(
    "as the timeframe of an evaluation is refused with 400 (%#)",
    async (timeframe) => {
      const path = `${projectsPath}/target/stage/dev/service/carts/evaluation`
      expect((await send("eu", path, { json: { timeframe } })).status).toBe(400)
    },
  )

  it.each([
    ["times", { start: "2".repeat(MEGABYTE), end: "2".repeat(MEGABYTE) }],
    ["labels that are no texts", { labels: { a: nested(10), b: 1 } }],
  ])("as %s of an evaluation is refused with 400", async (_, json) => {
    const path = `${projectsPath}/target/stage/dev/service/carts/evaluation`
    expect((await send("eu", path, { json })).status).toBe(400)
  })

  it("as the name of a project is refused with 400", async () => {
    const json = { name: `a${"-".repeat(MEGABYTE)}`, shipyard: base64(shipyard("dev")) }
    expect((await postProject(json)).status).toBe(400)
  })
})

describe("a body that is nested deeper than any stack", () => {
  const bodies: [string, string, string, number][] = [
    ["eu", "/api/v1/event", `{"type":"t","source":"s","data":{"a":${nested(200_000)}}}`, 400],
    ["eu", "/api/v1/event", `{"type":"t","source":"s","data":{},"extensions":${nested(200_000)}}`, 400],
    ["eu", "/api/v1/event", nested(200_000), 400],
    ["eu", projectsPath, `{"name":"deep","gitCredentials":${nested(200_000)}}`, 400],
    ["eu", `${projectsPath}/target/service`, `{"serviceName":${nested(200_000)}}`, 400],
    ["eu", registrationPath, `{"name":"n","metadata":${nested(200_000)}}`, 400],
    ["eu", "/api/controlPlane/v1/log", `{"logs":[{"message":${nested(200_000)}}]}`, 400],
    ["eu", secretPath, `{"name":"deep","data":${nested(200_000)}}`, 400],
    ["eu", `${RESOURCES}/resource`, `{"resources":${nested(200_000)}}`, 400],
    ["global", "/v3/teams", `{"name":"deep","labels":${nested(200_000)}}`, 400],
    ["global", "/v3/system-accounts", `{"name":${nested(200_000)}}`, 400],
  ]
  it.each(bodies)("on %s %s is refused (%#)", async (label, path, body, status) => {
    const headers = { "content-type": "application/json" }
    expect((await send(label, path, { body, headers })).status).toBe(status)
  })

  it("is taken where what is nested is dropped: the registration of an integration, 201", async () => {
    const body = JSON.stringify(sampleRegistration()).replace(/}$/, `,"unknown":${nested(200_000)}}`)
    expect((await send("eu", registrationPath, { body })).status).toBe(201)
  })
})

describe("a body of more members than anybody needs", () => {
  /** An object with as many members as a request can carry. */
  const members = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`k${n}`, 0]))

  it("meets with an answer that is shorter than itself, and tells of a hundred of its mistakes", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    const path = `/v3/users/${user}/access-tokens`
    const response = await send("global", path, { token, json: { name: "n", ttl_seconds: 60, ...members } })
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text.length).toBeLessThan(JSON.stringify(members).length / 10)
    expect(text.match(/unknown_property/g)).toHaveLength(100)
  })

  it.each([
    ["a project", projectsPath],
    ["a project's credentials", projectsPath],
  ])("is refused with 400 for %s, whose answer is short", async (what, path) => {
    const json = what === "a project" ? members : { name: "many", gitCredentials: members }
    const response = await send("eu", path, { json })
    expect([response.status, (await response.text()).length < 1000]).toEqual([400, true])
  })

  it.each([
    ["values of a secret", 400, () => postSecret({ name: "many", data: members })],
    [
      "resources",
      400,
      () =>
        writeFiles({ project: "target" }, Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`f${n}`, ""]))),
    ],
    ["subscriptions", 400, () => postRegistration(sampleRegistration({ events: Array(20_000).fill("e") }))],
    [
      "log entries",
      400,
      () => send("eu", "/api/controlPlane/v1/log", { json: { logs: Array.from({ length: 20_000 }, () => ({})) } }),
    ],
    [
      "more than a thousand stages",
      400,
      () => projectWith(shipyard(...Array.from({ length: 1001 }, (_, n) => `s${n}`))),
    ],
    [
      "events of a batch",
      422,
      () =>
        send("eu", "/api/v1/event", {
          body: JSON.stringify(Array(20_000).fill(sampleEvent())),
          headers: { "content-type": "application/cloudevents-batch+json" },
        }),
    ],
  ])("as %s is refused with %i", async (_, status, request) => {
    expect((await request()).status).toBe(status)
  })
})

describe("a text that is longer than anybody needs", () => {
  const long = "x".repeat(900_000)
  const cases: [string, number[], () => Promise<Response>][] = [
    ["the name of a stage", [400], () => projectWith(shipyard(long))],
    ["the name of a stage of a thousand letters", [400], () => projectWith(shipyard("x".repeat(1000)))],
    [
      "the name of a service",
      [400],
      () => send("eu", `${projectsPath}/target/service`, { json: { serviceName: long } }),
    ],
    ["the type of an event", [200], () => postEvent(sampleEvent({ type: long }))],
    ["the source of an event", [200], () => postEvent(sampleEvent({ source: long }))],
    ["the context of an event", [200], () => postEvent(sampleEvent({ shkeptncontext: long }))],
    ["the triggeredid of an event", [200], () => postEvent(sampleEvent({ triggeredid: long }))],
    ["the project of an event", [200], () => postEvent(sampleEvent({ data: { project: long } }))],
    [
      "the service of an event",
      [200],
      () => postEvent(sampleEvent({ data: { project: "target", stage: "dev", service: long } })),
    ],
    ["a value of a secret", [201], () => postSecret({ name: "long", data: { a: long } })],
    ["the name of a file", [400], () => writeFiles({ project: "target" }, { [long]: "" })],
    ["the path of a file", [400], () => writeFiles({ project: "target" }, { ["a/".repeat(MEGABYTE / 2) + "b"]: "" })],
    ["the name of a team", [400], () => send("global", "/v3/teams", { json: { name: long } })],
    [
      "an address to invite",
      [400],
      () => send("global", "/v3/invites", { json: { email: `${"a-".repeat(MEGABYTE / 4)}@x` } }),
    ],
  ]
  it.each(cases)("as %s is answered with one of %j", async (_, allowed, request) => {
    expect(allowed).toContain((await request()).status)
  })
})

describe("a query that asks for more than there can be", () => {
  const deep = "a.".repeat(3000)
  const cases: [string, string, number][] = [
    ["eu", `${projectsPath}?pageSize=999999999&nextPageKey=999999999999999`, 200],
    ["eu", `${projectsPath}?pageSize=9999999999`, 400],
    ["eu", `${projectsPath}?pageSize=-999999999`, 200],
    ["eu", `${EVENTS}?project=target&pageSize=99999999999999999999`, 422],
    ["eu", `${EVENTS}?project=target&nextPageKey=after-999999999999999-999999999999999`, 200],
    ["eu", `${EVENTS}?project=target&nextPageKey=999999999`, 422],
    ["eu", `${EVENTS}/type/t?filter=${encodeURIComponent(`data.project:target AND ${deep}:x`)}`, 200],
    ["eu", `${EVENTS}/type/t?filter=data.project:${"x,".repeat(4000)}`, 200],
    ["eu", `${EVENTS}/type/t?filter=data.project:x${encodeURIComponent(" AND a:b".repeat(100))}`, 400],
    ["eu", `${EVENTS}/type/t?filter=data.project:x&limit=99999999999999999999`, 422],
    ["eu", `${RESOURCES}/resource?pageSize=999999999&nextPageKey=${"9".repeat(400)}`, 200],
    ["eu", `${RESOURCES}/commit?path=${"/".repeat(8000)}x`, 200],
    ["eu", `${RESOURCES}/commit?pageSize=999999999`, 400],
    ["eu", `${RESOURCES}/resource/${"a/".repeat(4000)}b`, 400],
    ["eu", `/api/statistics/v1/statistics?from=0&to=99999999999999999999`, 400],
    ["eu", `/api/statistics/v1/statistics?from=-1&to=8640000000000`, 400],
    ["eu", `/api/controlPlane/v1/log?pageSize=999999999999999&nextPageKey=999999999999999`, 200],
    ["eu", `/api/controlPlane/v1/log?pageSize=9999999999999999`, 400],
    ["eu", `/api/controlPlane/v1/log?fromTime=${"2".repeat(8000)}`, 404],
    ["eu", `${registrationPath}?name=${"x".repeat(8000)}`, 200],
    ["eu", `${secretPath}?name=${"x".repeat(8000)}`, 200],
    ["global", "/v3/users?page[size]=1001", 400],
    ["global", "/v3/users?page[size]=1000&page[number]=1000000", 200],
    ["global", "/v3/users?page[number]=1000001", 400],
    ["global", `/v3/users?filter[email][ocontains]=${"a,".repeat(4000)}`, 200],
    ["global", `/v3/users?filter[email][contains]=${"%25_".repeat(1000)}`, 200],
    ["global", `/v3/users?${"filter[email][contains]=a&".repeat(300)}`, 400],
    ["global", `/v3/users?sort=${"email,".repeat(1000)}email`, 400],
    ["global", `/v3/users?${"filter[x]=a&".repeat(600)}`, 400],
    ["global", `/v3/teams?filter[labels.${encodeURIComponent('a"b')}]=x`, 200],
    ["global", `/v3/teams?filter[labels.${"a.".repeat(2000)}]=x`, 200],
    ["global", `/v3/teams?filter[labels.${encodeURIComponent("\u0000\\")}]=x`, 200],
    ["global", "/v3/audit-log?filter[time][gt]=%2B275760-09-13T00:00:00.000Z", 200],
  ]
  it.each(
    cases.map(([label, path, status]) => ({ label, path, status, shown: path.slice(0, 90), length: path.length })),
  )("on $label: $shown… ($length characters) with $status", async ({ label, path, status }) => {
    const response = await send(label, path)
    const text = await response.text()
    expect([response.status, text]).toEqual([status, expect.not.stringMatching(/internal server error/i)])
  })
})

/** Nine lists of nine of the ones before. */
function bomb(): string {
  const names = "abcdefghij".split("")
  return names
    .map(
      (name, index) =>
        `${name}: &${name} [${Array(9)
          .fill(index === 0 ? "x" : `*${names[index - 1]}`)
          .join(", ")}]`,
    )
    .join("\n")
}
