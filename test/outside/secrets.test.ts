/** `npm run secrets`, and the keys of a local run. */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, inject, test } from "vitest"
import { call } from "./client.ts"
import { type RunningEdge, startEdge, stopEdge } from "./edge.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const SECRETS = "/api/secrets/v1/secret"
const KEY = /^\d{4}-\d\d-\d\d-[0-9a-f]{4}:[\w-]{43}$/

function secrets(args: string[], input = ""): { status: number | null; out: string; error: string } {
  const result = spawnSync(process.execPath, ["scripts/secrets.ts", ...args], { cwd: ROOT, input, encoding: "utf8" })
  return { status: result.status, out: result.stdout.trim(), error: result.stderr.trim() }
}

async function putSecret(edge: RunningEdge, name: string): Promise<number> {
  return (await call(edge, "eu", "POST", SECRETS, { name, data: { k: "v" } })).status
}

test("makes lists of keys: the first, one with another key before it, and one without the old ones", () => {
  const first = secrets(["new-key"]).out
  expect(first).toMatch(KEY)
  const both = secrets(["rotate"], `${first}\n`).out.split(",")
  expect(both).toEqual([expect.stringMatching(KEY), first])
  expect(both[0]).not.toBe(first)
  expect(secrets(["retire"], both.join(" , ")).out).toBe(both[0])
})

test.each([
  [["sing"], "", "Unknown command sing. See npm run secrets -- help."],
  [["new-key", "please"], "", "Unknown argument please. See npm run secrets -- help."],
  [["rotate"], "", /^The list must be a list of id:key, each key 32 bytes in base64url: entry 1 is not\./],
  [["retire"], "the-secret", /^The list must be .+: entry 1 is not\./],
])("says in one line what is wrong with %j, and repeats no key", (args, input, message) => {
  const { status, out, error } = secrets(args, input)
  expect([status, out]).toEqual([1, ""])
  expect(error).toMatch(message)
  expect(error.split("\n")).toHaveLength(1)
  expect(error).not.toContain("the-secret")
})

test("a local run has keys of its own, for its owner only, and keeps them", async () => {
  const running = inject("edge")
  const file = join(running.state, "secret-keys")
  expect(readFileSync(file, "utf8").trim()).toMatch(KEY)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await putSecret(running, "of-a-local-run")).toBe(201)
})

test("a local run takes up a changed list when it starts, and refuses one that is none", async () => {
  const edge = await startEdge()
  const file = join(edge.state, "secret-keys")
  const first = readFileSync(file, "utf8")
  await stopEdge(edge, "SIGTERM")
  writeFileSync(file, secrets(["rotate"], first).out)
  const again = await startEdge(edge.state)
  expect(await putSecret(again, "after-the-change")).toBe(201)
  expect(readFileSync(file, "utf8")).toContain(first.trim())
  await stopEdge(again, "SIGTERM")
  writeFileSync(file, "no list")
  const env = { ...process.env, PORT: String(edge.port), QUARTERDECK_STATE: edge.state }
  const refused = spawnSync(process.execPath, ["scripts/start.ts"], { cwd: ROOT, env, encoding: "utf8" })
  expect([refused.status, refused.stderr.split("\n")]).toEqual([
    1,
    [expect.stringMatching(/secret-keys must be a list of id:key, .+ Restore it, or remove it: /), ""],
  ])
  rmSync(edge.state, { recursive: true })
})
