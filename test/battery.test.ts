/**
 * What holds for every operation, whoever wrote it: who is refused, who is let in, and that its document says so. The operations
 * and the requests to them come from the documents that the Worker serves, so that a new one is tested without being named here.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { createToken } from "../src/lib/token-format.ts"
import { clientAt } from "./support/address.ts"
import { send } from "./support/client.ts"
import { documentPaths, REGIONAL_DOCUMENTS } from "./support/documents.ts"
import { isDone, storeExamples } from "./support/examples.ts"
import { type Operation, readOperations } from "./support/openapi.ts"
import { createUser, deleteUser, issueToken, joinSystemTeam, type TestRole, tokenWith } from "./support/people.ts"
import { expectUnauthenticated, isGit } from "./support/refusal.ts"

/** The project of all examples. */
const PROJECT = "sockshop"

/** What each role allows on a project, as the design has it. */
const ROLES: Record<string, string[]> = {
  Viewer: ["read"],
  Integration: ["read", "integrate"],
  Contributor: ["read", "integrate", "contribute"],
  Admin: ["read", "integrate", "contribute", "administer"],
  Creator: ["create"],
}
/** What each role allows on secrets. */
const SECRET_ROLES: Record<string, string[]> = { Viewer: ["read"], Admin: ["read", "administer"] }
const EVERY_ACTION = [...new Set(Object.values(ROLES).flat())]

/** Where the example needs more than the least that the operation asks for: it is the start of a delivery. */
const EXAMPLE_NEEDS: Record<string, string> = { sendEvent: "contribute" }
/** Where a project that is not there is no 404: Keptn answers otherwise, and its clients look for the text. */
const UNSEEN: Record<string, 400 | 500> = { createService: 500, deleteService: 500, triggerEvaluation: 400 }

/** Where a role on any project lets somebody in, but the example is about one project: what callers with roles on others meet with. */
const OF_OTHERS: Record<string, "does not see the project: 404" | "is refused with 403 for what others subscribed"> = {
  registerIntegration: "does not see the project: 404",
  createSubscription: "does not see the project: 404",
  getSubscription: "does not see the project: 404",
  putSubscription: "does not see the project: 404",
  unregisterIntegration: "is refused with 403 for what others subscribed",
}

const regional = await readOperations("eu")
const operations = [...regional, ...(await readOperations("global"))]

/** Credentials that are refused, whatever they would allow. Each holder may do everything. */
const credentials = {
  "no token": () => null,
  "a malformed token": () => "kpat_malformed",
  "an unknown token": () => createToken("kpat"),
  "an expired token": async () => issueToken(await administrator(), { expiresAt: Date.now() - 1 }),
  "a revoked token": async () => issueToken(await administrator(), { revokedAt: Date.now() - 1 }),
  "a token whose owner was deleted": async () => {
    const user = await administrator()
    await deleteUser(user)
    return issueToken(user)
  },
  "a token whose owner is inactive": async () => {
    const user = await createUser({ active: false })
    await joinSystemTeam("organization-admin", user)
    return issueToken(user)
  },
}

interface Caller {
  token: () => Promise<string>
  /** What the caller may do on the project, on others of the region, and on secrets. */
  actions: string[]
  elsewhere?: string[]
  secrets?: string[]
}

/** Who asks. */
const callers: Record<string, Caller> = {
  "without any role": { token: () => tokenWith(), actions: [] },
  "with every role, in another region": {
    token: () => tokenWith(...everyRole({ entityId: "*", entityRegion: "us" })),
    actions: [],
  },
  "with every role, on another project": {
    token: () => tokenWith(...everyRole({ entityId: "potato-head" })),
    actions: [],
    elsewhere: EVERY_ACTION,
  },
  "who may read everything": {
    token: async () => {
      const user = await createUser()
      await joinSystemTeam("organization-admin-read-only", user)
      return issueToken(user)
    },
    actions: ["read"],
    secrets: ["read"],
  },
  "who may do everything": {
    token: async () => issueToken(await administrator()),
    actions: EVERY_ACTION,
    secrets: EVERY_ACTION,
  },
  ...Object.fromEntries(
    Object.entries(ROLES).map(([roleName, actions]) => [
      `with the role ${roleName} alone`,
      { token: () => tokenWith({ roleName, entityId: PROJECT }), actions },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(SECRET_ROLES).map(([roleName, secrets]) => [
      `with the role ${roleName} on secrets alone`,
      { token: () => tokenWith({ roleName, entityTypeName: "Secrets" }), actions: [], secrets },
    ]),
  ),
  "with every role on secrets, but in another region or on one alone": {
    token: () =>
      tokenWith(
        ...everyRole({ entityTypeName: "Secrets", entityRegion: "us" }),
        ...everyRole({ entityTypeName: "Secrets", entityId: PROJECT }),
      ),
    actions: [],
  },
}

/** Whether a call has ended something that the examples speak of. */
let ended = false
/** Tokens that are used for more than one operation, by who has them: nothing that is refused changes what they may. */
const refused = { credentials: new Map<string, string | null>(), callers: new Map<string, string>() }
/** The operations whose example was answered with a success that its document tells of. */
const succeeded = new Set<string>()

beforeAll(setUp)

describe("the documents", () => {
  it("are those of every collection", async () => {
    const paths = [...(await documentPaths("eu")), ...(await documentPaths("global"))]
    for (const name of [...REGIONAL_DOCUMENTS, "identity"]) {
      expect(paths).toContain(`/api/openapi/${name}.json`)
    }
  })

  it("name every operation differently", () => {
    const names = operations.map(({ operationId }) => operationId)
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
  })

  it.each(operations.map((one): [string, Operation] => [one.operationId, one]))(
    "have examples of what %s answers that are of their own shapes",
    (_, operation) => {
      expect(operation.responseProblems()).toEqual([])
    },
  )

  it("say of every operation what it does, and not only what it requires", () => {
    const silent = operations.filter(({ description }) => description.trim().split("\n\n").length < 2)
    expect(silent.map(({ operationId }) => operationId)).toEqual([])
  })
})

describe.each(operations.map((one): [string, Operation] => [`${one.operationId}: ${one.method} ${one.path}`, one]))(
  "%s",
  (_, operation) => {
    // What a call has ended, the next one needs.
    afterEach(async () => {
      if (ended) await setUp()
      ended = false
    })

    it.each(Object.entries(credentials))("refuses %s with 401", async (name, credential) => {
      const response = await call(operation, await keptIn(refused.credentials, name, credential))
      await expectUnauthenticated(response, operation.path, name === "no token" ? "missing" : "invalid")
    })

    it.each(verdictsOn(operation))("a caller %s %s", async (name, verdict) => {
      const make = callers[name]?.token
      if (make === undefined) throw new Error(`there is no caller ${name}`)
      await check[verdict](
        operation,
        verdict === "is let in" ? await make() : await keptIn(refused.callers, name, make),
      )
    })

    if (operation.optionalQueries.length > 0) {
      it("takes the examples of its optional parameters with success", async () => {
        const query = operation.optionalQueries.join("&")
        expect((await call(operation, await administratorToken(), query)).ok).toBe(true)
      })
    }
  },
)

describe("the examples", () => {
  // Those of requests that make something are answered with 409 when it is there already: that does not count.
  it("are all answered with a success that the documents tell of", async () => {
    const token = await administratorToken()
    for (const operation of withoutSuccess()) {
      await setUp()
      await call(operation, token)
    }
    // It takes the token of an invitation, which is good for nothing else.
    expect(withoutSuccess().map(({ operationId }) => operationId)).toEqual(["activateMe"])
  })
})

/** What a caller can meet with, in the words of a test's name, and how that is recognized. */
const check = {
  "is let in": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    expect([response.status, isDone(response)]).toEqual([response.status, true])
  },
  "is refused with 403 and told the missing role": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    expect(response.status).toBe(403)
    const sentence = `missing role ${rolesWith(neededFor(operation))} on project '${PROJECT}' in region 'eu'`
    const told = isGit(operation.path) ? await response.text() : await response.json()
    expect(told).toEqual(isGit(operation.path) ? `${sentence}\n` : { code: 403, message: sentence })
  },
  "is refused with 403 and told the role that is missing everywhere": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    expect(response.status).toBe(403)
    const sentence = `missing role ${rolesWith(neededFor(operation))} on at least one project in region 'eu'`
    expect(await response.json()).toEqual({ code: 403, message: sentence })
  },
  "is refused with 403 and told the missing role on secrets": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    const roles = rolesWith(neededFor(operation), SECRET_ROLES)
    const sentence = `missing role ${roles} on secrets in region 'eu'`
    expect([response.status, await response.json()]).toEqual([403, { code: 403, message: sentence }])
  },
  "is refused with 403 and told the missing team": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    expect(response.status).toBe(403)
    const teams =
      neededFor(operation) === "read" ? "organization-admin or organization-admin-read-only" : "organization-admin"
    expect(await response.json()).toMatchObject({ status: 403, detail: `You must be in the team ${teams}` })
  },
  "is refused with 403 for what others subscribed": async (operation: Operation, token: string) => {
    const response = await call(operation, token)
    expect(response.status).toBe(403)
    expect(await response.text()).toContain("projects on which you may not report")
  },
  "does not see the project: 400": (operation: Operation, token: string) => expectUnseen(400, operation, token),
  "does not see the project: 404": (operation: Operation, token: string) => expectUnseen(404, operation, token),
  "does not see the project: 500": (operation: Operation, token: string) => expectUnseen(500, operation, token),
  "is shown the project with 200": async (operation: Operation, token: string) => {
    expect(Math.max(...(await entriesShown(operation, token)))).toBeGreaterThan(0)
  },
  "is shown an empty list with 200": async (operation: Operation, token: string) => {
    expect(new Set(await entriesShown(operation, token))).toEqual(new Set([0]))
  },
}

/** What every caller meets with at an operation, by what the operation declares. */
function verdictsOn(operation: Operation): [caller: string, verdict: keyof typeof check][] {
  const { requires } = operation
  return Object.entries(callers).map(([name, { actions, elsewhere = [], secrets = [] }]) => {
    if (requires.on === "token") return [name, "is let in"]
    if (requires.on === "secrets") {
      const admitted = secrets.includes(requires.action)
      return [name, admitted ? "is let in" : "is refused with 403 and told the missing role on secrets"]
    }
    if (requires.on === "organization" || requires.on === "self") {
      const member =
        name === "who may do everything" || (name === "who may read everything" && requires.action === "read")
      return [name, member ? "is let in" : "is refused with 403 and told the missing team"]
    }
    if (requires.on === "any-project") {
      const others = OF_OTHERS[operation.operationId]
      const isOnOthers = !actions.includes(neededFor(operation)) && elsewhere.includes(neededFor(operation))
      if (others !== undefined && isOnOthers) return [name, others]
      const somewhere = [...actions, ...elsewhere].includes(neededFor(operation))
      return [name, somewhere ? "is let in" : "is refused with 403 and told the role that is missing everywhere"]
    }
    const allowed = actions.includes(neededFor(operation))
    if (requires.on === "projects") {
      return [name, allowed ? "is shown the project with 200" : "is shown an empty list with 200"]
    }
    if (allowed) return [name, "is let in"]
    const visible = actions.includes("read") || requires.action === "create"
    if (visible) return [name, "is refused with 403 and told the missing role"]
    return [name, `does not see the project: ${UNSEEN[operation.operationId] ?? 404}`]
  })
}

/** What is kept under a name; made when it is first asked for. */
async function keptIn<Kept>(map: Map<string, Kept>, name: string, make: () => Kept | Promise<Kept>): Promise<Kept> {
  const found = map.get(name)
  if (found !== undefined) return found
  const made = await make()
  map.set(name, made)
  return made
}

async function expectUnseen(status: number, operation: Operation, token: string): Promise<void> {
  const response = await call(operation, token)
  expect(response.status).toBe(status)
  expect(await response.text()).not.toContain("role")
}

/** The operations whose example has not met with success yet. */
function withoutSuccess(): Operation[] {
  return operations.filter(({ operationId }) => !succeeded.has(operationId))
}

/** The action that the example of an operation takes. */
function neededFor({ operationId, requires }: Operation): string {
  return EXAMPLE_NEEDS[operationId] ?? (requires.on === "token" ? "" : requires.action)
}

/** Sends what the document says, and holds the status against the document. */
async function call(operation: Operation, token: string | null, query = ""): Promise<Response> {
  const { path, headers, ...request } = operation.request()
  const address = query === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`
  const response = await send(operation.host, address, { ...request, token, headers: { ...headers, ...clientAt() } })
  expect(operation.statuses).toContain(String(response.status))
  if (response.ok && query === "") succeeded.add(operation.operationId)
  if (response.ok && (operation.method === "DELETE" || operation.path.includes("{tokenId}/"))) ended = true
  return response
}

/** Makes what the examples speak of. */
async function setUp(): Promise<void> {
  // A project that was deleted has taken the roles on it along.
  refused.callers.clear()
  const token = await administratorToken()
  await storeExamples(regional, (operation) => call(operation, token))
}

/** How many entries a list shows: as it is, and with each of its optional parameters, since some search only with one. */
async function entriesShown(operation: Operation, token: string): Promise<number[]> {
  const shown: number[] = []
  for (const query of ["", ...operation.optionalQueries]) {
    const response = await call(operation, token, query)
    expect(response.status).toBe(200)
    shown.push(entriesIn(await response.json()))
  }
  return shown
}

/** How many entries an answer has: it holds one array. */
function entriesIn(answer: unknown): number {
  const members = Object.values(z.record(z.string(), z.unknown()).parse(answer))
  const [list, ...others] = members.filter((member) => Array.isArray(member))
  expect(others).toEqual([])
  return z.array(z.unknown()).parse(list).length
}

async function administrator(): Promise<string> {
  const user = await createUser()
  await joinSystemTeam("organization-admin", user)
  return user
}

async function administratorToken(): Promise<string> {
  return issueToken(await administrator())
}

function everyRole(entity: Omit<TestRole, "roleName">): TestRole[] {
  return Object.keys(ROLES).map((roleName) => ({ roleName, ...entity }))
}

/** The roles that allow an action, as a refusal names them. */
function rolesWith(action: string, roles = ROLES): string {
  const names = Object.keys(roles).filter((role) => roles[role]?.includes(action))
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`
}
