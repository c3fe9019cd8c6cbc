/**
 * OWASP API8:2023. What answers let browsers and caches do, what of a request comes back in headers and in the log, and what is left of
 * tokens and secrets anywhere.
 */
import { env, exports } from "cloudflare:workers"
import { beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"
import { sha256Hex } from "../../src/lib/digest.ts"
import { clientAt } from "../support/address.ts"
import { adminToken, base64, send, shipyard, type TestRequest } from "../support/client.ts"
import { documentPaths } from "../support/documents.ts"
import { postEvent, sampleEvent } from "../support/events.ts"
import { ask, madeToken, newAccount } from "../support/identity.ts"
import { writeFiles } from "../support/keptn.ts"
import { captureLog } from "../support/log.ts"
import { readOperations } from "../support/openapi.ts"
import { tokenWith } from "../support/people.ts"
import { postProject, projectsPath, putProject } from "../support/projects.ts"
import { postSecret, putSecret } from "../support/secrets.ts"
import { postRegistration, sampleRegistration } from "../support/uniform.ts"

const operations = [...(await readOperations("eu")), ...(await readOperations("global"))]

function headerNames(response: Response): string[] {
  return [...response.headers.keys()]
}

describe("every operation, asked by a page of another origin", () => {
  let token = ""

  beforeAll(async () => {
    token = await tokenWith()
  })

  it.each(operations.map((one): [string, (typeof operations)[number]] => [one.operationId, one]))(
    "%s: shares nothing with it and is kept by no cache",
    async (_, operation) => {
      const { path, headers, ...request } = operation.request()
      const origin = { origin: "https://evil.example", cookie: "x-token=1" }
      const preflight = {
        "access-control-request-method": operation.method,
        "access-control-request-headers": "x-token",
      }
      const answers = [
        await send(operation.host, path, { ...request, token, headers: { ...headers, ...origin } }),
        await send(operation.host, path, {
          token: null,
          method: "OPTIONS",
          headers: { ...origin, ...preflight, ...clientAt() },
        }),
        await send(operation.host, path, { token, method: "OPTIONS", headers: { ...origin, ...preflight } }),
      ]
      for (const response of answers) {
        expect(headerNames(response).filter((name) => name.startsWith("access-control-"))).toEqual([])
        expect(headerNames(response)).not.toContain("set-cookie")
        expect(response.headers.get("cache-control")).toMatch(/no-store|^no-cache, max-age=0, must-revalidate$/)
        expect(response.headers.get("cache-control")).not.toContain("public")
        expect(response.headers.get("x-content-type-options")).toBe("nosniff")
        expect(response.headers.get("content-security-policy")).toContain("default-src 'none'")
      }
      // A preflight has no token: it is refused, and the request after it is not sent.
      expect(answers[1]?.status).toBe(401)
    },
  )
})

describe("what is open is the same for everybody: no header gets into what a cache may keep", () => {
  const open = ["/api", "/api/errors", "/api/assets/docs.js", "/health", "/api/swagger-ui/swagger.yaml"]
  const poison: Record<string, string> = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "ftp",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-for": "192.0.2.66",
    "x-host": "evil.example",
    "x-original-url": "/evil",
    "x-rewrite-url": "/evil",
    forwarded: "host=evil.example;proto=ftp",
    "accept-language": "evil",
    accept: "text/evil",
    cookie: "evil=1",
    origin: "https://evil.example",
    "user-agent": "evil",
    "x-token": adminToken,
  }

  it.each(["eu", "global"])("on %s", async (label) => {
    const paths = [...open.slice(0, label === "eu" ? 5 : 4), ...(await documentPaths(label)).slice(0, 2)]
    for (const path of paths) {
      const plain = await send(label, path, { token: null })
      const text = await plain.text()
      expect(plain.status).toBe(200)
      for (const [name, value] of Object.entries(poison)) {
        const response = await send(label, path, { token: null, headers: { [name]: value } })
        expect([name, (await response.text()) === text]).toEqual([name, true])
        expect(response.headers.get("etag")).toBe(plain.headers.get("etag"))
      }
      const asked = await send(label, `${path}?evil=<script>`, { token: null })
      expect(await asked.text()).toBe(text)
    }
  })
})

describe("what a caller sends is no header of the answer", () => {
  it.each([
    "/api/controlPlane/v1/x%0d%0aSet-Cookie:%20a=b/",
    "/api/controlPlane/v1/%0d%0a%0d%0a<script>/",
    "/api/statistics/%E2%80%A8/",
    "/api/secrets/x%00/",
    "/api/controlPlane//evil.example/",
    "/api/controlPlane/%5Cevil.example/",
  ])("in the redirect of %s", async (path) => {
    const response = await send("eu", path, { redirect: "manual" })
    expect(headerNames(response)).not.toContain("set-cookie")
    const location = response.headers.get("location")
    if (location === null) return
    expect(location).toMatch(/^\/api\/[\x21-\x7e]*$/)
    expect(new URL(location, "http://eu.api.localhost").host).toBe("eu.api.localhost")
  })

  it.each([
    "//evil.example",
    "//evil.example/",
    "/%2F/evil.example/",
    "/\\evil.example/",
    "/api/swagger-ui/?//evil.example",
  ])("and leads nowhere else: %s", async (path) => {
    const response = await send("eu", path, { redirect: "manual" })
    const location = response.headers.get("location")
    if (location !== null) expect(new URL(location, "http://eu.api.localhost").host).toBe("eu.api.localhost")
    else expect(response.status).toBe(404)
  })

  it.each(['a".txt', "a\r\nSet-Cookie: a=b", "a;filename=evil.html", "é.txt", "a.html"])(
    "in the name of a file %j that is read as it is",
    async (name) => {
      const project = `file-${crypto.randomUUID()}`
      await postProject({ name: project, shipyard: base64(shipyard("dev")) })
      const written = await writeFiles({ project }, { [name]: "<script>alert(1)</script>" })
      const path = `/api/resource-service/v1/project/${project}/resource/${encodeURIComponent(name)}`
      const response = await send("eu", path, { headers: { accept: "application/octet-stream" } })
      expect(written.status === 201 ? [200] : [400, 404]).toContain(response.status)
      expect(headerNames(response)).not.toContain("set-cookie")
      expect(response.headers.get("content-type")).toMatch(/^application\/(octet-stream|json)$/)
      if (response.ok) expect(response.headers.get("content-disposition")).toMatch(/^attachment/)
    },
  )
})

/** What would end a line of a log, colour a terminal, or end the text that it stands in. */
const NASTY = 'x\r\n{"event":"request","status":200}\u001b[2J\u001b[31m\u0000\u2028\u2029","status":200,"x":"</script>'

describe("what a caller sends is no line of the log", () => {
  it("each request has one, JSON throughout, wherever control characters stand", async () => {
    const lines = captureLog()
    const escaped = encodeURIComponent(NASTY)
    // A header can have none of CR, LF and NUL.
    const header = 'x {"event":"request"}\u001b[2J","status":200,"x":"'
    const requests: [string, string, TestRequest][] = [
      ["eu", `/api/${escaped}`, {}],
      ["eu", `/${escaped}`, {}],
      ["eu", `${projectsPath}/${escaped}`, {}],
      ["eu", `/api/resource-service/v1/project/x/resource/${escaped}`, {}],
      ["eu", `/git/${escaped}.git/info/refs?service=${escaped}`, {}],
      ["eu", `/api/mongodb-datastore/event?project=${escaped}&type=${escaped}`, {}],
      ["eu", `/api/mongodb-datastore/event/type/${escaped}?filter=data.project:${escaped}`, {}],
      ["eu", projectsPath, { json: { name: NASTY, shipyard: base64(NASTY) } }],
      ["eu", "/api/v1/event", { json: sampleEvent({ type: NASTY, source: NASTY, data: { project: NASTY } }) }],
      ["eu", "/api/v1/event", { body: NASTY, headers: { "content-type": "application/json" } }],
      ["eu", "/api/v1/metadata", { headers: { "x-request-id": header, "cf-ray": header, "user-agent": header } }],
      ["eu", "/api/v1/metadata", { token: null, headers: { authorization: header, ...clientAt() } }],
      ["eu", "/api/v1/metadata", { token: null, headers: { "x-token": header, ...clientAt() } }],
      ["global", `/v3/${escaped}`, {}],
      ["global", `/v3/users/${escaped}`, {}],
      ["global", `/v3/users?filter[email]=${escaped}&sort=${escaped}`, {}],
      ["global", "/v3/teams", { json: { name: NASTY, description: NASTY } }],
    ]
    for (const [label, path, request] of requests) await send(label, path, request)
    expect(lines).toHaveLength(requests.length)
    for (const { text, fields } of lines) {
      expect(fields["event"]).toBe("request")
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(text).not.toMatch(/[\x00-\x1f\x7f]/)
    }
  })
})

/** All rows of a database, all values of a bucket and of a cache, as text. */
async function everythingStored(): Promise<string> {
  const parts: string[] = []
  for (const database of [env.DB_GLOBAL, env.DB_EU, env.DB_US]) {
    const { results } = await database
      .prepare("select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'")
      .all()
    for (const { name } of z.array(z.object({ name: z.string() })).parse(results)) {
      const rows = await database.prepare(`select * from "${name}"`).all()
      parts.push(JSON.stringify(rows.results))
    }
  }
  for (const bucket of [env.BLOBS_EU, env.BLOBS_US]) {
    for (const { key, customMetadata } of (await bucket.list({ include: ["customMetadata"] })).objects) {
      parts.push(key, JSON.stringify(customMetadata ?? {}), (await (await bucket.get(key))?.text()) ?? "")
    }
  }
  for (const cache of [env.CACHE_EU, env.CACHE_US]) {
    for (const { name } of (await cache.list()).keys) parts.push(name, (await cache.get(name)) ?? "")
  }
  return parts.join("\n")
}

describe("nothing that is stored, logged or answered later holds a token or a secret", () => {
  it("after a day's work, with tokens and secrets in the wrong places too", async () => {
    const lines = captureLog()
    const answers: string[] = []
    const secret = `secret-${crypto.randomUUID()}`
    const { id, token, tokenId } = await newAccount("worker")
    const role = { role_name: "Admin", entity_id: "*", entity_type_name: "Projects", entity_region: "*" }
    await ask(`/v3/system-accounts/${id}/assigned-roles`, z.unknown(), { json: role }, 201)
    const next = await ask(
      `/v3/system-accounts/${id}/access-tokens/${tokenId}/rotate`,
      madeToken,
      { json: { grace_seconds: 600 } },
      201,
    )
    const run = async (response: Promise<Response>) => answers.push(await (await response).text())
    const gitCredentials = {
      remoteURL: `https://me:${secret}@git.example.com/a.git`,
      https: { token: secret, proxy: { url: `me:${secret}@proxy:3128`, scheme: "http", password: secret } },
    }
    await run(postProject({ name: "sweep", shipyard: base64(shipyard("dev")), gitCredentials }))
    await run(putProject({ name: "sweep", gitCredentials }))
    await run(postProject({ name: secret, shipyard: base64(shipyard("dev")), gitCredentials, wrong: secret }))
    // Whoever sends a secret is told it, once.
    await postSecret({ name: "sweep", data: { a: secret } })
    await putSecret({ name: "sweep", scope: "keptn-default", data: { a: secret, b: `${secret}-2` } })
    await run(postSecret({ name: "sweep", data: { a: secret } }))
    await run(putSecret({ name: "sweep", scope: "nowhere", data: { a: secret } }))
    await run(writeFiles({ project: "sweep" }, { "a.txt": "file" }, { token }))
    await run(postEvent(sampleEvent({ data: { project: "sweep" } }), { token: next.token }))
    await run(postRegistration(sampleRegistration(), { token }))
    const basic = { authorization: `Basic ${btoa(`git:${token}`)}` }
    const refs = "/git/sweep.git/info/refs?service=git-upload-pack"
    await run(send("eu", refs, { token: null, headers: basic }))
    for (const text of [token, next.token, adminToken]) {
      for (const path of [`/api/nowhere/x?token=${text}`, `/api/v1/metadata?x-token=${text}`]) {
        await run(send("eu", path, { token }))
      }
      await run(send("eu", "/api/v1/metadata", { token: null, headers: { cookie: `t=${text}`, ...clientAt() } }))
      await run(send("eu", "/api/v1/metadata", { token: `${text}x`, headers: clientAt() }))
    }
    for (const path of [
      "/api/controlPlane/v1/project",
      `${projectsPath}/sweep`,
      "/api/secrets/v1/secret",
      "/api/mongodb-datastore/event?project=sweep",
      "/api/mongodb-datastore/event/export?project=sweep",
      "/api/controlPlane/v1/uniform/registration",
    ]) {
      await run(send("eu", path))
    }
    for (const path of ["/v3/audit-log?page[size]=1000", `/v3/system-accounts/${id}/access-tokens`]) {
      await run(send("global", path))
    }
    const stored = await everythingStored()
    // What is looked through holds what was done.
    for (const text of ["sweep", "file", await sha256Hex(token)]) expect(stored).toContain(text)
    expect(answers.join("\n")).toContain("git.example.com")
    const places = { stored, logged: lines.map(({ text }) => text).join("\n"), answered: answers.join("\n") }
    for (const text of [token, next.token, adminToken, secret]) {
      for (const form of [text, btoa(text), btoa(`git:${text}`), encodeURIComponent(btoa(text)), text.slice(6, -6)]) {
        for (const [place, content] of Object.entries(places)) {
          expect([place, content.includes(form)]).toEqual([place, false])
        }
      }
    }
  })
})

describe("a method that HTTP has and no API needs", () => {
  it.each(["PROPFIND", "PURGE", "SEARCH", "LOCK", "MKCOL", "REPORT"])(
    "%s is 401 without a token and 404 or 405 with one",
    async (method) => {
      for (const path of ["/api", "/api/v1/metadata", projectsPath, "/health"]) {
        const address = `http://eu.api.localhost${path}`
        const open = await exports.default.fetch(address, { method, headers: clientAt() })
        const known = await exports.default.fetch(address, { method, headers: { "x-token": adminToken } })
        expect(open.status).toBe(401)
        expect([404, 405]).toContain(known.status)
      }
    },
  )
})
