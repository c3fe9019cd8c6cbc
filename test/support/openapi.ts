/** The OpenAPI documents that the Worker serves, read as a client generator reads them: what to send comes from their examples. */
import { z } from "zod"
import type { TestRequest } from "./client.ts"
import { readDocuments } from "./documents.ts"
import { schemaChecks } from "./json-schema.ts"

/** One operation of one document. */
export interface Operation {
  /** The label of the host that serves it. */
  host: string
  method: string
  path: string
  operationId: string
  description: string
  requires: z.infer<typeof requirementSchema>
  /** The statuses that the document tells of. */
  statuses: string[]
  /** What is wrong with the examples of its responses: missing, or not of the shape that they are examples of. */
  responseProblems(): string[]
  /** A request made of the examples of all that is required. Throws when one is missing. */
  request(): TestRequest & { path: string }
  /** Every optional parameter that has an example, as a query to add to the request. */
  optionalQueries: string[]
  /** What stands in the path, in the query and in headers. */
  parameters: Parameter[]
  takesBody: boolean
}

/** A parameter, with its example where it has one. */
export interface Parameter {
  name: string
  in: "path" | "query" | "header"
  required: boolean
  example: string | null
  /** Whether it is a number, a flag or a time. */
  isTyped: boolean
}

const requirementSchema = z.discriminatedUnion("on", [
  z.strictObject({ on: z.literal("token") }),
  z.strictObject({
    on: z.enum(["project", "projects", "any-project", "secrets", "organization", "self"]),
    action: z.string(),
  }),
  z.strictObject({
    on: z.literal("body"),
    action: z.string(),
    atMost: z.string().optional(),
    secrets: z.literal(true).optional(),
  }),
])

const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  example: z.unknown().optional(),
  type: z.unknown().optional(),
  format: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
  items: z.unknown().optional(),
  allOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
})

const parameterSchema = z.looseObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().default(false),
  schema: z.unknown(),
})

const operationSchema = z.looseObject({
  operationId: z.string(),
  description: z.string(),
  "x-requires": requirementSchema,
  parameters: z.array(parameterSchema).default([]),
  requestBody: z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })) }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({
      content: z
        .record(z.string(), z.looseObject({ schema: z.unknown(), example: z.unknown().optional() }))
        .default({}),
    }),
  ),
})

const documentSchema = z.looseObject({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})

type Document = z.infer<typeof documentSchema>

/** All operations that the documents of a host describe, in their order. */
export async function readOperations(host: string): Promise<Operation[]> {
  const documents = await readDocuments(host)
  return documents.flatMap((document) => operationsOf(host, documentSchema.parse(document)))
}

function operationsOf(host: string, document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => {
      const { operationId, description, "x-requires": requires, parameters } = operation
      const method = verb.toUpperCase()
      return {
        host,
        method,
        path,
        operationId,
        description,
        requires,
        statuses: Object.keys(operation.responses),
        responseProblems: () => responseProblems(document, operation),
        request: () => ({ method, ...requestOf(document, path, operation) }),
        optionalQueries: parameters
          .filter((parameter) => parameter.in === "query" && !parameter.required)
          .flatMap(({ name, schema }) => optional(() => queryOf(name, exampleOf(document, schema, name))) ?? []),
        parameters: parameters.map(({ name, required, schema, ...parameter }) => {
          const example = optional(() => String(exampleOf(document, schema, name))) ?? null
          const { type, format } = schemaSchema.parse(schema)
          const isTyped = type !== "string" || format === "date-time"
          return { name, in: parameter.in, required, example, isTyped }
        }),
        takesBody: operation.requestBody !== undefined,
      }
    }),
  )
}

function responseProblems(document: Document, { responses }: z.infer<typeof operationSchema>): string[] {
  const checkOf = schemaChecks(document.components.schemas)
  const bodies = Object.entries(responses).flatMap(([status, { content }]) =>
    Object.entries(content).map(([type, media]) => ({ place: `${status} ${type}`, ...media })),
  )
  return bodies.flatMap(({ place, schema, example }) => {
    // Bytes and lines have none that would tell anybody more than their type does.
    if (schemaSchema.parse(schema).type === "string") return []
    try {
      const problem = checkOf(schema)(example ?? exampleOf(document, schema, place))
      return problem === null ? [] : [`${place}: ${problem}`]
    } catch (error) {
      return [String(error)]
    }
  })
}

function requestOf(document: Document, template: string, operation: z.infer<typeof operationSchema>) {
  let path = template
  const queries: string[] = []
  for (const parameter of operation.parameters.filter(({ required }) => required)) {
    const { name } = parameter
    const value = exampleOf(document, parameter.schema, `${operation.operationId}: the parameter ${name}`)
    if (parameter.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(String(value)))
    else queries.push(queryOf(name, value))
  }
  if (path.includes("{")) throw new Error(`${operation.operationId}: ${path} has a parameter that is not described`)
  if (queries.length > 0) path += `?${queries.join("&")}`
  if (!operation.requestBody) return { path }
  const { content } = operation.requestBody
  const place = `${operation.operationId}: the body`
  if (content["application/json"]) return { path, json: exampleOf(document, content["application/json"].schema, place) }
  const form = content["multipart/form-data"]
  if (form) return { path, body: formOf(document, form.schema, place) }
  const lines = content["application/jsonl"]
  if (lines) {
    return {
      path,
      body: String(exampleOf(document, lines.schema, place)),
      headers: { "content-type": "application/jsonl" },
    }
  }
  const [type = ""] = Object.keys(content)
  if (!type.startsWith("application/x-git-")) throw new Error(`${place} is neither JSON nor what git sends`)
  return { path, body: GIT_FLUSH, headers: { "content-type": type } }
}

/** A form made of the examples of its fields; those of files are in base64. */
function formOf(document: Document, schema: unknown, place: string): FormData {
  const form = new FormData()
  for (const [name, field] of Object.entries(schemaSchema.parse(schema).properties ?? {})) {
    const example = String(exampleOf(document, field, `${place}.${name}`))
    const isFile = schemaSchema.parse(field)["format"] === "binary"
    form.append(name, isFile ? new File([Uint8Array.fromBase64(example)], name) : example)
  }
  return form
}

/** What git sends when it has nothing to say. */
const GIT_FLUSH = "0000"

/** The example of a schema, or one made of the examples of its parts. Throws when a part that is needed has none. */
function exampleOf(document: Document, schema: unknown, place: string): unknown {
  const { $ref, example, properties, required, items, allOf, anyOf, additionalProperties } = schemaSchema.parse(schema)
  if (example !== undefined) return example
  if ($ref !== undefined) return exampleOf(document, document.components.schemas[$ref.split("/").at(-1) ?? ""], place)
  if (allOf !== undefined) {
    // A part may say nothing but that null will do, too.
    const parts = allOf.flatMap((part) => optional(() => exampleOf(document, part, place)) ?? [])
    if (parts.length === 0) throw new Error(`${place} has no example`)
    return Object.assign({}, ...parts)
  }
  if (anyOf !== undefined) return exampleOf(document, anyOf[0], place)
  if (typeof additionalProperties === "object") return { name: exampleOf(document, additionalProperties, `${place}.*`) }
  if (items !== undefined) return [exampleOf(document, items, `${place}[]`)]
  if (properties === undefined) throw new Error(`${place} has no example`)
  const members = Object.entries(properties).map(([name, property]) => {
    const read = () => exampleOf(document, property, `${place}.${name}`)
    return [name, required.includes(name) ? read() : optional(read)]
  })
  const given = Object.fromEntries(members.filter(([, value]) => value !== undefined))
  // Where it can be left out, an object in which nothing has an example is one without an example.
  if (members.length > 0 && Object.keys(given).length === 0) throw new Error(`${place} has no example`)
  return given
}

function queryOf(name: string, value: unknown): string {
  return `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`
}

function optional<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
