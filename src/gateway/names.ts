/**
 * The one rule for names that people give to what is theirs: users, teams, system accounts, tokens. Names of projects, stages, services, secrets
 * and integrations have the rules of Keptn.
 */
import { z } from "@hono/zod-openapi"
import { isVisibleDescription, isVisibleName } from "../lib/visible-text.ts"

const UNSEEN = "cannot contain control characters or characters that cannot be seen"

/** A name of 1 to `longest` characters. White space around it is removed; all that is left can be seen. */
export function nameSchema(longest: number, example: string) {
  return z
    .string()
    .trim()
    .min(1, { error: "cannot be blank", abort: true })
    .max(longest, `cannot have more than ${longest} characters`)
    .refine(isVisibleName, UNSEEN)
    .openapi({ example })
}

/** The longest description, in characters. */
const LONGEST_DESCRIPTION = 250

/** A description, which may be empty and have several lines. */
export function descriptionSchema(example: string) {
  return z
    .string()
    .trim()
    .max(LONGEST_DESCRIPTION, `cannot have more than ${LONGEST_DESCRIPTION} characters`)
    .refine(isVisibleDescription, UNSEEN)
    .openapi({ example })
}
