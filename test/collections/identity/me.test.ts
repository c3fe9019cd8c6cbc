import { describe, expect, it } from "vitest"
import { z } from "zod"
import { send } from "../../support/client.ts"
import { createSystemAccount, createUser, issueToken } from "../../support/people.ts"

const timestamp = z.iso.datetime()

const organizationSchema = z.strictObject({
  id: z.uuid(),
  name: z.literal("Quarterdeck"),
  owner_id: z.uuid(),
  login_path: z.literal(""),
  created_at: timestamp,
  updated_at: timestamp,
  state: z.literal("active"),
  retention_period_days: z.literal(0),
})

const userSchema = z.strictObject({
  id: z.uuid(),
  email: z.email(),
  full_name: z.string(),
  preferred_name: z.string(),
  active: z.literal(true),
  created_at: timestamp,
  updated_at: timestamp,
})

const hosts = ["global", "eu", "us"]
const bases = ["/v3", "/v2"]
const everywhere = hosts.flatMap((host) => bases.map((base) => ({ host, base })))

describe("who a caller is", () => {
  it.each(everywhere)("is told by $host under $base: the administrator", async ({ host, base }) => {
    const organization = await send(host, `${base}/organizations/me`)
    expect(organization.status).toBe(200)
    const { owner_id: owner } = organizationSchema.parse(await organization.json())
    const user = await send(host, `${base}/users/me`)
    expect(user.status).toBe(200)
    const me = userSchema.parse(await user.json())
    expect(me).toMatchObject({ id: owner, email: "admin@quarterdeck.invalid", full_name: "Administrator" })
  })

  it("is another user with another token", async () => {
    const id = await createUser()
    const response = await send("global", "/v3/users/me", { token: await issueToken(id) })
    expect(userSchema.parse(await response.json())).toMatchObject({ id, email: `${id}@example.com` })
  })

  it("needs no role: a user without one sees its organization", async () => {
    const token = await issueToken(await createUser())
    const response = await send("global", "/v3/organizations/me", { token })
    expect(organizationSchema.parse(await response.json()).name).toBe("Quarterdeck")
  })

  it("is no user for a system account: 404 as a problem document, but it has an organization", async () => {
    const token = await issueToken(await createSystemAccount())
    const response = await send("global", "/v3/users/me", { token })
    expect(response.status).toBe(404)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toMatchObject({ status: 404, title: "Not Found" })
    expect((await send("global", "/v3/organizations/me", { token })).status).toBe(200)
  })

  it.each(everywhere)("is asked for a token by $host under $base: 401", async ({ host, base }) => {
    for (const path of [`${base}/users/me`, `${base}/organizations/me`]) {
      const response = await send(host, path, { token: null })
      expect(response.status).toBe(401)
      expect(response.headers.get("content-type")).toBe("application/problem+json")
    }
  })
})
