/** The git of this machine, on a bare repository. */
import { spawn } from "node:child_process"
import { buffer } from "node:stream/consumers"
import { isBelowLocalhost } from "./http.ts"

/** What a command came to. */
interface Outcome {
  status: number | null
  out: string
  error: string
}

/** A command that failed. Its message is what git said, in one line and without passwords. */
export class GitFailure extends Error {
  override name = "GitFailure"
}

/** Who the merges are by. */
const PERSON = { NAME: "Quarterdeck migration", EMAIL: "migration@quarterdeck.invalid" }

/** A server that sends nothing for two minutes is given up. */
const SETTINGS = ["gc.auto=0", "http.lowSpeedLimit=1", "http.lowSpeedTime=120"].flatMap((one) => ["-c", one])

export class Git {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Runs git, which must succeed. Answers what it printed. */
  async run(args: readonly string[], { input = "", env = {} }: { input?: string; env?: GitEnvironment } = {}) {
    const outcome = await this.#spawn(args, input, env)
    if (outcome.status === 0) return outcome.out.trim()
    throw new GitFailure(reasonOf(outcome.error) || `git ${args[0]} ended with ${outcome.status}`)
  }

  /** Whether a command that answers by its status says yes. */
  async asks(args: readonly string[]): Promise<boolean> {
    return (await this.#spawn(args, "", {})).status === 0
  }

  async #spawn(args: readonly string[], input: string, env: GitEnvironment): Promise<Outcome> {
    const people = Object.entries(PERSON).flatMap(([key, value]) =>
      ["AUTHOR", "COMMITTER"].map((role): [string, string] => [`GIT_${role}_${key}`, value]),
    )
    const child = spawn("git", [...SETTINGS, ...args], {
      cwd: this.#folder,
      env: {
        ...process.env,
        // No process that we start needs them.
        KEPTN_API_TOKEN: undefined,
        QUARTERDECK_TOKEN: undefined,
        // Nobody may be there to answer: what needs a password that no helper has is not reachable.
        GIT_TERMINAL_PROMPT: "0",
        SSH_ASKPASS: process.env["SSH_ASKPASS"] ?? "false",
        SSH_ASKPASS_REQUIRE: "force",
        LC_ALL: "C",
        GIT_DIR: ".",
        GIT_WORK_TREE: undefined,
        GIT_INDEX_FILE: undefined,
        ...Object.fromEntries(people),
        ...env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    })
    const ended = Promise.withResolvers<number | null>()
    child.on("error", (error) => ended.reject(new GitFailure(`git cannot be started (${error.message})`)))
    child.on("close", ended.resolve)
    // It may end before it has read all.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    const [out, error, status] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended.promise])
    return { status, out: out.toString("utf8"), error: error.toString("utf8") }
  }
}

export type GitEnvironment = Record<string, string>

/** An environment with which git reaches the target: arguments can be seen by everybody on the machine, this cannot. */
export function authorized(repository: string, token: string): GitEnvironment {
  const { origin, hostname, port, protocol } = new URL(repository)
  const basic = Buffer.from(`git:${token}`).toString("base64")
  const settings = [[`http.${origin}/.extraHeader`, `Authorization: Basic ${basic}`]]
  if (isBelowLocalhost(hostname)) {
    settings.push(["http.curloptResolve", `${hostname}:${port || (protocol === "https:" ? 443 : 80)}:127.0.0.1`])
  }
  // Behind those that somebody has set already.
  const before = Number(process.env["GIT_CONFIG_COUNT"] ?? 0)
  const entries = settings.flatMap(([key = "", value = ""], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${before + index}`, key],
    [`GIT_CONFIG_VALUE_${before + index}`, value],
  ])
  return { ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(before + settings.length) }
}

/** What git says of a failure: why a push was refused, else its last words. */
function reasonOf(error: string): string {
  const lines = error.split(/[\r\n]+/).map((line) => line.trim())
  const unpacked = lines.flatMap((line) => /^error: remote unpack failed: (.*)$/.exec(line)?.[1] ?? [])
  const rejected = lines.flatMap((line) => /^! \[.*rejected\].*\((.*)\)$/.exec(line)?.[1] ?? [])
  const refused = [...unpacked, ...rejected]
  const said = lines.filter((line) => /^(fatal|error|remote):/.test(line))
  const told = refused.length > 0 ? refused : said
  return withoutPasswords([...new Set(told)].join("; ")).slice(0, 500)
}

/** A text without the users and passwords of addresses in it. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]*@/g, "//")
}
