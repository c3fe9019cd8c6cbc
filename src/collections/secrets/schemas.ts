/** The shapes of the secret service. */
import { z } from "@hono/zod-openapi"
import { DEFAULT_SCOPE } from "../../lib/secret-rules.ts"

const name = z
  .string({ error: "is required" })
  .min(1, "is required")
  .openapi({ example: "dynatrace", description: "Lower-case letters, digits, hyphens and dots; one of the region" })
const scope = z.string().openapi({ example: DEFAULT_SCOPE, description: "One of those that `/scope` lists" })
const keys = z.array(z.string()).openapi({ example: ["DT_API_TOKEN"] })
const EXAMPLE = { DT_API_TOKEN: "dt0c01.EXAMPLE" }

/** Objects that are parsed lose a member of this name without a word. */
const LOST = "__proto__"

/** The values by their names. */
const data = z
  .unknown()
  .superRefine((value, check) => {
    if (typeof value === "object" && value !== null && Object.hasOwn(value, LOST)) {
      check.addIssue({ code: "custom", message: `must not hold the key ${LOST}` })
    }
  })
  .pipe(z.record(z.string(), z.string()))
  .openapi({
    type: "object",
    additionalProperties: { type: "string" },
    example: EXAMPLE,
    description: "Names and values. A name holds letters, digits, hyphens, underscores and dots, at most 253",
  })

/** The body of a secret's creation. Keptn takes an absent and an empty scope for the default one. */
export const createSecretSchema = z
  .object({
    name,
    scope: scope
      .nullish()
      .transform((value) => value || DEFAULT_SCOPE)
      .openapi({ type: "string", example: DEFAULT_SCOPE, description: `\`${DEFAULT_SCOPE}\` when absent` }),
    data: data.default({}),
  })
  .openapi("CreateSecret")

/** The body of a secret's update. There is no default scope. */
export const updateSecretSchema = z
  .object({
    name,
    scope: scope
      .nullish()
      .transform((value) => value ?? "")
      .openapi({ type: "string", example: DEFAULT_SCOPE, description: "Must be given: there is no default" }),
    data,
  })
  .openapi("UpdateSecret")

/** A secret as it was just written. */
export const writtenSecretSchema = z
  .object({ name, scope, data: z.record(z.string(), z.string()).openapi({ example: EXAMPLE }) })
  .openapi("Secret")

/** All that can be read of secrets. The capital letter is Keptn's. */
export const secretListSchema = z
  .object({ Secrets: z.array(z.object({ name, scope, keys }).openapi("SecretMetadata")) })
  .openapi("Secrets")

export const scopeListSchema = z
  .object({ scopes: z.array(z.string()).openapi({ example: [DEFAULT_SCOPE] }) })
  .openapi("Scopes")

/** Names one secret. */
export const secretQuery = z.object({
  name,
  scope: z
    .string({ error: "is required" })
    .min(1, "is required")
    .openapi({ description: "The scope of the secret", example: DEFAULT_SCOPE }),
})

const filter = (what: string, example: string) =>
  z
    .string()
    .optional()
    .transform((value) => value || undefined)
    .openapi({ type: "string", description: `Only ${what}`, example })

/** Narrows a list. Empty is absent. */
export const secretFilter = z.object({
  name: filter("the secret of this name", "dynatrace"),
  scope: filter("secrets of this scope", DEFAULT_SCOPE),
})
