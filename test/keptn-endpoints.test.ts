/** Every endpoint of Keptn's API, and what became of it. Each claim is held against the Worker, so that none outlives its truth. */
import { afterEach, beforeAll, describe, expect, it } from "vitest"
import { send, type TestRequest } from "./support/client.ts"
import { type Operation, readOperations } from "./support/openapi.ts"
import { eventually } from "./support/eventually.ts"

/**
 * What is claimed, and of what: the service, the method, the path, whether Keptn meant it for the public, and its purpose there.
 *
 * - `works`: it is documented, or among the paths of `UNDOCUMENTED`, and answers
 * - `blocked`: refused with 403, as Keptn's gateway refuses it
 * - `later`, `not ours`: not there, and why
 */
const TABLE = `
works | api-service | POST | /api/v1/auth | public | Check x-token; 200 empty or 401/429 (any HTTP method works through the gateway)
works | api-service | GET | /api/v1/metadata | public | Installation metadata (versions, namespace, automaticprovisioning)
works | api-service | POST | /api/v1/event | public | Publish a Keptn CloudEvent; returns keptnContext
works | api-service | POST | /api/v1/import | public | Import a zip package (services, secrets, webhooks, resources) into ?project
works | api-service | GET | /api/health | public | Liveness of api-service, no auth
works | api-service | GET | /api/swagger-ui/ | public | Swagger UI and specs, no auth
works | gateway | GET | /nginx-health | public | Gateway health, 200 OK
not ours: there is no Bridge, it leads to the docs | gateway | GET | / | public | 301 to /bridge/
works | gateway | GET | /api | public | 301 to /api/swagger-ui/
not ours: the Bridge is not part of the API | gateway | GET | /project/{rest} | public | 301 to /bridge/project/{rest} (pre-0.7 links)
not ours: the Bridge is not part of the API | gateway | GET | /trace/{rest} | public | 301 to /bridge/trace/{rest} (pre-0.7 links)
not ours: the Bridge is not part of the API | gateway | GET | /bridge/{rest} | public | Bridge web UI (not part of the API)
works | mongodb-datastore | GET | /api/mongodb-datastore/event | public | Query events (project, stage, service, keptnContext, type, source, eventID, fromTime, beforeTime, root, paging)
works | mongodb-datastore | GET | /api/mongodb-datastore/event/type/{eventType} | public | Query events of a type with filter expression, excludeInvalidated, fromTime, limit
blocked | mongodb-datastore | GET | /api/mongodb-datastore/health | internal | Health; 403 at the gateway
works | mongodb-datastore | GET | /api/mongodb-datastore/swagger-ui/swagger.yaml | public | OpenAPI spec, no auth
works | shipyard-controller | GET | /api/controlPlane/v1/project | public | List projects, paged, sorted by name
works | shipyard-controller | POST | /api/controlPlane/v1/project | public | Create project (201 empty)
works | shipyard-controller | PUT | /api/controlPlane/v1/project | public | Update project git credentials / shipyard (201 empty)
works | shipyard-controller | GET | /api/controlPlane/v1/project/{project} | public | Get project with stages and services
works | shipyard-controller | DELETE | /api/controlPlane/v1/project/{project} | public | Delete project (200 message, also if unknown)
works | shipyard-controller | POST | /api/controlPlane/v1/project/{project}/service | public | Create service in all stages (200)
works | shipyard-controller | DELETE | /api/controlPlane/v1/project/{project}/service/{service} | public | Delete service from all stages (200)
works | shipyard-controller | GET | /api/controlPlane/v1/project/{project}/stage | public | List stages, paged, sorted by name
works | shipyard-controller | GET | /api/controlPlane/v1/project/{project}/stage/{stage} | public | Get stage
works | shipyard-controller | GET | /api/controlPlane/v1/project/{project}/stage/{stage}/service | public | List services of a stage, paged
works | shipyard-controller | GET | /api/controlPlane/v1/project/{project}/stage/{stage}/service/{service} | public | Get service
works | shipyard-controller | POST | /api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}/evaluation | public | Trigger an evaluation sequence; returns keptnContext
works | shipyard-controller | GET | /api/controlPlane/v1/event/triggered/{eventType} | public | List open (unfinished) triggered events; polled by remote execution planes
later: there is no sequencer to hand it to yet | shipyard-controller | POST | /api/controlPlane/v1/event | internal | Feed an event directly to the sequencer (reachable, not documented)
later: sequences are not run yet | shipyard-controller | GET | /api/controlPlane/v1/sequence/{project} | public | List sequence states of a project
later: sequences are not run yet | shipyard-controller | POST | /api/controlPlane/v1/sequence/{project}/{keptnContext}/control | public | Pause, resume or abort a sequence
later: sequences are not run yet | shipyard-controller | GET | /api/controlPlane/v1/sequence-execution | internal | List sequence execution documents (debug; reachable)
works | shipyard-controller | GET | /api/controlPlane/v1/uniform/registration | public | List registered integrations (array)
works | shipyard-controller | POST | /api/controlPlane/v1/uniform/registration | public | Register or re-register an integration (201/200 id)
works | shipyard-controller | DELETE | /api/controlPlane/v1/uniform/registration/{integrationID} | public | Unregister an integration
works | shipyard-controller | PUT | /api/controlPlane/v1/uniform/registration/{integrationID}/ping | public | Heartbeat; returns the integration with its subscriptions
works | shipyard-controller | GET | /api/controlPlane/v1/uniform/registration/{integrationID}/subscription | public | List subscriptions
works | shipyard-controller | POST | /api/controlPlane/v1/uniform/registration/{integrationID}/subscription | public | Add subscription (201 id)
works | shipyard-controller | GET | /api/controlPlane/v1/uniform/registration/{integrationID}/subscription/{subscriptionID} | public | Get subscription
works | shipyard-controller | PUT | /api/controlPlane/v1/uniform/registration/{integrationID}/subscription/{subscriptionID} | public | Create or replace subscription (201 id)
works | shipyard-controller | DELETE | /api/controlPlane/v1/uniform/registration/{integrationID}/subscription/{subscriptionID} | public | Delete subscription
works | shipyard-controller | GET | /api/controlPlane/v1/log | public | Query integration error logs
works | shipyard-controller | POST | /api/controlPlane/v1/log | public | Store integration error logs
blocked | shipyard-controller | DELETE | /api/controlPlane/v1/log | internal | Delete logs; 403 at the gateway
works | shipyard-controller | GET | /api/controlPlane/health | internal | Health (behind gateway auth)
works | shipyard-controller | GET | /api/controlPlane/swagger-ui/swagger.yaml | public | OpenAPI spec (stale), no auth
works | secret-service | POST | /api/secrets/v1/secret | public | Create secret (201 echo)
works | secret-service | PUT | /api/secrets/v1/secret | public | Replace secret data (200 echo)
works | secret-service | DELETE | /api/secrets/v1/secret | public | Delete secret by ?name&scope
works | secret-service | GET | /api/secrets/v1/secret | public | List secrets with key names: {"Secrets":[]}
works | secret-service | GET | /api/secrets/v1/scope | public | List secret scopes
works | secret-service | GET | /api/secrets/health | internal | Health (behind gateway auth)
works | secret-service | GET | /api/secrets/swagger-ui/swagger.yaml | public | OpenAPI spec, no auth
works | statistics-service | GET | /api/statistics/v1/statistics | public | Event and sequence counts between ?from and ?to (unix s)
blocked | statistics-service | POST | /api/statistics/v1/event | internal | Ingest an event; 403 at the gateway
works | statistics-service | GET | /api/statistics/health | internal | Health (behind gateway auth)
works | statistics-service | GET | /api/statistics/swagger-ui/swagger.yaml | public | OpenAPI spec, no auth
works | resource-service | GET | /api/resource-service/v1/project/{project}/resource | public | List project resources (names only), paged
works | resource-service | POST | /api/resource-service/v1/project/{project}/resource | public | Create or overwrite project resources (201)
works | resource-service | PUT | /api/resource-service/v1/project/{project}/resource | public | Update project resources (200)
works | resource-service | GET | /api/resource-service/v1/project/{project}/resource/{resourceURI} | public | Get project resource, optional ?gitCommitID
works | resource-service | PUT | /api/resource-service/v1/project/{project}/resource/{resourceURI} | public | Create or update one project resource
works | resource-service | DELETE | /api/resource-service/v1/project/{project}/resource/{resourceURI} | public | Delete one project resource (200)
works | resource-service | GET | /api/resource-service/v1/project/{project}/stage/{stage}/resource | public | List stage resources (names only), paged
works | resource-service | POST | /api/resource-service/v1/project/{project}/stage/{stage}/resource | public | Create or overwrite stage resources (201)
works | resource-service | PUT | /api/resource-service/v1/project/{project}/stage/{stage}/resource | public | Update stage resources (200)
works | resource-service | GET | /api/resource-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Get stage resource, optional ?gitCommitID
works | resource-service | PUT | /api/resource-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Create or update one stage resource
works | resource-service | DELETE | /api/resource-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Delete one stage resource (200)
works | resource-service | GET | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | List service resources (names only), paged
works | resource-service | POST | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | Create or overwrite service resources (201)
works | resource-service | PUT | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | Update service resources (200)
works | resource-service | GET | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Get service resource, optional ?gitCommitID
works | resource-service | PUT | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Create or update one service resource
works | resource-service | DELETE | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Delete one service resource (200)
blocked | resource-service | POST | /api/resource-service/v1/project | internal | Initialise project repository; 403 at the gateway
blocked | resource-service | PUT | /api/resource-service/v1/project/{project} | internal | Update project upstream; 403 at the gateway
blocked | resource-service | DELETE | /api/resource-service/v1/project/{project} | internal | Delete local project repository; 403 at the gateway
blocked | resource-service | POST | /api/resource-service/v1/project/{project}/stage | internal | Create stage branch; 403 at the gateway
blocked | resource-service | POST | /api/resource-service/v1/project/{project}/stage/{stage}/service | internal | Create service directory; 403 at the gateway
blocked | resource-service | DELETE | /api/resource-service/v1/project/{project}/stage/{stage}/service/{service} | internal | Delete service directory; 403 at the gateway
works | resource-service | GET | /api/resource-service/health | internal | Health (behind gateway auth)
works | resource-service | GET | /api/resource-service/swagger-ui/swagger.yaml | public | OpenAPI spec, no auth
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | POST | /api/configuration-service/v1/project/{project}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | DELETE | /api/configuration-service/v1/project/{project}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/stage/{stage}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | POST | /api/configuration-service/v1/project/{project}/stage/{stage}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/stage/{stage}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | DELETE | /api/configuration-service/v1/project/{project}/stage/{stage}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | POST | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | GET | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | PUT | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
works | configuration-service | DELETE | /api/configuration-service/v1/project/{project}/stage/{stage}/service/{service}/resource/{resourceURI} | public | Removed in 0.19; same as resource-service, offer as alias for old clients
`

/** What answers and is in no document: it is not part of the API, or tells of it. */
const UNDOCUMENTED = [
  "/nginx-health",
  "/api",
  "/api/health",
  "/api/controlPlane/health",
  "/api/secrets/health",
  "/api/statistics/health",
  "/api/resource-service/health",
  "/api/swagger-ui/",
  "/api/mongodb-datastore/swagger-ui/swagger.yaml",
  "/api/controlPlane/swagger-ui/swagger.yaml",
  "/api/secrets/swagger-ui/swagger.yaml",
  "/api/statistics/swagger-ui/swagger.yaml",
  "/api/resource-service/swagger-ui/swagger.yaml",
]

interface Row {
  claim: string
  method: string
  path: string
}

const rows = TABLE.trim()
  .split("\n")
  .map((line): Row => {
    const [claim = "", , method = "", path = ""] = line.split(" | ")
    return { claim, method, path }
  })
const operations = await readOperations("eu")

beforeAll(setUp)

it("is about every endpoint once, and gives a reason where one is not there", () => {
  const names = rows.map(({ method, path }) => `${method} ${path}`)
  expect(names).toHaveLength(102)
  expect(new Set(names).size).toBe(102)
  for (const { claim } of rows) expect(claim).toMatch(/^(works|blocked|(later|not ours): \w.+)$/)
})

describe("works:", () => {
  // What these end, the next call of them needs.
  afterEach(async ({ task }) => {
    if (task.name.startsWith("DELETE")) await setUp()
  })

  it.each(claimed("works"))("%s", async (_, row) => {
    const response = await send("eu", ...requestTo(row))
    if (response.ok || (row.method === "POST" && isThere(response))) return
    expect.fail(`${response.status} ${await response.text()}`)
  })
})

describe("blocked:", () => {
  it.each(claimed("blocked"))("%s", async (_, { method, path }) => {
    for (const request of [{ method }, { method, token: null }]) {
      expect((await send("eu", filled(path), request)).status).toBe(403)
    }
  })
})

describe.each(["later", "not ours"])("%s:", (claim) => {
  it.each(claimed(claim))("%s", async (_, row) => {
    expect(operationOf(row)).toBeUndefined()
    const response = await send("eu", filled(row.path), { method: row.method })
    if (row.path === "/") expect(new URL(response.url).pathname).toBe("/api")
    else expect([404, 405]).toContain(response.status)
  })
})

function claimed(claim: string): [string, Row][] {
  return rows.filter((row) => row.claim.split(":")[0] === claim).map((row) => [nameOf(row), row])
}

function nameOf({ method, path }: Row): string {
  return `${method} ${path}`
}

/** The operation in the documents; what its parameters are called does not matter. */
function operationOf({ method, path }: Row): Operation | undefined {
  return operations.find((operation) => operation.method === method && shape(operation.path) === shape(path))
}

function shape(path: string): string {
  return path.replaceAll(/\{\w+\}/g, "{}")
}

/** The request of the document, or that to a path that is known to be in none. */
function requestTo(row: Row): [path: string, request: TestRequest] {
  const operation = operationOf(row)
  if (operation) {
    const { path, ...request } = operation.request()
    return [path, request]
  }
  if (!UNDOCUMENTED.includes(row.path)) throw new Error(`${nameOf(row)} is in no document`)
  return [row.path, { method: row.method }]
}

/** The path with a name in place of each parameter. */
function filled(path: string): string {
  return path.replaceAll(/\{\w+\}/g, "sockshop")
}

/** A name can be used again once the deletion of its project is through; any other conflict is with what is there already. */
function isThere(response: Response): boolean {
  return response.status === 409 && !response.headers.has("retry-after")
}

/** Makes what the examples speak of: everything that can be written is written. What needs another to be there comes again. */
async function setUp(): Promise<void> {
  let open = operations.filter(({ method }) => method === "POST" || method === "PUT")
  const writeAll = async () => {
    const failed: Operation[] = []
    const texts: string[] = []
    for (const operation of open) {
      const { path, ...request } = operation.request()
      const response = await send("eu", path, request)
      if (response.ok || isThere(response)) continue
      failed.push(operation)
      texts.push(`${operation.operationId}: ${response.status} ${await response.text()}`)
    }
    open = failed
    expect(texts).toEqual([])
  }
  await eventually(writeAll)
}
