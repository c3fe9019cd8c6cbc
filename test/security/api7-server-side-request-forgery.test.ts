/** OWASP API7:2023. Addresses that callers send are stored at most: nothing is asked but the origins that an operator configured. */
import { afterEach, describe, expect, it } from "vitest"
import { base64, send, shipyard } from "../support/client.ts"
import { postEvent, sampleEvent } from "../support/events.ts"
import { newProject, writeFiles } from "../support/keptn.ts"
import { edgeBefore, originThat } from "../support/origin.ts"
import { postPackage } from "../support/packages.ts"
import { postProject, putProject } from "../support/projects.ts"
import { postSecret } from "../support/secrets.ts"
import { idOf, postRegistration, sampleRegistration, subscriptionPath } from "../support/uniform.ts"

/** Where an attacker would like us to go. */
const TARGETS = [
  "http://169.254.169.254/latest/meta-data/",
  "http://[::1]:8787/v3/users",
  "http://localhost/",
  "http://2130706433/",
  "https://attacker.example/collect",
  "http://eu.api.localhost/api/v1/metadata",
]

/** Requests that were sent since the beginning of the test. */
let asked: Request[] = []

afterEach(() => expect(asked.map(({ url }) => url)).toEqual([]))

function watch(): void {
  asked = originThat(() => new Response("reached"))
}

describe.each(TARGETS)("%s is not asked", (target) => {
  it("as the git remote of a project, its proxy, or the certificate's address", async () => {
    watch()
    const name = `remote-${crypto.randomUUID()}`
    const gitCredentials = {
      remoteURL: `${target}repository.git`,
      https: { token: "t", insecureSkipTLS: true, proxy: { url: target, scheme: "http" } },
    }
    expect((await postProject({ name, shipyard: base64(shipyard("dev")), gitCredentials })).status).toBe(201)
    expect((await putProject({ name, gitCredentials })).status).toBe(201)
    expect((await writeFiles({ project: name }, { "a.txt": "a" })).status).toBe(201)
    expect((await send("eu", `/git/${name}.git/info/refs?service=git-upload-pack`)).status).toBe(200)
    expect((await send("eu", `/api/controlPlane/v1/project/${name}`, { method: "DELETE" })).status).toBe(200)
  })

  it("as the subscription of an integration, nor its host", async () => {
    watch()
    const id = await idOf(await postRegistration(sampleRegistration({ hostname: target, events: [target] })))
    const json = { event: target, url: target, filter: { projects: [target] }, webhook: { url: target } }
    expect((await send("eu", subscriptionPath(id), { json })).status).toBe(201)
    expect((await postEvent(sampleEvent({ type: target }))).status).toBe(200)
  })

  it("as anything in an event, in binary mode too", async () => {
    watch()
    const data = { url: target, $ref: target, dataschema: target, deployment: { deploymentURIsPublic: [target] } }
    expect((await postEvent(sampleEvent({ source: target, dataschema: target, data }))).status).toBe(200)
    const headers = {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-type": "t",
      "ce-source": target,
      "ce-dataschema": target,
      "webhook-request-origin": target,
      "webhook-request-callback": target,
    }
    expect((await send("eu", "/api/v1/event", { body: "{}", headers })).status).toBe(200)
  })

  it("as a secret, a file, a package, an invitation or a header", async () => {
    watch()
    const project = await newProject("dev")
    expect((await postSecret({ name: `s-${crypto.randomUUID()}`, data: { url: target } })).status).toBe(201)
    const webhook = `spec:\n  webhooks:\n    - requests: [{ url: "${target}" }]\n`
    expect((await writeFiles({ project }, { "webhook/webhook.yaml": webhook })).status).toBe(201)
    const manifest = `tasks:\n  - { id: a, type: resource, resource: "${target}", resourceUri: a.txt }\n`
    expect((await postPackage(project, { "manifest.yaml": manifest })).status).toBe(400)
    for (const name of ["referer", "origin", "x-forwarded-host", "x-callback-url", "forwarded", "link"]) {
      expect((await send("eu", "/api/v1/metadata", { headers: { [name]: target } })).status).toBe(200)
    }
  })
})

describe("with an upstream", () => {
  const upstream = { prefix: "/up", role: "none", origin: "https://origin.example/base", strip_prefix: true }

  it.each([
    "/up//attacker.example/x",
    "/up/@attacker.example/x",
    "/up/https://attacker.example/",
    "/up/?url=http://attacker.example",
    "/up/x#@attacker.example",
    "/up:80@attacker.example/",
    "/up.attacker.example/",
    "/up@attacker.example/",
    "/up\\@attacker.example/",
    "/up/%2F%2Fattacker.example/",
    "/up/..%2F..%2F@attacker.example/",
    "/up?@attacker.example/",
  ])("%s asks its origin below its path, or nobody", async (path) => {
    const requests = originThat(() => new Response("reached"))
    const hosts = { "x-forwarded-host": "attacker.example", "x-original-url": "http://attacker.example/" }
    const response = await edgeBefore(upstream)(path, { headers: hosts })
    for (const { url } of requests) expect(url.startsWith("https://origin.example/base")).toBe(true)
    for (const { url } of requests) expect(new URL(url).host).toBe("origin.example")
    if (requests.length === 0) expect([400, 404]).toContain(response.status)
  })

  it("whose origin redirects elsewhere, elsewhere is not asked, with a credential or without", async () => {
    const requests = originThat(() => Response.redirect("http://169.254.169.254/latest/", 302))
    const settings = { ...upstream, credential: { header: "x-token", secret: "ORIGIN_SECRET" } }
    const response = await edgeBefore(settings)("/up/x", { redirect: "manual" })
    expect(response.status).toBe(302)
    expect(requests.map(({ url }) => url)).toEqual(["https://origin.example/base/x"])
  })

  it("whose document redirects elsewhere, or names others, elsewhere is not asked", async () => {
    const settings = { ...upstream, document: "/openapi.json" }
    const redirected = originThat(() => Response.redirect("http://169.254.169.254/latest/", 302))
    expect((await edgeBefore(settings)("/api/openapi/origin-up.json", { token: null })).status).toBe(502)
    expect(redirected.map(({ url }) => url)).toEqual(["https://origin.example/openapi.json"])
    const document = {
      openapi: "3.1.0",
      info: { title: "t", version: "1", termsOfService: TARGETS[0] },
      servers: [{ url: TARGETS[0] }],
      paths: { "/a": { $ref: `${TARGETS[0]}a.json` }, "/b": { get: { externalDocs: { url: TARGETS[0] } } } },
    }
    const referring = originThat(() => Response.json(document))
    const response = await edgeBefore(settings)("/api/openapi/origin-up.json", { token: null })
    expect(response.status).toBe(200)
    expect(JSON.stringify(Object(await response.json()).servers)).toBe('[{"url":"/up"}]')
    expect(referring.map(({ url }) => url)).toEqual(["https://origin.example/openapi.json"])
  })
})
