/** The real git: clones a stage, compares the writer's files, pushes a change. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { check, checkSame } from "./client.ts"
import type { Edge } from "./edge.ts"
import { fileOf, newContent, settleWrite } from "./files.ts"
import { type File, noteVersion, type Turn } from "./model.ts"
import { bytesOf } from "./random.ts"

const BRANCH = "production"
const SCOPE = `/stage/${BRANCH}`
/** The files in the root of a writer's folder, of which git changes one. */
const PUSHED = 6
const PUSH_ATTEMPTS = 4
/** Others write to the branch at the same time; a name that was just free again is still being cleaned. */
const MAY_PUSH_AGAIN = /fetch first|non-fast-forward|push again/

/** Whether git is installed. */
export async function findGit(): Promise<boolean> {
  const child = spawn("git", ["--version"], { stdio: "ignore" })
  const ended = Promise.withResolvers<boolean>()
  child.on("error", () => ended.resolve(false))
  child.on("exit", (code) => ended.resolve(code === 0))
  return ended.promise
}

/** Clones a project, and in every second case pushes to it. */
export async function cloneAndPush(turn: Turn): Promise<void> {
  const folder = mkdtempSync(join(turn.world.clones, "clone-"))
  try {
    configure(folder, turn.client.edge)
    const url = `http://${turn.project.region}.api.localhost:${turn.client.edge.port}/git/${turn.project.name}.git`
    const args = ["clone", "--quiet", "--single-branch", "--branch", BRANCH, url, "work"]
    const cloned = await turn.client.beside("git clone", () => git(folder, ".", args))
    if (cloned === null) return
    checkSame(cloned, { code: 0, error: "" }, `git clone ${url}`)
    await compare(turn, folder)
    if (turn.random.chance(0.5)) await push(turn, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Git sees this configuration and no other. Not every system resolves names below localhost. */
function configure(folder: string, edge: Edge): void {
  const hosts = ["eu", "us"].map((label) => `\tcurloptResolve = ${label}.api.localhost:${edge.port}:127.0.0.1\n`)
  const text = `[http]\n${hosts.join("")}\textraHeader = x-token: ${edge.token}\n[user]\n\tname = Soak\n\temail = soak@example.com\n[gc]\n\tauto = 0\n`
  writeFileSync(join(folder, "config"), text, { mode: 0o600 })
}

/** Fails unless the clone has exactly the writer's files of that stage. */
async function compare(turn: Turn, folder: string): Promise<void> {
  const root = join(folder, "work", `w${turn.writer.index}`)
  const entries = existsSync(root) ? readdirSync(root, { recursive: true, encoding: "utf8" }) : []
  const found = entries.filter((path) => statSync(join(root, path)).isFile())
  const what = `the clone of ${turn.project.region} ${turn.project.name}`
  const files = [...turn.share.files.values()].filter((file) => file.scope === SCOPE && file.now !== null)
  checkSame(
    found.map((path) => `w${turn.writer.index}/${path}`).toSorted(),
    files.map(({ path }) => path).toSorted(),
    what,
  )
  for (const { now, path } of files) {
    const isSame = now !== null && readFileSync(join(folder, "work", path)).equals(bytesOf(now))
    check(isSame, `${what}: ${path} has other bytes than were written`)
  }
  checkSame(
    await git(folder, "work", ["fsck", "--strict", "--no-progress"]),
    { code: 0, error: "" },
    `${what}: git fsck`,
  )
}

async function push(turn: Turn, folder: string): Promise<void> {
  const [file, content] = [fileOf(turn, SCOPE, turn.random.below(PUSHED)), newContent(turn)]
  const target = join(folder, "work", file.path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, bytesOf(content))
  await git(folder, "work", ["add", "--all"])
  await git(folder, "work", ["commit", "--quiet", "-m", `Push ${content.name}`])
  for (let attempt = 0; attempt < PUSH_ATTEMPTS; attempt++) {
    const pushed = await turn.client.beside("git push", () => git(folder, "work", ["push", "--quiet"]))
    turn.project.changes++
    if (pushed === null) return settlePush(turn, folder, { file, content })
    if (pushed.code === 0) return noteVersion(file, await head(folder), content)
    check(MAY_PUSH_AGAIN.test(pushed.error), `git push: ${pushed.error}`)
    const args = ["pull", "--quiet", "--rebase"]
    const pulled = await turn.client.beside("git pull", () => git(folder, "work", args))
    if (pulled === null) return
    checkSame(pulled.code, 0, `git pull: ${pulled.error}`)
  }
}

async function settlePush(turn: Turn, folder: string, write: { file: File; content: { name: string; size: number } }) {
  await settleWrite(turn, [write])
  if (write.file.now === write.content) noteVersion(write.file, await head(folder), write.content)
}

async function head(folder: string): Promise<string> {
  const child = spawn("git", ["rev-parse", "HEAD"], { cwd: join(folder, "work"), stdio: ["ignore", "pipe", "ignore"] })
  let out = ""
  child.stdout.on("data", (part: Buffer) => (out += part.toString()))
  await once(child, "close")
  return out.trim()
}

async function git(folder: string, where: string, args: string[]): Promise<{ code: number | null; error: string }> {
  const child = spawn("git", args, {
    cwd: join(folder, where),
    env: {
      ...process.env,
      HOME: folder,
      GIT_CONFIG_GLOBAL: join(folder, "config"),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      LC_ALL: "C",
    },
    stdio: ["ignore", "ignore", "pipe"],
    // Ctrl-C in a terminal is for the soak test alone.
    detached: true,
  })
  let error = ""
  child.stderr.on("data", (part: Buffer) => (error += part.toString()))
  await once(child, "close")
  return { code: child.exitCode, error }
}
