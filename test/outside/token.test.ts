/** `npm run token` as an administrator uses it. */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, inject, test } from "vitest"
import { z } from "zod"
import { suggestion } from "../../scripts/token/projects.ts"
import { Undo } from "../../scripts/token/undo.ts"
import { call, createProject } from "./client.ts"
import { type RunningEdge, startEdge, stopEdge } from "./edge.ts"

const ROOT = join(import.meta.dirname, "..", "..")

function token(edge: RunningEdge, args: string[], input = ""): { status: number | null; out: string; error: string } {
  const env = { ...process.env, PORT: String(edge.port), QUARTERDECK_STATE: edge.state }
  const result = spawnSync(process.execPath, ["scripts/token.ts", ...args], { cwd: ROOT, env, input, encoding: "utf8" })
  return { status: result.status, out: result.stdout.trim(), error: result.stderr.trim() }
}

const PROJECT = "token-carts"

beforeAll(() => createProject(inject("edge"), PROJECT, "dev"))

/** The status that a token gets where the role Contributor on the project is needed. */
async function sendEvent(edge: RunningEdge, text: string): Promise<number> {
  const event = { type: "sh.keptn.event.dev.delivery.triggered", source: "test", data: { project: PROJECT } }
  return (await call({ ...edge, token: text }, "eu", "POST", "/api/v1/event", event)).status
}

test("makes, rotates, revokes and imports the tokens of a system account", async () => {
  const edge = inject("edge")
  const account = ["--account", "pipeline"]
  const role = ["--role", "Contributor", "--project", PROJECT, "--region", "eu"]
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
  const grace = token(edge, ["rotate", ...account, "--name", "old", "--grace", "600"]).out
  expect([await sendEvent(edge, existing), await sendEvent(edge, grace)]).toEqual([200, 200])
  const states = () =>
    token(edge, ["list", ...account])
      .out.split("\n")
      .map((line) => line.split("  ")[0])
  expect(states()).toEqual(["EXPIRED", "REVOKED", "ROTATED", "ACTIVE"])
  const newest = token(edge, ["rotate", ...account, "--name", "old", "--grace", "600"]).out
  // The token that others may still hold ends with the newest.
  token(edge, ["revoke", ...account, "--name", "old"])
  for (const one of [existing, grace, newest]) expect(await sendEvent(edge, one)).toBe(401)
  expect(states()).toEqual(["EXPIRED", ...Array.from({ length: 4 }, () => "REVOKED")])
})

const lists = z.object({ data: z.array(z.looseObject({ id: z.string() })) })

async function listed(path: string): Promise<z.infer<typeof lists>["data"]> {
  const { body } = await call(inject("edge"), "global", "GET", path)
  return lists.parse(JSON.parse(body)).data
}

/** What there is of a system account: its roles and its tokens; null when it is not there. */
async function accountNamed(name: string): Promise<{ roles: number; tokens: number } | null> {
  const [account] = await listed(`/v3/system-accounts?filter[name][eq]=${name}`)
  if (!account) return null
  const path = `/v3/system-accounts/${account.id}`
  return {
    roles: (await listed(`${path}/assigned-roles`)).length,
    tokens: (await listed(`${path}/access-tokens`)).length,
  }
}

describe("a creation that fails leaves nothing of what it made", () => {
  test.each([
    [
      "a project that is not there",
      ["--role", "Viewer", "--project", "token-cards", "--region", "eu"],
      /^There is no project 'token-cards' in region 'eu'\. The nearest of \d+: token-carts/,
    ],
    [
      "a project of another region",
      ["--role", "Viewer", "--project", PROJECT, "--region", "us"],
      /^There is no project 'token-carts' in region 'us'\. /,
    ],
    [
      "a project that is in no region",
      ["--role", "Viewer", "--project", "token-cards"],
      /^There is no project 'token-cards' in any region\. The nearest of \d+: token-carts/,
    ],
    [
      "a region that is not there",
      ["--role", "Viewer", "--region", "mars"],
      "There is no region 'mars'. Regions: eu, us.",
    ],
    ["a role that is not there", ["--role", "Captain", "--project", PROJECT], /^role_name /],
    ["a life that is too long", ["--role", "Viewer", "--project", PROJECT, "--days", "400"], /^ttl_seconds /],
    ["a project without a role", ["--project", PROJECT], /--role is missing/],
  ])("of an account, for %s", async (_, args, message) => {
    const { status, error } = token(inject("edge"), ["create", "--account", "captain", ...args])
    expect(status).toBe(1)
    expect(error).toMatch(message)
    expect(await accountNamed("captain")).toBeNull()
  })

  test("but for what was there before it: another token of the same name", async () => {
    const edge = inject("edge")
    const create = (...args: string[]) => token(edge, ["create", "--account", "sailor", "--name", "ci", ...args])
    expect(create("--role", "Viewer", "--project", PROJECT, "--region", "eu").status).toBe(0)
    const before = await accountNamed("sailor")
    expect(before).toEqual({ roles: 1, tokens: 1 })
    for (const role of ["Admin", "Viewer"]) {
      const { status, error } = create("--role", role, "--project", PROJECT, "--region", "eu")
      expect([status, error]).toEqual([1, "A token with the name 'ci' already exists: choose another name"])
      expect(await accountNamed("sailor")).toEqual(before)
    }
  })

  test("of an account, when the token to be imported is refused", async () => {
    const { status, error } = token(inject("edge"), ["import", "--account", "stowaway"], "short\n")
    expect(status).toBe(1)
    expect(error).toMatch(/^token /)
    expect(await accountNamed("stowaway")).toBeNull()
  })

  test("and says what it could not take back", async () => {
    const undo = new Undo()
    const taken: string[] = []
    const failing = undo.run(() => {
      undo.made("account a", () => Promise.resolve(void taken.push("a")))
      undo.made("role b", () => Promise.reject(new Error("gone")))
      undo.made("role c", () => Promise.resolve(void taken.push("c")))
      return Promise.reject(new Error("It failed."))
    })
    await expect(failing).rejects.toThrow("It failed. This was made before, and could not be taken back: role b.")
    expect(taken).toEqual(["c", "a"])
  })
})

test.each([
  [
    "sokshop",
    ["carts", "sockshop", "sock-shop", "a-quite-other-name"],
    "The nearest of 4: sockshop, sock-shop, carts.",
  ],
  ["x", [], "There are no projects yet: create it first."],
])("names the projects nearest to %s", (name, there, expected) => {
  expect(suggestion(name, there)).toBe(expected)
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
