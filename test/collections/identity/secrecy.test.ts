import { env } from "cloudflare:workers"
import { expect, it } from "vitest"
import { z } from "zod"
import { adminToken, send } from "../../support/client.ts"
import { ask, create, madeToken } from "../../support/identity.ts"
import { captureLog } from "../../support/log.ts"

/** Everything that the directory holds, as text. */
async function dump(): Promise<string> {
  const tables = await env.DB_GLOBAL.prepare(
    "select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'",
  ).all()
  const names = z.array(z.object({ name: z.string() })).parse(tables.results)
  const rows = await env.DB_GLOBAL.batch(names.map(({ name }) => env.DB_GLOBAL.prepare(`select * from "${name}"`)))
  return JSON.stringify(rows.map(({ results }) => results))
}

it("neither the directory nor the log holds a token, whatever was done with it", async () => {
  const log = captureLog()
  const account = await create("/v3/system-accounts", { name: "secret" })
  const path = `/v3/system-accounts/${account}/access-tokens`
  const made = await ask(path, madeToken, { json: { name: "one", ttl_seconds: 3600 } }, 201)
  const rotated = await ask(`${path}/${made.id}/rotate`, madeToken, { json: { grace_seconds: 60 } }, 201)
  const imported = `imported-${crypto.randomUUID()}`
  const importJson = { json: { name: "two", token: imported, ttl_seconds: 3600 } }
  await ask(`${path}/import`, z.unknown(), importJson, 201)
  const invitation = z.looseObject({ activation_token: z.string() })
  const invited = await ask("/v3/invites", invitation, { json: { email: "secret@example.com" } }, 201)
  const secrets = [adminToken, made.token, rotated.token, imported, invited.activation_token]
  for (const token of secrets) {
    await send("eu", "/api/v1/metadata", { token })
    await send("eu", `/api/v1/nowhere?token=${token}`, { token })
    await send("global", "/v3/teams", { token, json: { name: token.slice(0, 3) } })
  }
  const kept = (await dump()) + log.map(({ text }) => text).join("\n")
  expect(log.length).toBeGreaterThan(secrets.length)
  expect(kept).toContain("secret@example.com")
  for (const token of secrets) expect(kept).not.toContain(token.slice(9, -4))
})

it.each(["/v3/authentication-settings", "/v3/identity-provider", "/v3/identity-provider/team-mappings"])(
  "%s is not there: 404",
  async (path) => {
    const response = await send("global", path)
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/problem+json"])
  },
)
