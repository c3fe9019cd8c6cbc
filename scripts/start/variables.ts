/** Whether the Worker could serve with its variables: checked before anything starts, with the Worker's own rules. */
import { ConfigError, loadConfig } from "../../src/config.ts"
import { editDistance } from "../../src/lib/edit-distance.ts"
import { PLAIN_VARIABLES, readVariables, variableNames } from "../../src/variables.ts"
import { playedBindings } from "../operate/bindings.ts"
import type { Deployment } from "../operate/deployment.ts"
import { type Settings, StartError } from "./settings.ts"

/** The variables of a local run, and where they can come from. */
export interface VariableSources {
  deployment: Deployment
  /** Those of QUARTERDECK_VARS. */
  given: Settings["variables"]
  /** All that the Worker gets, secrets included. */
  variables: Settings["variables"]
}

/** Throws a `StartError` that names each variable that is wrong or unknown, its value and where that comes from. */
export function checkVariables(sources: VariableSources): void {
  const problems = [...wrongVariables(sources), ...unknownVariables(sources)]
  if (problems.length === 0) return
  throw new StartError(["Quarterdeck does not start, because its variables are wrong:", ...problems].join("\n"))
}

function wrongVariables({ deployment, given, variables }: VariableSources): string[] {
  try {
    loadConfig({ ...variables, ...playedBindings(deployment) })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ name, text }) => `${text}. ${originOf(name, { deployment, given, variables })}`)
  }
}

/** Where a variable comes from, with its value where that cannot be a secret. */
function originOf(name: string, { deployment, given, variables }: VariableSources): string {
  const value = PLAIN_VARIABLES.includes(name) ? `${name} = ${JSON.stringify(variables[name])}` : name
  if (Object.hasOwn(given, name)) return `QUARTERDECK_VARS has ${value}.`
  if (Object.hasOwn(deployment.vars, name)) return `wrangler.toml has ${value}.`
  if (Object.hasOwn(variables, name)) return `.dev.vars or .env has ${value}.`
  const cause = causeOf(name)
  if (cause === null) return "Neither QUARTERDECK_VARS nor wrangler.toml has it."
  return `wrangler.toml has no such binding; ${originOf(cause, { deployment, given, variables })}`
}

/** The variable for which a binding of a region is needed. */
function causeOf(binding: string): string | null {
  if (/^(DB|BLOBS)_(?!GLOBAL$)/.test(binding)) return "REGIONS"
  return binding.startsWith("CACHE_") ? "CACHED_REGIONS" : null
}

/** A misspelt variable would change nothing, and nobody would know. */
function unknownVariables({ deployment, given, variables }: VariableSources): string[] {
  const known = variableNames(variables)
  const reported = readVariables(variables).problems.map(({ name }) => name)
  const sources = { QUARTERDECK_VARS: given, "wrangler.toml": deployment.vars }
  return Object.entries(sources).flatMap(([source, names]) =>
    Object.keys(names)
      .filter((name) => !known.includes(name) && !reported.includes(name))
      .map((name) => `${source} has ${name}, which is unknown. ${suggestion(name, known)}`),
  )
}

function suggestion(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: editDistance(name.toUpperCase(), candidate) }))
    .toSorted((one, other) => one.edits - other.edits)
  if (nearest !== undefined && nearest.edits <= name.length / 2) return `Did you mean ${nearest.candidate}?`
  return `Known are ${known.join(", ")}, and the secrets that upstreams name.`
}
