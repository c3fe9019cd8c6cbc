/** The real git beside a running edge. */
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { z } from "zod"
import { type Answer, call } from "./client.ts"
import type { RunningEdge } from "./edge.ts"

/** What a command came to. */
export interface Outcome {
  status: number | null
  out: string
  error: string
}

/** A folder for clones, in which git knows nothing of the machine that it runs on. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), "quarterdeck-clones-"))
  readonly #edge: RunningEdge

  constructor(edge: RunningEdge) {
    this.#edge = edge
    // Not every system resolves names below localhost.
    const hosts = ["eu", "us"].map((label) => `\tcurloptResolve = ${label}.api.localhost:${edge.port}:127.0.0.1\n`)
    writeFileSync(
      join(this.folder, "config"),
      `[http]\n${hosts.join("")}[gc]\n\tauto = 0\n[advice]\n\tdiverging = false\n`,
    )
  }

  /** The address of a project, with a token as the password; null for none. */
  url(project: string, token: string | null = this.#edge.token, label = "eu"): string {
    const credential = token === null ? "" : `git:${token}@`
    return `http://${credential}${label}.api.localhost:${this.#edge.port}/git/${project}.git`
  }

  /** Runs git in a folder of the workspace. */
  async run(
    folder: string,
    args: string[],
    input: string | Uint8Array = "",
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    const names = { NAME: "A U Thor", EMAIL: "author@example.com" }
    const people = Object.entries(names).flatMap(([key, value]) =>
      [`GIT_AUTHOR_${key}`, `GIT_COMMITTER_${key}`].map((name) => [name, value]),
    )
    const child = spawn("git", args, {
      cwd: join(this.folder, folder),
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        GIT_CONFIG_GLOBAL: join(this.folder, "config"),
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        LC_ALL: "C",
        ...Object.fromEntries(people),
        ...env,
      },
    })
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const out: Buffer[] = []
    const error: Buffer[] = []
    child.stdout.on("data", (part: Buffer) => out.push(part))
    child.stderr.on("data", (part: Buffer) => error.push(part))
    child.on("error", reject)
    child.on("close", (status) => resolve({ status, out: text(out), error: text(error) }))
    // It may end before it has read all.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    return promise
  }

  /** Runs git, which must succeed. Answers what it printed. */
  async git(
    folder: string,
    args: string[],
    input: string | Uint8Array = "",
    env: Record<string, string> = {},
  ): Promise<string> {
    const { status, out, error } = await this.run(folder, args, input, env)
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${status} ${error}`)
    return out.trim()
  }

  /** Clones a project into a folder. */
  async clone(project: string, folder: string, ...options: string[]): Promise<void> {
    await this.git("", ["clone", "--quiet", ...options, this.url(project), folder])
  }

  /** Writes files into a folder and commits everything there. Answers the commit. */
  async commit(folder: string, files: Record<string, string | Uint8Array>, message = "a commit"): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, folder, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
    await this.git(folder, ["add", "--all"])
    await this.git(folder, ["commit", "--quiet", "--allow-empty", "-m", message])
    return this.head(folder)
  }

  async head(folder: string, revision = "HEAD"): Promise<string> {
    return this.git(folder, ["rev-parse", revision])
  }

  /** The objects that a clone has, sorted. */
  async objects(folder: string): Promise<string[]> {
    const list = await this.git(folder, ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"])
    return list.split("\n").toSorted()
  }

  /** The files of a folder, without git's own. */
  files(folder: string): Record<string, string> {
    const root = join(this.folder, folder)
    const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => !path.startsWith(".git"))
    const found = paths.filter((path) => statSync(join(root, path)).isFile())
    return Object.fromEntries(found.toSorted().map((path) => [path, readFileSync(join(root, path), "latin1")]))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

function text(parts: Buffer[]): string {
  return Buffer.concat(parts).toString("utf8")
}

const version = z.string().regex(/^[0-9a-f]{40}$/)
const written = z.object({ commitID: version })
const file = z.object({ resourceContent: z.base64(), metadata: z.object({ version }) })
const list = z.object({ resources: z.array(z.object({ resourceURI: z.string() })), nextPageKey: z.string() })

/** The path of the files of a scope, such as `""`, `/stage/dev` or `/stage/dev/service/carts`. */
export function filesPath(project: string, scope: string): string {
  return `/api/resource-service/v1/project/${project}${scope}/resource`
}

/** Writes files by the API. Answers the commit. */
export async function write(
  edge: RunningEdge,
  project: string,
  scope: string,
  files: Record<string, string | Uint8Array>,
): Promise<string> {
  const resources = Object.entries(files).map(([resourceURI, content]) => ({
    resourceURI,
    resourceContent: Buffer.from(content).toString("base64"),
  }))
  return written.parse(parsed(await call(edge, "eu", "POST", filesPath(project, scope), { resources }), 201)).commitID
}

/** Reads a file by the API, at a commit if one is given; its bytes as Latin-1, null when it is not there. */
export async function read(
  edge: RunningEdge,
  project: string,
  scope: string,
  path: string,
  at = "",
): Promise<string | null> {
  const query = at === "" ? "" : `?gitCommitID=${at}`
  const answer = await call(edge, "eu", "GET", `${filesPath(project, scope)}/${encodeURIComponent(path)}${query}`)
  if (answer.status === 404) return null
  return Buffer.from(file.parse(parsed(answer, 200)).resourceContent, "base64").toString("latin1")
}

/** All files of a scope as the API lists and reads them. */
export async function readAll(edge: RunningEdge, project: string, scope: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const answer = await call(edge, "eu", "GET", `${filesPath(project, scope)}?pageSize=1000`)
  for (const { resourceURI } of list.parse(parsed(answer, 200)).resources) {
    const path = resourceURI.slice(1)
    files[path] = (await read(edge, project, scope, path)) ?? "nothing"
  }
  return Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Makes a token of a system account with a role, or with none. */
export async function tokenWith(
  edge: RunningEdge,
  role: { name: string; project: string; region: string } | null,
): Promise<string> {
  const ask = async (path: string, json: unknown) => parsed(await call(edge, "global", "POST", path, json), 201)
  const { id } = z.object({ id: z.string() }).parse(await ask("/v3/system-accounts", { name: crypto.randomUUID() }))
  const path = `/v3/system-accounts/${id}`
  if (role) {
    const entity = { entity_type_name: "Projects", entity_id: role.project, entity_region: role.region }
    await ask(`${path}/assigned-roles`, { role_name: role.name, ...entity })
  }
  const made = await ask(`${path}/access-tokens`, { name: "test", ttl_seconds: 3600 })
  return z.object({ token: z.string() }).parse(made).token
}

function parsed({ status, body }: Answer, expected: number): unknown {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${body}`)
  return JSON.parse(body)
}
