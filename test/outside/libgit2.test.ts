/** Libgit2, which many programs use in the place of git, beside a running edge. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import type { Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { z } from "zod"
import { createProject } from "./client.ts"
import { read, readAll, write } from "./git-client.ts"
import { startHostProxy } from "./host-proxy.ts"
import { findPython } from "./python/find-python.ts"

const edge = inject("edge")
const PROJECT = "libgit2"
const CLIENT = join(import.meta.dirname, "python", "libgit2-client.py")
const INFINITE_DEPTH = "2147483647"

const state = z.object({
  head: z.string(),
  commits: z.array(z.string()),
  files: z.record(z.string(), z.string()),
  branches: z.array(z.string()),
  shallow: z.boolean(),
})
const pushed = z.object({ error: z.string().nullable(), refused: z.record(z.string(), z.string()) })

/** The commits that the API made on `dev`, the newest first. */
const commits: string[] = []
let folder: string
let proxy: Server
let url: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "quarterdeck-libgit2-"))
  const started = await startHostProxy(edge, "eu")
  proxy = started.server
  url = `${started.url}/git/${PROJECT}.git`
  await createProject(edge, PROJECT, "dev", "prod")
  for (const n of [1, 2, 3]) {
    commits.unshift(await write(edge, PROJECT, "/stage/dev", { "counter.txt": `${n}`, [`folder-${n}/file.txt`]: "x" }))
  }
})

afterAll(() => {
  proxy.close()
  rmSync(folder, { recursive: true })
})

/** Runs a command of the client, which must succeed; returns what it printed. */
async function libgit2(...args: string[]): Promise<unknown> {
  const child = spawn(findPython() ?? "python3", [CLIENT, ...args], { env: { ...process.env, TOKEN: edge.token } })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  const [out, error]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on("data", (part: Buffer) => out.push(part))
  child.stderr.on("data", (part: Buffer) => error.push(part))
  child.on("error", reject)
  child.on("close", resolve)
  if ((await promise) !== 0) throw new Error(`libgit2 ${args.join(" ")}: ${Buffer.concat(error).toString()}`)
  return JSON.parse(Buffer.concat(out).toString())
}

const at = (name: string) => join(folder, name)

test("a clone has every branch, and the files that the API reads", async () => {
  const clone = state.parse(await libgit2("clone", url, at("whole"), "0", "dev"))
  expect(clone).toMatchObject({ head: commits[0], shallow: false })
  expect(clone.branches).toEqual(["origin/dev", "origin/main", "origin/prod"])
  expect(clone.commits.slice(0, 3)).toEqual(commits)
  expect(clone.files).toEqual(await readAll(edge, PROJECT, "/stage/dev"))
})

test("a shallow clone has one commit, fetches what is new, is deepened and made whole", async () => {
  const clone = state.parse(await libgit2("clone", url, at("shallow"), "1", "dev"))
  expect(clone).toMatchObject({ commits: [commits[0]], shallow: true })
  expect(clone.files).toEqual(await readAll(edge, PROJECT, "/stage/dev"))
  commits.unshift(await write(edge, PROJECT, "/stage/dev", { "counter.txt": "after the clone" }))
  const newer = state.parse(await libgit2("fetch", at("shallow"), "0", "dev"))
  expect(newer).toMatchObject({ commits: commits.slice(0, 2), shallow: true })
  expect(newer.files["counter.txt"]).toBe("after the clone")
  expect(state.parse(await libgit2("fetch", at("shallow"), "3", "dev")).commits).toEqual(commits.slice(0, 3))
  const whole = state.parse(await libgit2("fetch", at("shallow"), INFINITE_DEPTH, "dev"))
  expect(whole.commits.slice(0, commits.length)).toEqual(commits)
  expect(whole.shallow).toBe(false)
})

test("what is pushed is read by the API, and a branch that moved is refused with a reason", async () => {
  await libgit2("clone", url, at("pushed"), "0", "dev")
  await libgit2("clone", url, at("late"), "0", "dev")
  const { id } = z.object({ id: z.string() }).parse(await libgit2("commit", at("pushed"), "pushed.txt", "by libgit2"))
  const push = pushed.parse(await libgit2("push", at("pushed"), "refs/heads/dev"))
  expect(push).toEqual({ error: null, refused: {} })
  expect(await read(edge, PROJECT, "/stage/dev", "pushed.txt", id)).toBe("by libgit2")
  commits.unshift(id)
  await libgit2("commit", at("late"), "late.txt", "too late")
  const late = pushed.parse(await libgit2("push", at("late"), "+refs/heads/dev:refs/heads/dev"))
  expect(late.refused["refs/heads/dev"] ?? late.error).toMatch(/non-fast-forward/)
  expect(await read(edge, PROJECT, "/stage/dev", "late.txt")).toBe(null)
})

test("a push from a shallow clone is taken", async () => {
  await libgit2("clone", url, at("shallow-push"), "1", "prod")
  await libgit2("commit", at("shallow-push"), "shallow.txt", "from a shallow clone")
  const push = pushed.parse(await libgit2("push", at("shallow-push"), "refs/heads/prod"))
  expect(push).toEqual({ error: null, refused: {} })
  expect(await read(edge, PROJECT, "/stage/prod", "shallow.txt")).toBe("from a shallow clone")
})
