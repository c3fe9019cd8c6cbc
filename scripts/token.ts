/**
 * Tokens from the command line: `npm run token -- help`. Against a running edge with an administrator's token, or, for the
 * first token of a deployment and the day all are lost, straight into the directory's D1.
 */
import { parseArgs } from "node:util"
import { Wrangler } from "./operate/wrangler.ts"
import { runCommand } from "./command.ts"
import { StartError } from "./start/settings.ts"
import * as remote from "./token/remote.ts"

const HELP = `npm run token -- COMMAND [OPTIONS]

Against a running edge, as an administrator:
  create --account NAME [--name NAME] [--days N] [--role ROLE --project NAME|* --region CODE|*]
                             makes the system account when there is none, gives it the role, prints a new token;
                             all of it or nothing; the project has to be there
  list   --account NAME      its tokens, without their text
  rotate --account NAME --name NAME [--grace SECONDS]
                             prints a successor; the old token ends after the grace (0)
  revoke --account NAME --name NAME
                             ends the token, and those before it that are in their grace
  import --account NAME [--name NAME] [--days N]
                             takes an existing token from standard input
  QUARTERDECK_URL    the global host (http://global.api.localhost:8787)
  QUARTERDECK_TOKEN  an administrator's token (that of the local state folder)

Straight into the directory, when nobody has a token:
  let-in --local | --remote  prints a token for an administrator; makes the organization when there is none
         --config FILE       of the deployment (wrangler.toml)
`

await runCommand(() => run(process.argv.slice(2)))

async function run(args: string[]): Promise<void> {
  const { positionals, values } = parse(args)
  const [command = "help", ...rest] = positionals
  if (rest.length > 0) throw new StartError(`Unknown argument ${rest[0]}. See npm run token -- help.`)
  const { account, name } = values
  const life = { name: name ?? "default", days: wholeNumber("--days", values.days ?? "90") }
  switch (command) {
    case "help":
      return print(HELP.trimEnd())
    case "create": {
      const assignment = assignmentOf(values)
      return print(await remote.createToken(required("--account", account), life, assignment))
    }
    case "list":
      return print((await remote.listTokens(required("--account", account))).join("\n"))
    case "rotate": {
      const grace = wholeNumber("--grace", values.grace ?? "0")
      return print(await remote.rotateToken(required("--account", account), required("--name", name), grace))
    }
    case "revoke":
      await remote.revokeToken(required("--account", account), required("--name", name))
      return print(`revoked ${name}`)
    case "import":
      await remote.importToken(required("--account", account), life)
      return print(`imported ${life.name}`)
    case "let-in": {
      if (values.local === values.remote) throw new StartError("Say where: --local or --remote.")
      // Loaded only now: it brings the directory's schema, for which the other commands need not wait.
      const { letIn } = await import("./token/let-in.ts")
      return print(await letIn(values.remote ? "remote" : "local", { wrangler: new Wrangler(values.config) }))
    }
    default:
      throw new StartError(`Unknown command ${command}. See npm run token -- help.`)
  }
}

function parse(args: string[]) {
  const text = { type: "string" } as const
  const flag = { type: "boolean", default: false } as const
  const options = {
    account: text,
    name: text,
    days: text,
    role: text,
    project: text,
    region: text,
    grace: text,
    config: text,
  }
  try {
    return parseArgs({ args, allowPositionals: true, options: { ...options, local: flag, remote: flag } })
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}. See npm run token -- help.`)
  }
}

function assignmentOf(values: {
  role?: string | undefined
  project?: string | undefined
  region?: string | undefined
}) {
  const { role, project, region } = values
  if (role !== undefined) return { role, project: project ?? "*", region: region ?? "*" }
  if (project === undefined && region === undefined) return null
  throw new StartError("--project and --region say what a role is on: --role is missing. See npm run token -- help.")
}

function required(option: string, value: string | undefined): string {
  if (value) return value
  throw new StartError(`${option} is missing. See npm run token -- help.`)
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new StartError(`${option} is "${text}". It must be a whole number.`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
