/** What the person who migrates decides. */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { ROOT, StartError } from "../start/settings.ts"

/** The options of a run. Tokens come from the environment: arguments can be seen by everybody on the machine. */
export interface Options {
  from: URL
  to: URL
  sourceToken: string
  targetToken: string
  /** None: all. */
  projects: string[]
  /** The git remotes that were given, by project. */
  remotes: ReadonlyMap<string, string>
  events: boolean
  /** The folder in which all runs keep what they know. */
  state: string
}

/** Reads the options, or that help is wanted. */
export function readOptions(args: string[], environment: NodeJS.ProcessEnv): Options | "help" {
  const { positionals, values } = parse(args)
  const [first, ...others] = positionals
  if (values.help === true || args.length === 0 || first === "help") return "help"
  const unknown = first ?? others[0]
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}. See npm run migrate -- help.`)
  return {
    from: readUrl("--from", values.from),
    to: readUrl("--to", values.to),
    sourceToken: readToken("KEPTN_API_TOKEN", environment),
    targetToken: readToken("QUARTERDECK_TOKEN", environment),
    projects: [...new Set(values.project)],
    remotes: new Map((values.git ?? []).map(readRemote)),
    events: values["no-events"] !== true,
    state: resolve(values.state ?? join(ROOT, ".quarterdeck", "migrate")),
  }
}

function parse(args: string[]) {
  const text = { type: "string" } as const
  const texts = { type: "string", multiple: true } as const
  const flag = { type: "boolean" } as const
  const options = { from: text, to: text, project: texts, git: texts, "no-events": flag, state: text, help: flag }
  try {
    return parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}. See npm run migrate -- help.`)
  }
}

/** The address of an API, without a slash at its end. */
function readUrl(option: string, text: string | undefined): URL {
  if (!text) throw new StartError(`${option} is missing. See npm run migrate -- help.`)
  const url = URL.parse(text)
  const isPlain = url !== null && url.username === "" && url.password === "" && url.search === ""
  if (!isPlain || !/^https?:$/.test(url.protocol) || !/\/api\/?$/.test(url.pathname)) {
    throw new StartError(`${option} must be the address of an API, such as https://keptn.example.com/api.`)
  }
  url.pathname = url.pathname.replace(/\/$/, "")
  return url
}

function readToken(name: string, environment: NodeJS.ProcessEnv): string {
  const token = environment[name]?.trim()
  if (token) return token
  throw new StartError(`No token. Set the environment variable ${name}.`)
}

function readRemote(given: string): [project: string, url: string] {
  const [, project, url] = /^([^=]+)=(.+)$/.exec(given) ?? []
  if (project !== undefined && url !== undefined && !url.startsWith("-")) {
    // Git runs in another folder than the one in which a path was given.
    return [project, existsSync(url) ? resolve(url) : url]
  }
  throw new StartError("--git must be NAME=URL. See npm run migrate -- help.")
}
