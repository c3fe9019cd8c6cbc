/** Shipyards as a source has them. */
import { parse } from "yaml"
import { z } from "zod"

const shipyardSchema = z.looseObject({
  spec: z.looseObject({ stages: z.array(z.looseObject({ name: z.string() })) }),
})

/** The text of a shipyard, or null when it is none. Keptn 1.4.5 stores one that was changed in base64. */
export function readShipyard(stored: string): string | null {
  if (stagesOf(stored) !== null) return stored
  const decoded = Buffer.from(stored, "base64").toString("utf8")
  return stagesOf(decoded) === null ? null : decoded
}

/** The names of the stages of a shipyard, or null when it is none. */
function stagesOf(text: string): string[] | null {
  try {
    return shipyardSchema.parse(parse(text)).spec.stages.map(({ name }) => name)
  } catch {
    return null
  }
}
