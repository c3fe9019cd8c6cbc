/** Shipyard files: read and checked. Pure. The rules are Keptn's (spec.keptn.sh), the texts those its CLI shows. */
import { z } from "zod"
import { fromBase64, utf8Text } from "../../lib/bytes.ts"
import { parseYaml } from "../../lib/yaml.ts"
import { isEntityName } from "./names.ts"

/** What the control plane knows of a shipyard. Stages are in the order of the file. */
export interface Shipyard {
  text: string
  /** As the file has it, `spec.keptn.sh/0.2.2`. */
  apiVersion: string
  stages: { name: string; parentStages: string[] }[]
}

/** A shipyard, or the sentence that says why it is none. */
export type ShipyardResult = { shipyard: Shipyard } | { problem: string }

/** A shipyard is kept in the project's row, which D1 limits to 2 MB. */
const LARGEST_SHIPYARD = 1_000_000
/** Whoever creates a service writes a commit for each stage. */
const MOST_STAGES = 1000
/** A stage is a branch, and file systems keep no name of a branch that is longer than 255 characters. */
const LONGEST_STAGE_NAME = 200

/** Reads the base64 of a shipyard file. `reserved` is a branch name that no stage can have. */
export function readShipyard(encoded: string, reserved: string): ShipyardResult {
  const bytes = fromBase64(encoded)
  if (bytes === null) return { problem: "could not decode shipyard content" }
  if (bytes.length > LARGEST_SHIPYARD) return invalid(`it is larger than ${LARGEST_SHIPYARD} bytes`)
  const text = utf8Text(bytes)
  if (text === null) return { problem: "could not unmarshal provided shipyard content: it is not UTF-8" }
  const file = shipyardSchema.safeParse(parsed(text))
  if (!file.success) return { problem: "could not unmarshal provided shipyard content" }
  const { apiVersion, spec } = file.data
  const problem = versionProblem(apiVersion) ?? stagesProblem(spec.stages, reserved)
  if (problem !== null) return invalid(problem)
  const stages = spec.stages.map((stage) => ({ name: stage.name, parentStages: parentStages(stage) }))
  return { shipyard: { text, apiVersion, stages } }
}

const shipyardSchema = z.object({
  apiVersion: z.string().default(""),
  spec: z
    .object({
      stages: z
        .array(
          z.object({
            name: z.string().default(""),
            sequences: z.array(z.object({ triggeredOn: z.array(z.object({ event: z.string() })).nullish() })).nullish(),
          }),
        )
        .nullish()
        .transform((stages) => stages ?? []),
    })
    .default({ stages: [] }),
})

type StageFile = z.infer<typeof shipyardSchema>["spec"]["stages"][number]

function parsed(text: string): unknown {
  try {
    return parseYaml(text)
  } catch {
    return null
  }
}

function versionProblem(apiVersion: string): string | null {
  const version = /^(\d+)\.(\d+)(\.\d+)?$/.exec(apiVersion.replace(/^spec\.keptn\.sh\//, ""))
  if (!version) return `apiVersion '${apiVersion}' cannot be parsed: use spec.keptn.sh/0.2.2`
  const supported = Number(version[1]) > 0 || Number(version[2]) >= 2
  return supported ? null : `apiVersion '${apiVersion}' is not supported: it must be at least spec.keptn.sh/0.2.0`
}

function stagesProblem(stages: readonly StageFile[], reserved: string): string | null {
  if (stages.length === 0) return "it must contain at least one stage"
  if (stages.length > MOST_STAGES) return `it must not contain more than ${MOST_STAGES} stages`
  const seen = new Set<string>()
  for (const { name } of stages) {
    if (name === "") return "all stages within the shipyard must have a name"
    if (!isEntityName(name)) {
      return `stage name '${name}' must start with a lower-case letter and hold only lower-case letters, digits and hyphens`
    }
    if (name.length > LONGEST_STAGE_NAME) return `stage names can have at most ${LONGEST_STAGE_NAME} characters`
    if (name === reserved) return `stage name '${name}' is the name of the default branch: choose another`
    if (seen.has(name)) return `stage name '${name}' is used twice`
    seen.add(name)
  }
  return null
}

/** The stages whose sequences, when finished, trigger a sequence of `stage`: the first part of `dev.delivery.finished`. */
function parentStages(stage: StageFile): string[] {
  const triggers = (stage.sequences ?? []).flatMap((sequence) => sequence.triggeredOn ?? [])
  return [...new Set(triggers.flatMap(({ event }) => event.split(".").slice(0, 1)))]
}

function invalid(problem: string): { problem: string } {
  return { problem: `provided shipyard file is not valid: ${problem}` }
}
