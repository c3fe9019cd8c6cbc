/** The OpenAPI documents that the Worker serves, read as a client generator reads them: what to send comes from their examples. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"

/** One operation of one document. */
export interface Operation {
  /** The label of the host that serves it. */
  host: string
  method: string
  path: string
  operationId: string
  requires: z.infer<typeof requirementSchema>
  /** The statuses that the document tells of. */
  statuses: string[]
  /** A request made of the examples of all that is required. Throws when one is missing. */
  request(): TestRequest & { path: string }
  /** Every optional parameter that has an example, as a query to add to the request. */
  optionalQueries: string[]
}

const requirementSchema = z.discriminatedUnion("on", [
  z.strictObject({ on: z.literal("token") }),
  z.strictObject({
    on: z.enum(["project", "projects", "any-project", "secrets", "organization", "self"]),
    action: z.string(),
  }),
  z.strictObject({ on: z.literal("body"), action: z.string(), atMost: z.string().optional() }),
])

const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  example: z.unknown().optional(),
  type: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
  items: z.unknown().optional(),
  allOf: z.array(z.unknown()).optional(),
})

const parameterSchema = z.looseObject({
  name: z.string(),
  in: z.enum(["path", "query"]),
  required: z.boolean().default(false),
  schema: z.unknown(),
})

const operationSchema = z.looseObject({
  operationId: z.string(),
  "x-requires": requirementSchema,
  parameters: z.array(parameterSchema).default([]),
  requestBody: z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })) }).optional(),
  responses: z.record(z.string(), z.unknown()),
})

const documentSchema = z.looseObject({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})

type Document = z.infer<typeof documentSchema>

/** The addresses of the documents that the docs page of a host links to. */
export async function documentPaths(host: string): Promise<string[]> {
  const page = await (await send(host, "/api", { token: null })).text()
  return [...page.matchAll(/<a href="([^"]+)"/g)].flatMap(([, path]) => path ?? [])
}

/** All operations that the documents of a host describe, in their order. */
export async function readOperations(host: string): Promise<Operation[]> {
  const operations: Operation[] = []
  for (const path of await documentPaths(host)) {
    const response = await send(host, path, { token: null })
    operations.push(...operationsOf(host, documentSchema.parse(await response.json())))
  }
  return operations
}

function operationsOf(host: string, document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => {
      const { operationId, "x-requires": requires, parameters } = operation
      const method = verb.toUpperCase()
      return {
        host,
        method,
        path,
        operationId,
        requires,
        statuses: Object.keys(operation.responses),
        request: () => ({ method, ...requestOf(document, path, operation) }),
        optionalQueries: parameters
          .filter((parameter) => parameter.in === "query" && !parameter.required)
          .flatMap(({ name, schema }) => optional(() => queryOf(name, exampleOf(document, schema, name))) ?? []),
      }
    }),
  )
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
  const { $ref, example, properties, required, items, allOf } = schemaSchema.parse(schema)
  if (example !== undefined) return example
  if ($ref !== undefined) return exampleOf(document, document.components.schemas[$ref.split("/").at(-1) ?? ""], place)
  if (allOf !== undefined) {
    return Object.assign({}, ...allOf.map((part) => exampleOf(document, part, place)))
  }
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
