/** Our object ids beside those of the real git: first of objects we make up, then of what the API answered and stored. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { encodeCommit, encodeTree, objectId, parseTree, type TreeEntry } from "../../src/git/objects.ts"
import { call, createProject } from "./client.ts"
import { startEdge, stopEdge } from "./edge.ts"

let repository: string

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "quarterdeck-git-"))
  git(["init", "--quiet"])
})

afterAll(() => rmSync(repository, { recursive: true }))

test("blobs have git's ids, whatever their bytes", async () => {
  for (const content of ["", "hello\n", "\0\r\n\xff", "x".repeat(100_000)].map((text) => Buffer.from(text, "latin1"))) {
    expect(await objectId("blob", content)).toBe(git(["hash-object", "-w", "--stdin"], content))
  }
})

test("trees have git's ids, in git's order of files and folders", async () => {
  const blob = git(["hash-object", "-w", "--stdin"], "x")
  const empty = git(["mktree"], "")
  const names = ["a", "a-b", "a.b", "ab", "A", "ä", "z", "🙂", "￿"]
  const entries = names.flatMap((name): TreeEntry[] => [
    { mode: "100644", name: `${name}.txt`, id: blob },
    { mode: "40000", name, id: empty },
  ])
  const content = encodeTree(entries)
  const lines = entries.map(
    ({ mode, name, id }) => `${mode.padStart(6, "0")} ${mode === "40000" ? "tree" : "blob"} ${id}\t${name}`,
  )
  expect(await objectId("tree", content)).toBe(git(["mktree", "-z"], `${lines.join("\0")}\0`))
  expect(encodeTree(parseTree(content))).toEqual(content)
})

test("commits have git's ids, whatever the name of the author", async () => {
  const tree = git(["mktree"], "")
  const parent = git(["commit-tree", tree, "-m", "parent"], "", author("Somebody", "some@example.com", 1))
  for (const name of ["Ada Lovelace", "A <b> c", " .dots, and 'quotes'. ", "李雷"]) {
    const signature = { name, email: "x@noreply.example.com", time: 1_700_000_000 }
    const message = "Write slo.yaml\n\nand more"
    const content = encodeCommit({ tree, parent, author: signature, message })
    const theirs = git(
      ["commit-tree", tree, "-p", parent, "-m", message],
      "",
      author(name, signature.email, signature.time),
    )
    expect(await objectId("commit", content)).toBe(theirs)
  }
})

test("the versions that the API answers are the ids of the commits that real git makes of the same history", async () => {
  const edge = await startEdge()
  await createProject(edge, "sockshop", "dev", "staging")
  await call(edge, "eu", "POST", "/api/controlPlane/v1/project/sockshop/service", { serviceName: "carts" })
  const written: string[] = []
  for (const [scope, uri, content] of [
    ["", "slo.yaml", "project"],
    ["/stage/dev", "jmeter/load.jmx", "stage"],
    ["/stage/dev/service/carts", "helm/carts.tgz", "service"],
    ["/stage/dev/service/carts", "helm/templates/a.yaml", "deeper"],
    ["/stage/dev/service/carts", "helm/carts.tgz", "changed"],
    ["/stage/staging", "ä ö.txt", "name"],
  ] as const) {
    const resources = [{ resourceURI: uri, resourceContent: Buffer.from(content).toString("base64") }]
    const path = `/api/resource-service/v1/project/sockshop${scope}/resource`
    const { body } = await call(edge, "eu", "POST", path, { resources })
    written.push(z.object({ commitID: z.string() }).parse(JSON.parse(body)).commitID)
  }
  await stopEdge(edge, "SIGTERM")

  const { commits, trees } = readObjects(edge.state)
  rmSync(edge.state, { recursive: true })
  for (const tree of trees) {
    expect(git(["hash-object", "-t", "tree", "-w", "--stdin"], tree.content)).toBe(tree.id)
  }
  for (const commit of commits) expect(commitAgain(commit.content)).toBe(commit.id)
  expect(commits.map((commit) => commit.id)).toEqual(expect.arrayContaining(written))
  expect(new Set(written).size).toBe(6)
})

const rows = z.array(z.object({ id: z.string(), content: z.instanceof(Uint8Array) }))

/** The commits and trees that an edge has stored in `eu`, in the order in which it stored them. */
function readObjects(state: string): Record<"commits" | "trees", z.infer<typeof rows>> {
  const folder = join(state, "v3", "d1", "miniflare-D1DatabaseObject")
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".sqlite"))) {
    const database = new DatabaseSync(join(folder, name), { readOnly: true })
    const has = database.prepare("select 1 from sqlite_master where name = 'commits'").get()
    const read = (table: string) =>
      rows.parse(database.prepare(`select id, content from ${table} order by rowid`).all())
    const objects = has ? { commits: read("commits"), trees: read("trees") } : null
    database.close()
    if (objects && objects.commits.length > 0) return objects
  }
  throw new Error("no commit is stored")
}

/** Lets real git make the commit again from what a stored one says. Answers its id. */
function commitAgain(content: Uint8Array): string {
  const text = Buffer.from(content).toString()
  const [head = "", ...rest] = text.split("\n\n")
  const field = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(head)?.[1]
  const [, name = "", email = "", time = ""] = /^(.*) <(.*)> (\d+) \+0000$/.exec(field("author") ?? "") ?? []
  const parent = field("parent")
  const parents = parent === undefined ? [] : ["-p", parent]
  return git(
    ["commit-tree", field("tree") ?? "", ...parents, "-F", "-"],
    rest.join("\n\n"),
    author(name, email, Number(time)),
  )
}

function author(name: string, email: string, time: number): Record<string, string> {
  const date = `@${time} +0000`
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  }
}

/** Runs git in the test's repository. Answers what it printed. */
function git(args: string[], input: string | Uint8Array = "", env: Record<string, string> = {}): string {
  const options = { cwd: repository, input, encoding: "utf8" as const, env: { ...process.env, ...env } }
  return execFileSync("git", args, options).trim()
}
