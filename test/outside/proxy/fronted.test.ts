/**
 * A whole Keptn installation behind an edge: its clients find through the edge what they would find at the installation, and
 * nothing of it is kept here. The installation is another edge, which speaks Keptn's API.
 */
import { afterAll, beforeAll, expect, test } from "vitest"
import { COLLECTION_PATHS } from "../../../src/lib/collections.ts"
import { call, createProject } from "../client.ts"
import { type StartedEdge, startEdge } from "../edge.ts"
import { endProxy } from "./edge.ts"

let installation: StartedEdge
let edge: StartedEdge

beforeAll(async () => {
  installation = await startEdge()
  const origin = `http://127.0.0.1:${installation.port}`
  const upstream = { origin, allow_plain_http: true, credential: { header: "x-token", secret: "KEPTN_TOKEN" } }
  edge = await startEdge(undefined, {
    KEPTN_TOKEN: installation.token,
    UPSTREAMS_EU: [
      ...Object.keys(COLLECTION_PATHS).map((collection) => ({ ...upstream, collection })),
      { ...upstream, prefix: "/keptn-before", strip_prefix: true, methods: ["GET"], role: "Viewer" },
    ],
  })
})

afterAll(async () => {
  for (const one of [edge, installation]) await endProxy(one)
})

/** What the edge and the installation answer to the same question. */
async function both(path: string): Promise<[unknown, unknown]> {
  return [await call(edge, "eu", "GET", path), await call(installation, "eu", "GET", path)]
}

const FILES = "/api/resource-service/v1/project/fronted/stage/dev/service/carts/resource"

test("is used through the edge, and the edge keeps nothing of it", async () => {
  await createProject(edge, "fronted", "dev", "production")
  const service = await call(edge, "eu", "POST", "/api/controlPlane/v1/project/fronted/service", {
    serviceName: "carts",
  })
  expect(service.status).toBe(200)
  const resources = [{ resourceURI: "helm/values.yaml", resourceContent: Buffer.from("a: 1\n").toString("base64") }]
  expect((await call(edge, "eu", "POST", FILES, { resources })).status).toBe(201)
  const data = { project: "fronted", stage: "dev", service: "carts" }
  const event = { type: "sh.keptn.event.dev.delivery.triggered", source: "test", data }
  expect((await call(edge, "eu", "POST", "/api/v1/event", event)).status).toBe(200)
  const secret = { name: "fronted", scope: "keptn-default", data: { key: "value" } }
  expect((await call(edge, "eu", "POST", "/api/secrets/v1/secret", secret)).status).toBe(201)

  const questions = [
    "/api/v1/metadata",
    "/api/controlPlane/v1/project",
    "/api/controlPlane/v1/project/fronted/stage/dev/service",
    FILES,
    `${FILES}/helm%252Fvalues.yaml`,
    `${FILES}/nowhere.yaml`,
    "/api/mongodb-datastore/event?project=fronted&pageSize=1",
    "/api/mongodb-datastore/event/type/sh.keptn.event.dev.delivery.triggered?filter=data.project:fronted",
    "/api/secrets/v1/secret",
    "/api/controlPlane/v1/project/nowhere",
  ]
  for (const question of questions) {
    const [here, there] = await both(question)
    expect(here, question).toEqual(there)
  }
  const { body } = await call(edge, "eu", "GET", `${FILES}/helm%2Fvalues.yaml`)
  expect(JSON.parse(body)).toMatchObject({ resourceContent: resources[0]?.resourceContent })
  // Of the edge's own two regions neither has it: git is never an origin's.
  expect((await call(edge, "eu", "GET", "/git/fronted.git/info/refs?service=git-upload-pack")).status).toBe(404)
  expect((await call(edge, "us", "GET", "/api/controlPlane/v1/project/fronted")).status).toBe(404)
})

test("can be read, and not written, below a prefix of its own", async () => {
  const { status, body } = await call(edge, "eu", "GET", "/keptn-before/api/controlPlane/v1/project/fronted/stage")
  expect([status, body]).toEqual([200, expect.stringContaining('"stageName":"dev"')])
  expect((await call(edge, "eu", "DELETE", "/keptn-before/api/controlPlane/v1/project/fronted")).status).toBe(405)
})

test("is told nothing of the edge's tokens: its own token opens nothing here, and the edge's nothing there", async () => {
  const crossed = [
    { ...edge, token: installation.token },
    { ...installation, token: edge.token },
  ]
  for (const one of crossed) expect((await call(one, "eu", "GET", "/api/v1/metadata")).status).toBe(401)
})
