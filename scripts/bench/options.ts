/** What the person who runs the benchmark decides. */
import { parseArgs } from "node:util"
import { StartError } from "../start/settings.ts"
import type { Settings } from "./part.ts"
import { QUICK, STEADY } from "./rounds.ts"

/** The options of a run. */
export interface Options extends Settings {
  /** Empty: all of them. */
  parts: string[]
  /** Where the results are kept. */
  results: string
  /** What follows the name of the part in that of the file. */
  suffix: string
  isHelpWanted: boolean
}

const OPTIONS = {
  quick: { type: "boolean", default: false },
  full: { type: "boolean", default: false },
  only: { type: "string", default: "" },
  results: { type: "string", default: ".bench" },
  help: { type: "boolean", default: false },
} as const

/** What the command is told, and what there is; `parts` are the names of the parts with a line about each. */
export function usage(parts: ReadonlyMap<string, string>): string {
  const lines = Array.from(parts, ([name, about]) => `  ${name.padEnd(10)}${about}`)
  return [
    "npm run bench -- [PART ...] [--quick] [--full] [--only TEXT] [--results FOLDER]",
    "",
    "Measures the parts that are named, or all:",
    ...lines,
    "",
    "  --quick    one short round of everything: shows whether it works, its figures say nothing",
    "  --full     scaling goes up to a million events, not to a hundred thousand",
    "  --only     of gateway, cost and scaling only the rows whose name holds this text",
    "  --results  where a file per part is kept, which the next run compares with (.bench)",
  ].join("\n")
}

/** Reads the options. */
export function readOptions(args: string[], parts: ReadonlyMap<string, string>): Options {
  const { values, positionals } = parse(args, parts)
  const unknown = positionals.find((name) => !parts.has(name))
  if (unknown !== undefined) throw new StartError(`There is no part ${unknown}.\n\n${usage(parts)}`)
  const { quick, full, only, results, help } = values
  return {
    parts: positionals,
    pace: quick ? QUICK : STEADY,
    isQuick: quick,
    isFull: full,
    isWanted: (name) => name.includes(only),
    // What is short, or not all, must not stand in the place of what is.
    suffix: `${only === "" ? "" : ".only"}${quick ? ".quick" : ""}`,
    results,
    isHelpWanted: help,
  }
}

function parse(args: string[], parts: ReadonlyMap<string, string>) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}.\n\n${usage(parts)}`)
  }
}
