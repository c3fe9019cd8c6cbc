/** What the person who runs the soak test decides. */
import { parseArgs } from "node:util"
import { StartError } from "../start/settings.ts"

/** The options of a run. */
export interface Options {
  minutes: number
  /** Seconds between two kills, on average; null for none. */
  killEvery: number | null
  writers: number
  seed: number
}

/** How the command is called. */
export const USAGE = "npm run soak -- --minutes N [--kill-every SECONDS] [--writers N] [--seed N]"
const DEFAULT_WRITERS = 8
const LARGEST_SEED = 2 ** 31

/** Reads the options; null when only help is wanted. */
export function readOptions(args: string[]): Options | null {
  const values = parse(args)
  if (values.help) return null
  const minutes = readNumber("--minutes", values.minutes)
  if (minutes === null) throw new StartError(`--minutes is missing. ${USAGE}`)
  return {
    minutes,
    killEvery: readNumber("--kill-every", values["kill-every"]),
    writers: Math.ceil(readNumber("--writers", values.writers) ?? DEFAULT_WRITERS),
    seed: readNumber("--seed", values.seed) ?? Math.ceil(Math.random() * LARGEST_SEED),
  }
}

function parse(args: string[]) {
  const text = { type: "string" } as const
  const help = { type: "boolean", default: false } as const
  try {
    return parseArgs({ args, options: { minutes: text, "kill-every": text, writers: text, seed: text, help } }).values
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}. ${USAGE}`)
  }
}

function readNumber(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text)
  throw new StartError(`${option} must be a number above 0. ${USAGE}`)
}
