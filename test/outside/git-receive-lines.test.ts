/** What a push is answered with, byte for byte beside git's own server on the same repository. */
import { readFileSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest"
import { createProject } from "./client.ts"
import { Workspace } from "./git-client.ts"
import { askBackend } from "./http-backend.ts"

const edge = inject("edge")
const ZERO = "0".repeat(40)
const TYPE = "application/x-git-receive-pack-request"
/** So that git refuses what the edge refuses. */
const CONFIG = ["receive.denyNonFastForwards=true", "receive.denyDeletes=true", "receive.advertisePushOptions=false"]

let work: Workspace
let number = 0
let project: string
/** A bare copy of the project, and a clone with one commit more. */
let bare: string
let clone: string
let head: string
let next: string

beforeAll(() => {
  work = new Workspace(edge)
})

beforeEach(async () => {
  project = `received-${++number}`
  await createProject(edge, project, "dev", "prod")
  ;[bare, clone] = [`${project}-bare`, project]
  await work.git("", ["clone", "--quiet", "--mirror", work.url(project), bare])
  await work.clone(project, clone, "--branch", "dev")
  head = await work.head(clone)
  next = await work.commit(clone, { "a.txt": "a" })
})

afterAll(() => work.remove())

/** The body of a push, with a pack of what is new in the clone. */
async function bodyOf(commands: readonly string[], capabilities: string): Promise<Buffer<ArrayBuffer>> {
  const lines = commands.map((command, index) => line(index === 0 ? `${command}\0${capabilities}` : command))
  const revisions = commands.map((command) => command.split(" ")[1]).filter((id) => id !== ZERO)
  const file = join(work.folder, `${project}.pack`)
  const list = `${revisions.join("\n")}\n^${head}\n`
  const name = await work.git(clone, ["pack-objects", "--quiet", "--revs", file], list)
  return Buffer.concat([Buffer.from(`${lines.join("")}0000`), readFileSync(`${file}-${name}.pack`)])
}

function line(content: string): string {
  return (content.length + 4).toString(16).padStart(4, "0") + content
}

/** Sends the same to both; returns what each answers. */
async function both(path: string, body?: Buffer<ArrayBuffer>): Promise<{ ours: string; theirs: string }> {
  const method = body === undefined ? "GET" : "POST"
  const ours = await askEdge(method, path, body)
  const theirs = await askBackend(
    work.folder,
    { method, path: `/${bare}${path}`, type: TYPE, ...(body && { body: new Uint8Array(body) }) },
    CONFIG,
  )
  return { ours: ours.toString("latin1"), theirs: theirs.toString("latin1") }
}

function askEdge(method: string, path: string, body: Uint8Array = new Uint8Array()): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const headers = {
    host: `eu.api.localhost:${edge.port}`,
    "x-token": edge.token,
    "content-type": TYPE,
    "content-length": body.length,
  }
  const options = { host: "127.0.0.1", port: edge.port, method, path: `/git/${project}.git${path}`, headers }
  const sent = request(options, (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("end", () => resolve(Buffer.concat(parts)))
    response.on("error", reject)
  })
  sent.on("error", reject)
  // Not all at once, as it comes over a network.
  const half = body.length >> 1
  sent.write(body.subarray(0, half), () => setTimeout(() => sent.end(body.subarray(half)), 50))
  return promise
}

const PROGRESS = 2

/** The frames of an answer, without those of the band on which git explains what it refuses. */
function withoutProgress(answer: string): string {
  let kept = ""
  for (let offset = 0; offset < answer.length;) {
    const length = Math.max(4, Number.parseInt(answer.slice(offset, offset + 4), 16))
    if (answer.charCodeAt(offset + 4) !== PROGRESS) kept += answer.slice(offset, offset + length)
    offset += length
  }
  return kept
}

/** Reasons are each server's own words, of their own lengths: what is left is what stands around them. */
function withoutReasons(answer: string): string {
  return withoutProgress(answer)
    .replace(/[0-9a-f]{4}(ng \S+ )[^\n]+\n/g, "$1\n")
    .replace(/^[0-9a-f]{4}(\p{Cc})/u, "$1")
}

/** What a server can do is its own. */
function withoutCapabilities(answer: string): string {
  return answer.replace(/[0-9a-f]{4}([0-9a-f]{40} \S+)\0[^\n]*\n/, "$1\n")
}

const CAPABILITIES = [
  "",
  "report-status",
  "side-band-64k",
  "report-status side-band-64k",
  "report-status side-band-64k atomic quiet object-format=sha1 agent=test/1",
]

test.each(CAPABILITIES)("a push that is taken, with the capabilities '%s'", async (capabilities) => {
  const { ours, theirs } = await both(
    "/git-receive-pack",
    await bodyOf([`${head} ${next} refs/heads/dev`], capabilities),
  )
  expect(ours).toBe(theirs)
  if (capabilities.includes("report-status")) expect(ours).toContain("ok refs/heads/dev\n")
})

test("a push of two branches", async () => {
  const commands = [`${head} ${next} refs/heads/dev`, `${head} ${next} refs/heads/prod`]
  const { ours, theirs } = await both("/git-receive-pack", await bodyOf(commands, "report-status side-band-64k"))
  expect(ours).toBe(theirs)
})

test.each(CAPABILITIES)("a push of which one branch is refused, with the capabilities '%s'", async (capabilities) => {
  const stale = await work.git(clone, ["commit-tree", "-m", "another history", `${next}^{tree}`])
  const commands = [`${head} ${next} refs/heads/dev`, `${head} ${stale} refs/heads/prod`]
  const { ours, theirs } = await both("/git-receive-pack", await bodyOf(commands, capabilities))
  expect(withoutReasons(ours)).toBe(withoutReasons(theirs))
})

test("a push that deletes a branch", async () => {
  const body = Buffer.from(`${line(`${head} ${ZERO} refs/heads/prod\0report-status delete-refs`)}0000`)
  const { ours, theirs } = await both("/git-receive-pack", body)
  expect(withoutReasons(ours)).toBe(withoutReasons(theirs))
})

test("a push that moves nothing, as git asks before it sends a large pack", async () => {
  const { ours, theirs } = await both("/git-receive-pack", Buffer.from("0000"))
  expect(ours).toBe(theirs)
})

test("what there is to be pushed to, but for what each server can do", async () => {
  const { ours, theirs } = await both("/info/refs?service=git-receive-pack")
  expect(withoutCapabilities(ours)).toBe(withoutCapabilities(theirs))
})

test("a push that is refused by its beginning, while its end has not been sent", async () => {
  const header = Buffer.from("PACK\0\0\0\u0002\0\0\u004e\u0021", "latin1")
  const begin = Buffer.from(`${line(`${head} ${next} refs/heads/dev\0report-status`)}0000`)
  const answer = await askEdge("POST", "/git-receive-pack", Buffer.concat([begin, header, Buffer.alloc(100_000)]))
  expect(answer.toString()).toMatch(
    /^....unpack it has 20001 objects, .*\n....ng refs\/heads\/dev the pack was refused\n0000$/,
  )
})
