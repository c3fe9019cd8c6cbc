import { beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createToken } from "../../src/lib/token-format.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import { createProject, send, storageCounts, type TestRequest } from "../support/client.ts"
import { askEvents, postEvent, sampleEvent } from "../support/events.ts"
import {
  commitFiles,
  newService,
  putFile,
  putRaw,
  readFile,
  readRaw,
  removeFile,
  resourcePath,
  writeFiles,
} from "../support/keptn.ts"
import { knownToken } from "../support/known.ts"
import { tokenWith } from "../support/people.ts"
import { postService, projectsPath } from "../support/projects.ts"
import { clientAt } from "../support/address.ts"
import { env } from "cloudflare:workers"
import { eventually } from "../support/eventually.ts"

const project = "budgets"
const places = [{ project }, { project, stage: "dev" }, { project, stage: "dev", service: "carts" }]
let commit = ""

beforeAll(async () => {
  await createProject("eu", project, "dev", "prod")
  await newService(project, "carts")
  const files = { "a.txt": "a", "large.bin": new Uint8Array(2_000_000) }
  for (const place of places) commit = await commitFiles(place, files)
})

/** Who asks: somebody whom the isolate knows. */
let caller: TestRequest = {}

beforeEach(async () => {
  caller = { token: await knownToken() }
})

const raw = { accept: "application/octet-stream" }
const path = (place: Parameters<typeof resourcePath>[0], tail: string) => `${resourcePath(place)}${tail}`

/** Requests that only read, with the trips that they may take, and their status where it is not 200. */
const reads: { what: string; trips: number; path: () => string; request?: TestRequest; status?: number }[] = [
  { what: "health", trips: 0, path: () => "/health", request: { token: null } },
  { what: "Keptn's health", trips: 0, path: () => "/nginx-health", request: { token: null } },
  { what: "the docs page", trips: 0, path: () => "/api", request: { token: null } },
  { what: "a document", trips: 0, path: () => "/api/openapi/api-service.json", request: { token: null } },
  { what: "a token's check", trips: 0, path: () => "/api/v1/auth" },
  { what: "metadata", trips: 0, path: () => "/api/v1/metadata" },
  { what: "a path that is not there", trips: 0, status: 404, path: () => "/api/v1/nowhere" },
  {
    what: "a method that is not allowed",
    trips: 0,
    status: 405,
    path: () => "/api/v1/metadata",
    request: { method: "DELETE" },
  },
  { what: "the list of projects", trips: 1, path: () => projectsPath },
  { what: "a project", trips: 1, path: () => `${projectsPath}/${project}` },
  { what: "a project that is not there", trips: 1, status: 404, path: () => `${projectsPath}/nowhere` },
  { what: "the list of stages", trips: 1, path: () => `${projectsPath}/${project}/stage` },
  ...places.flatMap((place, depth) => [
    { what: `a list of files, depth ${depth}`, trips: 1, path: () => path(place, "") },
    {
      what: `a list of files that the caller has, depth ${depth}`,
      trips: 1,
      status: 304,
      path: () => path(place, ""),
      request: { headers: { "if-none-match": "*" } },
    },
    { what: `a file, depth ${depth}`, trips: 2, path: () => path(place, "/a.txt") },
    { what: `a large file, depth ${depth}`, trips: 2, path: () => path(place, "/large.bin") },
    ...["a.txt", "large.bin"].flatMap((name) => [
      {
        what: `${name} as it is, depth ${depth}`,
        trips: 2,
        path: () => path(place, `/${name}`),
        request: { headers: raw },
      },
      {
        what: `a part of ${name}, depth ${depth}`,
        trips: 2,
        status: 206,
        path: () => path(place, `/${name}`),
        request: { headers: { ...raw, range: "bytes=0-0" } },
      },
      {
        what: `HEAD of ${name}, depth ${depth}`,
        trips: 1,
        path: () => path(place, `/${name}`),
        request: { method: "HEAD", headers: raw },
      },
    ]),
    {
      what: `a part that a file does not have, depth ${depth}`,
      trips: 1,
      status: 416,
      path: () => path(place, "/a.txt"),
      request: { headers: { ...raw, range: "bytes=9-" } },
    },
    {
      what: `a file as of a commit, depth ${depth}`,
      trips: 2,
      path: () => path(place, `/a.txt?gitCommitID=${commit}`),
    },
    { what: `a file that is not there, depth ${depth}`, trips: 1, status: 404, path: () => path(place, "/none.txt") },
    {
      what: `a file that the caller has, depth ${depth}`,
      trips: 1,
      status: 304,
      path: () => path(place, "/a.txt"),
      request: { headers: { "if-none-match": "*" } },
    },
  ]),
  { what: "a name that no file has", trips: 0, status: 400, path: () => path({ project }, "/a~b") },
  { what: "a page of events", trips: 1, path: () => `/api/mongodb-datastore/event?project=${project}` },
  { what: "a wrong query for events", trips: 0, status: 422, path: () => "/api/mongodb-datastore/event?pageSize=0" },
  { what: "the caller's organization", trips: 1, path: () => "/v3/organizations/me" },
]

describe("storage trips of what only reads", () => {
  it.each(reads)("$what: $trips", async ({ trips, path: of, request, status = 200 }) => {
    const response = await send("eu", of(), { ...caller, ...request })
    expect(response.status).toBe(status)
    expect(storageCounts(response).trips).toBe(trips)
  })

  it.each(reads.filter(({ request }) => request?.token !== null))(
    "$what, when the isolate does not know the token: one more",
    async ({ trips, path: of, request }) => {
      const stranger = { ...request, token: await tokenWith({ roleName: "Admin", entityRegion: "*" }) }
      expect(storageCounts(await send("eu", of(), stranger)).trips).toBe(trips + 1)
      expect(storageCounts(await send("eu", of(), stranger)).trips).toBe(trips)
    },
  )
})

describe("storage trips of a request without a good token", () => {
  it.each([
    { what: "no token", trips: 0, token: null },
    { what: "a broken one", trips: 0, token: `${createToken("kpat").slice(0, -1)}!` },
    { what: "one with a wrong checksum", trips: 0, token: `kpat_${"0".repeat(36)}` },
    { what: "one that nobody has", trips: 1, token: createToken("kpat") },
  ])("$what: $trips", async ({ token, trips }) => {
    const response = await send("eu", projectsPath, { token, headers: clientAt() })
    expect(response.status).toBe(401)
    expect(storageCounts(response).trips).toBe(trips)
  })
})

describe("storage trips of what writes", () => {
  it("sending an event: 1", async () => {
    const response = await postEvent(sampleEvent({ data: { project, stage: "dev", service: "carts" } }), caller)
    expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
  })

  it.each([1, 2, 60])("writing %i files: 2", async (count) => {
    for (const [depth, place] of places.entries()) {
      const names = Array.from({ length: count }, (_, index) => `written/${count}/${index}.txt`)
      const files = Object.fromEntries(names.map((name) => [name, `${depth} ${name}`]))
      const response = await writeFiles(place, files, caller)
      expect(response.status).toBe(201)
      expect(storageCounts(response)).toMatchObject({ trips: 2, d1: 2, r2: count, kv: 0 })
      // The same once more: there is no commit to make, but what stands there is looked at.
      const again = storageCounts(await writeFiles(place, files, caller))
      expect(again).toMatchObject({ trips: 2, d1: 1, r2: 2 * count, kv: 0 })
    }
  })

  it("writing one file, as JSON or as it is: 2, also when it stands there already", async () => {
    for (const [depth, place] of places.entries()) {
      for (const write of [
        () => putFile(place, "put/json.txt", `json ${depth}`, caller),
        () => putRaw(place, "put/raw.txt", utf8(`raw ${depth}`), caller),
      ]) {
        expect(storageCounts(await write())).toMatchObject({ trips: 2, d1: 2, r2: 1, kv: 0 })
        expect(storageCounts(await write())).toMatchObject({ trips: 2, d1: 1, r2: 2, kv: 0 })
      }
    }
  })

  it("uploading a large file, which goes to the bucket under another name first: 6", async () => {
    for (const [depth, place] of places.entries()) {
      const response = await putRaw(place, "put/large.bin", new Uint8Array(1_500_000).fill(depth + 1), caller)
      expect(response.status).toBe(200)
      expect(storageCounts(response)).toMatchObject({ trips: 6, d1: 3, r2: 4, kv: 0 })
    }
  })

  it("deleting a file: 2, and 1 when it is not there", async () => {
    for (const place of places) {
      await commitFiles(place, { "deleted/a.txt": "a" })
      const response = await removeFile(place, "deleted/a.txt", caller)
      expect(response.status).toBe(200)
      expect(storageCounts(response)).toMatchObject({ trips: 2, d1: 2, r2: 0, kv: 0 })
      const again = await removeFile(place, "deleted/a.txt", caller)
      expect(again.status).toBe(404)
      expect(storageCounts(again)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
    }
  })

  it("a write whose condition fails: 1, and 2 where its bytes stand already", async () => {
    const conditional = { ...caller, headers: { "if-match": '"other"' } }
    for (const place of places) {
      for (const write of [
        (content: string) => writeFiles(place, { "a.txt": content }, conditional),
        (content: string) => putFile(place, "a.txt", content, conditional),
        (content: string) => putRaw(place, "a.txt", utf8(content), conditional),
      ]) {
        const content = crypto.randomUUID()
        // The bytes are on their way while the condition is looked at.
        for (const counts of [
          { trips: 1, d1: 1, r2: 1, kv: 0 },
          { trips: 2, d1: 1, r2: 2, kv: 0 },
        ]) {
          const response = await write(content)
          expect(response.status).toBe(412)
          expect(storageCounts(response)).toMatchObject(counts)
        }
      }
      for (const write of [
        () => removeFile(place, "a.txt", conditional),
        () => putRaw(place, "a.txt", new Uint8Array(1_500_000), conditional),
      ]) {
        const response = await write()
        expect(response.status).toBe(412)
        expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
      }
    }
  })

  it("a write that is refused for its form: 0", async () => {
    const response = await writeFiles({ project }, { "a..b": "" }, caller)
    expect(storageCounts(response).trips).toBe(0)
  })

  it("creating a service, in any number of stages: 3", async () => {
    expect(storageCounts(await postService(project, { serviceName: "orders" }, caller)).trips).toBe(3)
  })
})

describe("reading a file", () => {
  it("asks KV and R2 at once: no more trips when KV is cold than when it has the file", async () => {
    const place = { project, stage: "prod" }
    await commitFiles(place, { "cached.txt": "cached" })
    const cold = await readFile(place, "cached.txt", caller)
    expect(storageCounts(cold)).toMatchObject({ trips: 2, d1: 1, r2: 1, kv: 1 })
    const key = `projects/${project}/blobs/${cold.headers.get("etag")?.replaceAll('"', "")}`
    await eventually(async () => expect(await env.CACHE_EU.get(key)).toBe("cached"))
    const warm = await readFile(place, "cached.txt", caller)
    expect(storageCounts(warm)).toMatchObject({ trips: 2, d1: 1, r2: 1, kv: 1 })
  })

  it("does not ask KV for what is too large for it", async () => {
    expect(storageCounts(await readFile({ project }, "large.bin", caller))).toMatchObject({
      trips: 2,
      d1: 1,
      r2: 1,
      kv: 0,
    })
  })

  it("asks R2 alone for a large file as it is, and both for a small one", async () => {
    const large = await readRaw({ project }, "large.bin", caller)
    expect(storageCounts(large)).toMatchObject({ trips: 2, d1: 1, r2: 1, kv: 0 })
    const small = await readRaw({ project }, "a.txt", caller)
    expect(storageCounts(small)).toMatchObject({ trips: 2, d1: 1, r2: 1, kv: 1 })
  })

  it("asks nobody for the bytes of an empty file", async () => {
    await commitFiles({ project }, { "empty.txt": "" })
    const response = await readFile({ project }, "empty.txt", caller)
    expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
    expect(await response.json()).toMatchObject({ resourceContent: "" })
  })

  it("asks neither with If-None-Match", async () => {
    const etag = (await readFile({ project }, "a.txt")).headers.get("etag") ?? ""
    const response = await readFile({ project }, "a.txt", { ...caller, headers: { "if-none-match": etag } })
    expect(response.status).toBe(304)
    expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
  })
})

it("finds events by any condition in 1 trip", async () => {
  for (const query of ["", "root=1", "stage=dev", "source=x", "type=x&fromTime=2020-01-01T00:00:00Z"]) {
    const response = await askEvents(`project=${project}&${query}`, caller)
    expect(storageCounts(response)).toMatchObject({ trips: 1, d1: 1, r2: 0, kv: 0 })
  }
})
