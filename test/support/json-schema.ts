/** Values held against the schemas of an OpenAPI document. */
import { type Schema, type ValidationResult, Validator } from "@cfworker/json-schema"
import { z } from "zod"

const schemaSchema = z.custom<Schema>(isObject)

/** What a schema has wrong with a value, or null. */
export type Check = (value: unknown) => string | null

/**
 * Answers how to make checks from the schemas of a document with these components. They are stricter than the document: a member that it does
 * not tell of is refused, too. Clients must bear new members, but the document has to have them.
 */
export function schemaChecks(components: Readonly<Record<string, unknown>>): (schema: unknown) => Check {
  const definitions = Object.entries(components).flatMap(([name, schema]) => [
    [name, strict(schema, false)],
    [openName(name), strict(schema, true)],
  ])
  const $defs: unknown = Object.fromEntries(definitions)
  return (schema) => {
    const validator = new Validator(schemaSchema.parse({ ...asObject(strict(schema, false)), $defs }), "2020-12", false)
    return (value) => {
      const { valid, errors } = resultOf(validator, value)
      // The last ones are the innermost; those before them say only that something inside is wrong.
      return valid
        ? null
        : errors
            .slice(-3)
            .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`)
            .join(" ")
    }
  }
}

function resultOf(validator: Validator, value: unknown): ValidationResult {
  try {
    return validator.validate(value)
  } catch (error) {
    // It writes where it is as part of a URL, and cannot below a name that is half a surrogate pair. Such names are what callers made up.
    if (error instanceof URIError) return { valid: true, errors: [] }
    throw error
  }
}

/** The name of a component that others extend: what they add must be let through. */
function openName(name: string): string {
  return `${name}.extended`
}

/** A schema without its examples, which the validator would take for schemas, and closed unless it is a `part` of another. */
function strict(schema: unknown, part: boolean): unknown {
  if (!isObject(schema)) return schema
  const { example: _example, ...members } = schema
  const whole = Object.fromEntries(Object.entries(members).map(([key, value]) => [key, keyword(key, value, part)]))
  if (part || "additionalProperties" in whole) return whole
  if ("allOf" in whole) return { ...whole, unevaluatedProperties: false }
  return "properties" in whole ? { ...whole, additionalProperties: false } : whole
}

function keyword(key: string, value: unknown, part: boolean): unknown {
  switch (key) {
    case "$ref": {
      const name = String(value).split("/").at(-1) ?? ""
      return `#/$defs/${part ? openName(name) : name}`
    }
    case "properties":
      return Object.fromEntries(Object.entries(asObject(value)).map(([name, one]) => [name, strict(one, false)]))
    case "allOf":
      return z
        .array(z.unknown())
        .parse(value)
        .map((one) => strict(one, true))
    case "anyOf":
    case "oneOf":
      return z
        .array(z.unknown())
        .parse(value)
        .map((one) => strict(one, part))
    case "items":
    case "additionalProperties":
      return strict(value, false)
    default:
      return value
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new Error(`not an object: ${JSON.stringify(value)}`)
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
