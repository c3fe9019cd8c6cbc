/** What the person who starts Quarterdeck decides, from the environment and the command line. */
import { join, resolve } from "node:path"
import { z } from "zod"

/** The folder of the project. */
export const ROOT = join(import.meta.dirname, "..", "..")
/** The one configuration; named everywhere, because wrangler would prefer a wrangler.json of a folder above. */
export const CONFIG = join(ROOT, "wrangler.toml")

export interface Settings {
  port: number
  /** The folder that holds the data, the token and the lock. */
  state: string
  /** `wrangler dev` with reload, in the place of the built Worker. */
  dev: boolean
  /** Shows every line that the Worker logs, not only its errors. */
  verbose: boolean
  /** Variables of the Worker, and secrets, in the place of those of wrangler.toml. */
  variables: Readonly<Record<string, Json>>
}

type Json = z.infer<ReturnType<typeof z.json>>

/** A failure that the person at the keyboard can mend. Its message is one line that says how. */
export class StartError extends Error {
  override name = "StartError"
}

/** The settings in `environment` and `args`; an empty variable counts as absent. */
export function readSettings(environment: NodeJS.ProcessEnv, args: readonly string[]): Settings {
  const unknown = args.find((argument) => argument !== "--dev")
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}. There is only --dev.`)
  return {
    port: readPort(environment["PORT"] || "8787"),
    state: resolve(environment["QUARTERDECK_STATE"] || join(ROOT, ".quarterdeck")),
    dev: args.includes("--dev"),
    verbose: environment["QUARTERDECK_LOG"] === "1",
    variables: readVariables(environment["QUARTERDECK_VARS"] || "{}"),
  }
}

function readVariables(text: string): Record<string, Json> {
  const wrong = `QUARTERDECK_VARS must be JSON such as {"EVENT_VALIDATION":"on"}.`
  try {
    const { data } = z.record(z.string(), z.json()).safeParse(JSON.parse(text))
    if (data !== undefined) return data
  } catch {
    // Said below, as for JSON of another shape.
  }
  throw new StartError(wrong)
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new StartError(`PORT is "${text}". Set it to a number from 1 to 65535.`)
}
