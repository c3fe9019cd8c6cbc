/** `npm run token` as an administrator uses it. */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { expect, inject, test } from "vitest"
import { call } from "./client.ts"
import { type RunningEdge, startEdge, stopEdge } from "./edge.ts"

const ROOT = join(import.meta.dirname, "..", "..")

function token(edge: RunningEdge, args: string[], input = ""): { status: number | null; out: string; error: string } {
  const env = { ...process.env, PORT: String(edge.port), QUARTERDECK_STATE: edge.state }
  const result = spawnSync(process.execPath, ["scripts/token.ts", ...args], { cwd: ROOT, env, input, encoding: "utf8" })
  return { status: result.status, out: result.stdout.trim(), error: result.stderr.trim() }
}

/** The status that a token gets where the role Contributor on sockshop is needed. */
async function sendEvent(edge: RunningEdge, text: string): Promise<number> {
  const event = { type: "sh.keptn.event.dev.delivery.triggered", source: "test", data: { project: "sockshop" } }
  return (await call({ ...edge, token: text }, "eu", "POST", "/api/v1/event", event)).status
}

test("makes, rotates, revokes and imports the tokens of a system account", async () => {
  const edge = inject("edge")
  const account = ["--account", "pipeline"]
  const role = ["--role", "Contributor", "--project", "sockshop", "--region", "eu"]
  const first = token(edge, ["create", ...account, ...role, "--name", "ci"]).out
  expect(first).toMatch(/^spat_/)
  expect(await sendEvent(edge, first)).toBe(200)
  const second = token(edge, ["rotate", ...account, "--name", "ci"]).out
  expect([await sendEvent(edge, first), await sendEvent(edge, second)]).toEqual([401, 200])
  expect(token(edge, ["revoke", ...account, "--name", "ci"]).out).toBe("revoked ci")
  expect(await sendEvent(edge, second)).toBe(401)
  const existing = "the-token-that-keptn-had"
  expect(token(edge, ["import", ...account, "--name", "old"], `${existing}\n`).status).toBe(0)
  expect(await sendEvent(edge, existing)).toBe(200)
  const { out } = token(edge, ["list", ...account])
  expect(out.split("\n").map((line) => line.split("  ")[0])).toEqual(["EXPIRED", "REVOKED", "ACTIVE"])
})

test.each([
  [["create"], "--account is missing. See npm run token -- help."],
  [["sing"], "Unknown command sing. See npm run token -- help."],
  [["list", "--account", "nobody"], "There is no system account 'nobody'. Make one with create."],
  [["create", "--account", "x", "--days", "many"], '--days is "many". It must be a whole number.'],
  [["create", "--account", "x", "--days", "400"], /^ttl_seconds /],
  [["let-in"], "Say where: --local or --remote."],
])("says in one line what is wrong with %j", (args, message) => {
  const { status, error } = token(inject("edge"), args)
  expect(status).toBe(1)
  expect(error).toMatch(message)
  expect(error.split("\n")).toHaveLength(1)
})

test("lets an administrator in who has no token, but not into a folder that an edge is using", async () => {
  const edge = await startEdge()
  expect(token(edge, ["let-in", "--local"]).error).toMatch(/^Another Quarterdeck uses /)
  await stopEdge(edge, "SIGTERM")
  const { out } = token(edge, ["let-in", "--local"])
  const again = await startEdge(edge.state)
  const { status } = await call({ ...again, token: out }, "global", "GET", "/v3/users")
  expect(status).toBe(200)
  await stopEdge(again, "SIGTERM")
  rmSync(edge.state, { recursive: true })
})
