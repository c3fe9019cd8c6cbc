/** The one place that runs wrangler for the operator's commands. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join, relative, resolve } from "node:path"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { z } from "zod"
import { CONFIG, ROOT, StartError } from "../start/settings.ts"

/** What a run of wrangler left. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** How wrangler is run. */
export interface Run {
  /** The folder in which it runs. */
  folder: string
  /** What it reads on standard input; null when it has this terminal, and then its output is not kept. */
  input: string | null
  /** Variables besides those of this process. */
  variables: Readonly<Record<string, string>>
}

/** Runs wrangler once. */
export type RunWrangler = (args: readonly string[], run: Run) => Promise<Ran>

const LONGEST_REASON = 600
const exit = z.tuple([z.number().nullable(), z.string().nullable()])

/** wrangler, with the configuration that every command is about. */
export class Wrangler {
  readonly config: string
  readonly #run: RunWrangler

  /** `run` is another way to run it, for tests. */
  constructor(config: string = CONFIG, run: RunWrangler = runWrangler) {
    this.config = resolve(config)
    this.#run = run
  }

  /** Runs a command that must succeed; `input` is given on standard input. Answers what it printed. */
  async run(args: readonly string[], input = ""): Promise<string> {
    const ran = await this.try(args, input)
    if (ran.code === 0) return ran.stdout
    throw wranglerError(args, reasonOf(ran))
  }

  /** Runs a command that must succeed and prints JSON. */
  async json<T>(args: readonly string[], shape: z.ZodType<T>): Promise<T> {
    return readJson(args, await this.run(args), shape)
  }

  /** Runs a command that may fail. */
  try(args: readonly string[], input = ""): Promise<Ran> {
    return this.#start(args, input, {})
  }

  /**
   * Runs a command in this terminal. On a terminal wrangler asks before a deployment takes a host name away from somebody else's DNS
   * record or Worker; without one it takes it. Answers the id of the version that it made, if it made one.
   */
  async show(args: readonly string[]): Promise<string | null> {
    const folder = mkdtempSync(join(tmpdir(), "quarterdeck-wrangler-"))
    const report = join(folder, "report")
    try {
      const { code } = await this.#start(args, null, { WRANGLER_OUTPUT_FILE_PATH: report })
      if (code !== 0) throw wranglerError(args, "see above")
      return versionIn(report)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  /** The command as a person would type it. */
  typed(args: readonly string[]): string {
    return ["npx wrangler", ...args, "--config", nameOf(this.config)].join(" ")
  }

  #start(args: readonly string[], input: string | null, variables: Run["variables"]): Promise<Ran> {
    // By its name: wrangler writes the option into the head of the types that it generates.
    const all = [...args, "--config", basename(this.config)]
    return this.#run(all, { folder: dirname(this.config), input, variables })
  }
}

/** A configuration as a person would name it in the folder of the project. */
export function nameOf(config: string): string {
  const inside = relative(ROOT, config)
  return inside.startsWith("..") ? config : inside
}

/** Runs the wrangler that is installed, or the command whose path is in the variable WRANGLER. */
async function runWrangler(args: readonly string[], { folder, input, variables }: Run): Promise<Ran> {
  const given = process.env["WRANGLER"]
  const [command, first] = given ? [resolve(given), []] : installedWrangler()
  const child = spawn(command, [...first, ...args], {
    cwd: folder,
    env: { ...process.env, ...settings(), ...variables },
    stdio: input === null ? "inherit" : "pipe",
  })
  // A command that fails early does not read its input.
  child.stdin?.on("error", () => {}).end(input)
  const printed = Promise.all([textOf(child.stdout), textOf(child.stderr)])
  const closed = await once(child, "close").catch((error: unknown) => {
    throw new StartError(`${command} cannot be started (${String(error)}). The variable WRANGLER can name another.`)
  })
  const [code] = exit.parse(closed)
  const [stdout, stderr] = await printed
  return { code: code ?? 1, stdout, stderr }
}

function installedWrangler(): [string, string[]] {
  return [process.execPath, ["--no-warnings", fileURLToPath(import.meta.resolve("wrangler"))]]
}

function settings(): Record<string, string> {
  return {
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    // What is asked for with --json is a line of its log.
    WRANGLER_LOG: "log",
    // The build command in wrangler.toml starts `node`: the one that runs now, not an older one of the system.
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  }
}

async function textOf(stream: Readable | null): Promise<string> {
  return stream === null ? "" : text(stream)
}

/** Reads what a command printed as JSON. */
export function readJson<T>(args: readonly string[], printed: string, shape: z.ZodType<T>): T {
  try {
    // Before it may stand what wrangler has to say about itself.
    return shape.parse(JSON.parse(printed.slice(printed.search(/^[[{]/m))))
  } catch {
    throw wranglerError(args, "it printed something else than wrangler 4.164 does")
  }
}

/** What wrangler said about a failure, in one line. */
export function reasonOf({ stdout, stderr }: Ran): string {
  const said = stderr.trim() === "" ? textOfFailure(stdout) : stripVTControlCharacters(stderr)
  const lines = said.split("\n").map((line) => line.replace(/^\s*✘ \[ERROR\]\s*/, "").trim())
  return lines
    .filter((line) => line !== "" && !/Logs were written to|--temporary|If you think this is a bug/.test(line))
    .join(" ")
    .slice(0, LONGEST_REASON)
}

const failure = z.object({
  error: z.object({ text: z.string(), notes: z.array(z.object({ text: z.string() })).default([]) }),
})

/** What a command with --json says of its failure, which is JSON, too. */
function textOfFailure(stdout: string): string {
  try {
    const { text: first, notes } = failure.parse(JSON.parse(stdout)).error
    return [first, ...notes.map((note) => note.text)].join("\n")
  } catch {
    return stdout
  }
}

function wranglerError(args: readonly string[], reason: string): StartError {
  const words = args.findIndex((argument) => argument.startsWith("-"))
  const command = (words === -1 ? args : args.slice(0, words)).join(" ")
  return new StartError(`wrangler ${command} failed: ${reason}`)
}

const entry = z.object({ version_id: z.string().nullish() })

/** The version that wrangler's report of a run names: one line of JSON per thing it did. */
function versionIn(report: string): string | null {
  const lines = readIfPresent(report).split("\n")
  const named = lines.filter((line) => line !== "").map((line) => entry.parse(JSON.parse(line)).version_id)
  return named.findLast((id) => id) ?? null
}

function readIfPresent(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
