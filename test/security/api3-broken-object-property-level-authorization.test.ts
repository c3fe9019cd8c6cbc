/** OWASP API3:2023. Members that a caller must not set (mass assignment), and those that it must not be shown. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { sha256Hex } from "../../src/lib/digest.ts"
import { adminToken, base64, send, shipyard } from "../support/client.ts"
import { onlyEvent, postEvent, sampleEvent } from "../support/events.ts"
import { readCommit } from "../support/history.ts"
import { ask, create, madeToken, newAccount } from "../support/identity.ts"
import { answer, commitOf, newProject, resourcePath } from "../support/keptn.ts"
import { createUser, findTokenRow, issueToken, joinSystemTeam } from "../support/people.ts"
import { getService, postProject, postService, projectsPath } from "../support/projects.ts"
import { newName, postSecret } from "../support/secrets.ts"
import { idOf, ping, postRegistration, sampleRegistration } from "../support/uniform.ts"

const FORGED_ID = "00000000-0000-4000-8000-000000000000"
const LONG_AGO = "2001-01-01T00:00:00.000Z"

/** Members that belong to the server, with what an attacker would like them to be. */
const FORGED: Record<string, unknown> = {
  id: FORGED_ID,
  created_at: LONG_AGO,
  updated_at: LONG_AGO,
  organization_id: FORGED_ID,
  owner_id: FORGED_ID,
  user_id: FORGED_ID,
  system_team: true,
  systemTeam: true,
  active: true,
  konnect_managed: true,
  purpose: "access",
  hash: "0".repeat(64),
  hint: "kpat_",
  token: "chosen-by-the-caller-0123456789",
  revoked_at: null,
  revoked_by: null,
  last_used_at: LONG_AGO,
  state: "ACTIVE",
  roles: ["organization-admin"],
  teams: ["organization-admin"],
  region: "us",
}

describe("a member of the server's own in a body of the identity API is refused with 400, and nothing is made", () => {
  const bodies: [string, string, () => Promise<string>, Record<string, unknown>, string[]][] = [
    ["a new team", "POST", async () => "/v3/teams", { name: "forged" }, []],
    ["a team", "PATCH", async () => `/v3/teams/${await create("/v3/teams", { name: "t" })}`, { name: "forged" }, []],
    ["a new account", "POST", async () => "/v3/system-accounts", { name: "forged" }, ["konnect_managed"]],
    ["an account", "PATCH", async () => `/v3/system-accounts/${(await newAccount("a")).id}`, { name: "forged" }, []],
    ["a user", "PATCH", async () => `/v3/users/${await createUser()}`, { full_name: "forged" }, []],
    ["an invitation", "POST", async () => "/v3/invites", { email: "forged@example.com" }, []],
    [
      "a new token",
      "POST",
      async () => `/v3/users/${await createUser()}/access-tokens`,
      { name: "forged", ttl_seconds: 60 },
      [],
    ],
    [
      "an assigned role",
      "POST",
      async () => `/v3/users/${await createUser()}/assigned-roles`,
      { role_name: "Viewer", entity_id: "forged", entity_type_name: "Projects", entity_region: "eu" },
      [],
    ],
  ]
  it.each(bodies)("%s", async (_, method, pathOf, body, allowed) => {
    const path = await pathOf()
    for (const [member, value] of Object.entries(FORGED)) {
      if (allowed.includes(member)) continue
      const response = await send("global", path, { method, json: { ...body, [member]: value } })
      expect([member, response.status]).toEqual([member, 400])
    }
    for (const list of ["/v3/teams", "/v3/system-accounts", "/v3/users", path.replace(/\/[0-9a-f-]{36}$/, "")]) {
      if (list === "/v3/invites") continue
      expect(await (await send("global", `${list}?page[size]=1000`)).text()).not.toContain("forged")
    }
  })

  it("a user's own: neither its address nor whether it is active", async () => {
    const user = await createUser()
    const token = await issueToken(user)
    for (const json of [{ email: "boss@example.com" }, { active: false }, { teams: [FORGED_ID] }]) {
      expect((await send("global", `/v3/users/${user}`, { token, method: "PATCH", json })).status).toBe(400)
    }
    const shown = await ask(`/v3/users/${user}`, z.looseObject({ email: z.string(), active: z.boolean() }))
    expect(shown).toMatchObject({ email: `${user}@example.com`, active: true })
  })
})

describe("a prototype in a body is a member like others", () => {
  const pollution = `"__proto__":{"system_team":true,"polluted":true},"constructor":{"prototype":{"polluted":true}}`

  it.each([
    ["global", "/v3/teams", `{"name":"polluted",${pollution}}`],
    ["global", "/v3/teams", `{"name":"polluted","labels":{${pollution}}}`],
    ["eu", projectsPath, `{"name":"polluted","shipyard":"",${pollution}}`],
    ["eu", "/api/v1/event", `{"type":"t","source":"s","data":{${pollution}},${pollution}}`],
    [
      "eu",
      "/api/controlPlane/v1/uniform/registration",
      `{"name":"n","metadata":{"hostname":"h",${pollution}},${pollution}}`,
    ],
    ["eu", "/api/controlPlane/v1/log", `{"logs":[{"message":"m",${pollution}}],${pollution}}`],
    ["eu", "/api/secrets/v1/secret", `{"name":"polluted","data":{"__proto__":"a","constructor":"b"},${pollution}}`],
  ])("on %s %s (%#)", async (label, path, body) => {
    const response = await send(label, path, { body, headers: { "content-type": "application/json" } })
    expect(response.status).toBeLessThan(500)
    const plain: Record<string, unknown> = {}
    expect([plain["polluted"], plain["system_team"]]).toEqual([undefined, undefined])
    expect(await (await send("global", "/v3/teams?filter[name]=polluted")).text()).not.toContain('"system_team":true')
  })
})

describe("what the server decides is not what a body says", () => {
  it("of an event: id, time, version, and which is the first of a context", async () => {
    const context = crypto.randomUUID()
    const forged = { id: FORGED_ID, time: LONG_AGO, specversion: "9", contenttype: "text/html", seq: 1, root: 1 }
    const json = sampleEvent({ ...forged, shkeptncontext: context, project: "other", sequence: "1-1" })
    expect((await postEvent(json)).status).toBe(200)
    const event = await onlyEvent(context)
    expect(event).toMatchObject({ specversion: "1.0", contenttype: "application/json" })
    expect(event.id).not.toBe(FORGED_ID)
    expect(Date.parse(event.time)).toBeGreaterThan(Date.parse(LONG_AGO))
  })

  it("of a project: nothing but its name, its shipyard and its credentials are taken, the rest is 400", async () => {
    const project = { name: "forged", shipyard: base64(shipyard("dev")) }
    for (const member of ["id", "createdAt", "creationDate", "stages", "region", "gitRemote", "gitSecret", "owner"]) {
      expect((await postProject({ ...project, [member]: "1" })).status).toBe(400)
    }
    expect((await send("eu", `${projectsPath}/forged`)).status).toBe(404)
  })

  it("of a service: its time, its image and its last events", async () => {
    const project = await newProject("dev")
    const forged = { creationDate: "1", deployedImage: "forged", lastEventTypes: {}, stage: "other" }
    expect((await postService(project, { serviceName: "carts", ...forged })).status).toBe(200)
    const service = await getService(project, "dev", "carts")
    expect(service.deployedImage).toBeUndefined()
    expect(Number(service.creationDate)).toBeGreaterThan(1e18)
  })

  it("of an integration: its id and its last heartbeat", async () => {
    const sample = sampleRegistration()
    const forged = { ...sample, id: "f".repeat(40), metadata: { ...sample.metadata, lastseen: LONG_AGO } }
    const id = await idOf(await postRegistration({ ...forged, lastSeen: 1 }))
    expect(id).not.toBe("f".repeat(40))
    expect(Date.parse((await ping(id)).metadata.lastseen)).toBeGreaterThan(Date.parse(LONG_AGO))
  })

  it("of a commit: its author is the holder of the token, whatever body and headers say", async () => {
    const project = await newProject("dev")
    const user = await createUser()
    await joinSystemTeam("organization-admin", user)
    const json = {
      resources: [{ resourceURI: "a.txt", resourceContent: base64("a"), metadata: { version: "f".repeat(40) } }],
      author: { name: "somebody else", email: "else@example.com" },
      gitCommitID: "f".repeat(40),
      user: "somebody else",
    }
    const headers = { "x-principal-id": FORGED_ID, "x-git-author": "somebody else", from: "else@example.com" }
    const path = resourcePath({ project })
    const id = await commitOf(await send("eu", path, { token: await issueToken(user), json, headers }), 201)
    expect(id).not.toBe("f".repeat(40))
    const { author, committer } = await readCommit({ project }, id)
    expect(JSON.stringify([author, committer])).not.toContain("else")
    expect(author.name).toBe(`User ${user.slice(0, 8)}`)
  })

  it("of a secret: only its name, scope and data come back", async () => {
    const name = newName()
    const json = { name, data: { a: "b" }, sealed: "x", region: "us", keys: ["forged"], createdAt: 1 }
    const shape = z.strictObject({ name: z.string(), scope: z.string(), data: z.strictObject({ a: z.string() }) })
    expect((await answer(await postSecret(json), shape, 201)).name).toBe(name)
  })
})

describe("what nobody needs to know is not answered", () => {
  it("no answer about tokens holds a hash, and none but the first the token", async () => {
    const { id, token, tokenId } = await newAccount("shown")
    const path = `/v3/system-accounts/${id}/access-tokens`
    const { hash } = await findTokenRow(token)
    const made = await ask(`${path}/${tokenId}/rotate`, madeToken, { json: { grace_seconds: 60 } }, 201)
    const secrets = [token, made.token, hash, await sha256Hex(made.token), adminToken, await sha256Hex(adminToken)]
    for (const [method, tail] of [
      ["GET", path],
      ["GET", `${path}/${tokenId}`],
      ["PATCH", `${path}/${tokenId}/revoke`],
      ["GET", `/v3/system-accounts/${id}`],
      ["GET", "/v3/audit-log?page[size]=1000"],
      ["GET", "/v3/status"],
      ["GET", "/v3/users/me"],
      ["GET", "/v3/organizations/me"],
      ["GET", "/v3/users?page[size]=1000"],
    ] as const) {
      const response = await send("global", tail, { method })
      const text = await response.text()
      expect([tail, response.status]).toEqual([tail, 200])
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text).not.toMatch(/"(hash|sealed|gitSecret|git_secret)"/)
    }
  })
})
