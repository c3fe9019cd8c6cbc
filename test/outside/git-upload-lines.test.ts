/** What a fetch is answered with, byte for byte beside git's own server on the same repository: every line but those of the pack. */
import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { createProject } from "./client.ts"
import { Workspace } from "./git-client.ts"
import { askBackend } from "./http-backend.ts"

const edge = inject("edge")
const PROJECT = "uploaded"
const BARE = "uploaded-bare"
const TYPE = "application/x-git-upload-pack-request"
const CONFIG = ["uploadpack.allowReachableSHA1InWant=true"]
const UNKNOWN = ["a", "b", "c"].map((digit) => digit.repeat(40))
/** A day in the history, which has a commit a day. */
const DAY = 86_400
const FIRST = 1_900_000_000

let work: Workspace
/** The commits of `dev`, which has merges, by what they are. */
const at: Record<string, string> = {}

beforeAll(async () => {
  work = new Workspace(edge)
  await createProject(edge, PROJECT, "dev", "prod")
  await work.clone(PROJECT, "made", "--branch", "dev")
  at["root"] = await work.head("made")
  let day = 0
  const commit = async (name: string) => {
    const date = `${FIRST + DAY * day++} +0000`
    await work.git("made", ["commit", "--quiet", "--allow-empty", "-m", name], "", { GIT_COMMITTER_DATE: date })
    at[name] = await work.head("made")
  }
  for (const name of ["one", "two"]) await commit(name)
  await work.git("made", ["checkout", "--quiet", "-b", "side"])
  for (const name of ["left", "lefter"]) await commit(name)
  await work.git("made", ["checkout", "--quiet", "dev"])
  await commit("right")
  const date = { GIT_COMMITTER_DATE: `${FIRST + DAY * day++} +0000` }
  await work.git("made", ["merge", "--quiet", "--no-ff", "--no-edit", "side"], "", date)
  at["merge"] = await work.head("made")
  for (const name of ["three", "four"]) await commit(name)
  await work.git("made", ["push", "--quiet", "origin", "dev", `${at["one"]}:prod`])
  await work.git("", ["clone", "--quiet", "--mirror", work.url(PROJECT), BARE])
})

afterAll(() => work.remove())

function line(content: string): string {
  return (content.length + 4).toString(16).padStart(4, "0") + content
}

const FLUSH = "0000"
const DELIMITER = "0001"

/** Fills in the commits: `have {one}`. */
function named(text: string): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => at[name] ?? UNKNOWN[Number(name)] ?? name)
}

/** Sends the same to both; returns what each answers. */
async function both(body: string | null, protocol = ""): Promise<{ ours: string; theirs: string }> {
  const [method, path] =
    body === null ? ["GET" as const, "/info/refs?service=git-upload-pack"] : ["POST" as const, "/git-upload-pack"]
  const sent = Buffer.from(body ?? "")
  const ours = await askEdge(method, path, sent, protocol)
  const asked = { method, path: `/${BARE}${path}`, type: TYPE, body: new Uint8Array(sent), protocol }
  const theirs = await askBackend(work.folder, asked, CONFIG)
  return { ours: linesOf(ours), theirs: linesOf(theirs) }
}

function askEdge(method: string, path: string, body: Buffer<ArrayBuffer>, protocol: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const headers = {
    host: `eu.api.localhost:${edge.port}`,
    "x-token": edge.token,
    "content-type": TYPE,
    "git-protocol": protocol,
  }
  const options = { host: "127.0.0.1", port: edge.port, method, path: `/git/${PROJECT}.git${path}`, headers }
  const sent = request(options, (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("end", () => resolve(Buffer.concat(parts)))
    response.on("error", reject)
  })
  sent.on("error", reject)
  sent.end(body)
  return promise
}

/** An answer frame by frame, each with its length and line feed shown; a pack and its progress are shown as such, in whatever pieces they come. */
function linesOf(answer: Buffer): string {
  const lines: string[] = []
  for (let offset = 0; offset < answer.length;) {
    if (answer.subarray(offset, offset + 4).toString() === "PACK") return [...lines, "a pack"].join("\n")
    const frame = answer.subarray(offset, offset + Number.parseInt(answer.subarray(offset, offset + 4).toString(), 16))
    const band = frame[4] ?? 0
    const text = band === 1 ? "a pack on band 1" : JSON.stringify(frame.toString("latin1"))
    if (frame.length === 0) lines.push(answer.subarray(offset, offset + 4).toString())
    else if (frame.length === 1) lines.push(DELIMITER)
    else if (band !== 2 && lines.at(-1) !== text) lines.push(text)
    offset += Math.max(4, frame.length)
  }
  return lines.join("\n")
}

/** A fetch in version 2. */
function fetchOf(args: readonly string[]): string {
  const lines = args.map((arg) => line(named(`${arg}\n`)))
  return [line("command=fetch\n"), line("object-format=sha1\n"), DELIMITER, ...lines, FLUSH].join("")
}

/** A fetch in the older version; `talk` null asks for the cuts only. */
function oldFetchOf(capabilities: string, wants: readonly string[], talk: readonly string[] | null): string {
  const [first = "", ...others] = wants
  const lines = [`${first} ${capabilities}`.trim(), ...others].map((want) => line(named(`${want}\n`)))
  const behind = (talk ?? []).map((one) => (one === FLUSH ? one : line(named(`${one}\n`))))
  return [...lines, FLUSH, ...behind].join("")
}

/** What a server can do is its own. */
function withoutCapabilities(text: string): string {
  return text.replace(/"[0-9a-f]{4}([0-9a-f]{40} HEAD)[^\n]*/, "$1")
}

describe("version 2", () => {
  test.each([
    ["a clone", ["want {four}", "done"]],
    ["a clone that names nothing it has, and does not say that it is done", ["want {four}"]],
    ["nothing that is wanted", ["have {one}", "done"]],
    ["a have that is enough", ["want {four}", "have {two}"]],
    ["a have that is enough, and done", ["want {four}", "have {two}", "done"]],
    ["a have that is a parent of what is wanted", ["want {merge}", "have {lefter}"]],
    ["a have that is on the other branch", ["want {right}", "have {lefter}"]],
    ["a have that is behind what is wanted", ["want {one}", "have {four}"]],
    ["two that are wanted, one of which is not reached", ["want {right}", "want {root}", "have {two}"]],
    ["haves that are known, unknown and repeated", ["want {four}", "have {0}", "have {one}", "have {1}", "have {one}"]],
    ["haves that are all unknown", ["want {four}", "have {0}", "have {1}"]],
    ["haves that are all unknown, and done", ["want {four}", "have {0}", "have {1}", "done"]],
    ["depth 1", ["want {four}", "deepen 1", "done"]],
    ["depth 1 of a first commit", ["want {root}", "deepen 1", "done"]],
    ["depth 1 of two branches", ["want {four}", "want {one}", "deepen 1", "done"]],
    ["a depth at which a merge is cut", ["want {four}", "deepen 4", "done"]],
    ["a depth that reaches the first commit by one way only", ["want {four}", "deepen 6", "done"]],
    ["a depth beyond the history", ["want {four}", "deepen 50", "done"]],
    ["a fetch of a shallow clone", ["want {four}", "shallow {three}", "have {three}", "done"]],
    ["a fetch of a shallow clone that is not done", ["want {four}", "shallow {three}", "have {three}"]],
    ["a fetch of a clone that is cut at unknown commits", ["want {four}", "shallow {0}", "shallow {1}", "done"]],
    ["a shallow clone that is cut elsewhere", ["want {four}", "shallow {four}", "have {four}", "deepen 2", "done"]],
    ["a shallow clone that is cut as before", ["want {four}", "shallow {four}", "have {four}", "deepen 1", "done"]],
    [
      "a shallow clone that is deepened",
      ["want {four}", "shallow {three}", "have {four}", "deepen 2", "deepen-relative", "done"],
    ],
    ["a whole clone that is deepened", ["want {four}", "have {three}", "deepen 1", "deepen-relative", "done"]],
    [
      "a shallow clone that is made whole",
      ["want {four}", "shallow {three}", "have {four}", "deepen 2147483647", "done"],
    ],
    [
      "a clone that is made whole, cut at something that is not wanted",
      ["want {one}", "shallow {three}", "have {one}", "deepen 2147483647", "done"],
    ],
    ["what was since a time", ["want {four}", `deepen-since ${FIRST + DAY * 3.5}`, "done"]],
    [
      "what was since a time, of two branches",
      ["want {four}", "want {one}", `deepen-since ${FIRST + DAY * 3.5}`, "done"],
    ],
    ["what was since before the first commit", ["want {one}", "deepen-since 1", "done"]],
    ["what a branch does not have", ["want {four}", "deepen-not refs/heads/prod", "done"]],
    ["what a branch does not have, by its short name", ["want {four}", "deepen-not prod", "done"]],
    ["what HEAD does not have", ["want {four}", "deepen-not HEAD", "done"]],
    ["both", ["want {four}", `deepen-since ${FIRST + DAY * 2.5}`, "deepen-not main", "done"]],
    [
      "a shallow clone that gets what was since a time",
      ["want {four}", "shallow {four}", "have {four}", `deepen-since ${FIRST + DAY * 1.5}`, "done"],
    ],
    ["something that is not there", ["want {0}", "done"]],
  ])("%s", async (_, args) => {
    const { ours, theirs } = await both(fetchOf(args), "version=2")
    expect(ours).toBe(theirs)
  })

  test("a shallow clone that is deepened, cut at something else too, but for the order of the cuts", async () => {
    const args = ["want {one}", "shallow {one}", "shallow {four}", "have {one}", "deepen 1", "deepen-relative", "done"]
    const { ours, theirs } = await both(fetchOf(args), "version=2")
    // Git tells them in the order in which they stand in a table of hashes.
    expect(ours.split("\n").toSorted()).toEqual(theirs.split("\n").toSorted())
  })

  test.each([
    ["a time in the future", [`deepen-since ${FIRST + DAY * 1000}`]],
    ["a branch that has everything", ["deepen-not dev"]],
  ])("%s: git breaks off, and says why on its own side only; here the client is told", async (_, args) => {
    const { ours, theirs } = await both(fetchOf(["want {four}", ...args, "done"]), "version=2")
    expect(theirs).toBe(JSON.stringify(line("shallow-info\n")))
    expect(ours).toBe(JSON.stringify(line("ERR no commits selected for shallow requests")))
  })

  test.each([
    ["all", []],
    ["all, with what HEAD stands for", ["symrefs", "peel"]],
    ["some", ["symrefs", "ref-prefix HEAD", "ref-prefix refs/heads/d"]],
    ["none", ["ref-prefix refs/tags/"]],
  ])("the branches: %s", async (_, args) => {
    const body = [line("command=ls-refs\n"), DELIMITER, ...args.map((arg) => line(`${arg}\n`)), FLUSH].join("")
    const { ours, theirs } = await both(body, "version=2")
    expect(ours).toBe(theirs)
  })
})

describe("version 0", () => {
  const BANDS = "multi_ack_detailed side-band-64k ofs-delta object-format=sha1"
  const talks: [string, string[], string[] | null][] = [
    ["a clone", ["want {four}"], ["done"]],
    ["a clone of two branches", ["want {four}", "want {one}"], ["done"]],
    ["a have that is enough", ["want {four}"], ["have {two}", FLUSH]],
    ["a have that is enough, and done", ["want {four}"], ["have {two}", "done"]],
    ["two haves, and done", ["want {four}"], ["have {two}", "have {one}", "done"]],
    ["two haves, and more to come", ["want {four}"], ["have {two}", "have {one}", FLUSH]],
    ["a have that is on the other branch", ["want {right}"], ["have {lefter}", FLUSH]],
    ["haves that are unknown", ["want {four}"], ["have {0}", "have {1}", FLUSH]],
    ["haves that are unknown, and done", ["want {four}"], ["have {0}", "have {1}", "done"]],
    ["unknown ones before and behind what is enough", ["want {four}"], ["have {0}", "have {two}", "have {1}", FLUSH]],
    ["the same, and done", ["want {four}"], ["have {0}", "have {two}", "have {1}", "done"]],
    ["unknown ones between haves", ["want {right}"], ["have {lefter}", "have {0}", "have {one}", "have {1}", FLUSH]],
    ["only the cuts of depth 1", ["want {four}", "deepen 1"], null],
    ["depth 1", ["want {four}", "deepen 1"], ["done"]],
    ["a shallow clone that is deepened", ["want {four}", "shallow {three}", "deepen 3"], ["have {four}", "done"]],
    [
      "a shallow clone that is made whole",
      ["want {four}", "shallow {three}", "deepen 2147483647"],
      ["have {four}", "done"],
    ],
    ["a fetch of a shallow clone", ["want {four}", "shallow {three}"], ["have {three}", "done"]],
    ["what was since a time", ["want {four}", `deepen-since ${FIRST + DAY * 3.5}`], ["done"]],
    ["what a branch does not have", ["want {four}", "deepen-not prod"], ["done"]],
  ]

  test.each(talks)("%s", async (_, wants, haves) => {
    for (const capabilities of [BANDS, "", "multi_ack_detailed", "side-band-64k"]) {
      const { ours, theirs } = await both(oldFetchOf(capabilities, wants, haves))
      expect(ours, capabilities).toBe(theirs)
    }
  })

  test("nothing that is wanted", async () => {
    const { ours, theirs } = await both(FLUSH)
    expect(ours).toBe(theirs)
  })

  test("something that is not there", async () => {
    const { ours, theirs } = await both(oldFetchOf(BANDS, ["want {0}"], ["done"]))
    expect(ours).toBe(theirs)
  })

  test("what can be fetched, but for what each server can do", async () => {
    const { ours, theirs } = await both(null)
    expect(withoutCapabilities(ours)).toBe(withoutCapabilities(theirs))
  })
})
