/** The OpenAPI document of a collection: made once per isolate, in JSON and YAML, with a validator for caches. */
import type { OpenAPIHono } from "@hono/zod-openapi"
import { stringify } from "yaml"
import { z } from "zod"
import { type DocumentedRequirement, requirementText } from "../gateway/authorize.ts"
import { type ErrorCode, ERRORS } from "../gateway/errors.ts"
import { sha256Hex } from "../lib/digest.ts"
import type { Server } from "./servers.ts"
import { TAGS } from "./tags.ts"

/** What a document says about its collection as a whole. */
export interface CollectionInfo {
  /** The name in the selector and in the document's address. */
  name: string
  title: string
  description: string
}

/** An OpenAPI document, as a plain object. */
export type Document = Record<string, unknown>

/** What a document can be rendered as. */
export type Form = "json" | "yaml"

/** A document as text. `etag` has no quotes. */
export interface Rendering {
  text: string
  etag: string
}

/** The part of a collection that a document is made of. */
export interface Documented {
  getOpenAPI31Document: OpenAPIHono["getOpenAPI31Document"]
  openAPIRegistry: OpenAPIHono["openAPIRegistry"]
}

const VERSION = "1.0.0"

/** How the document of a collection differs where somebody else than this Worker serves it. */
export interface Deviation {
  /** What is said that an operation requires, from what its route declares. */
  requirement: (declared: DocumentedRequirement) => DocumentedRequirement
  /** What every operation can be answered besides. */
  errors: readonly ErrorCode[]
}

const NO_DEVIATION: Deviation = { requirement: (declared) => declared, errors: [] }

/** The OpenAPI 3.1 document of `collection`, which `servers` serve. */
export function describeCollection(
  collection: Documented,
  info: CollectionInfo,
  servers: readonly Server[],
  deviation = NO_DEVIATION,
): Document {
  const { openAPIRegistry: registry } = collection
  registry.registerComponent("securitySchemes", "token", {
    type: "apiKey",
    in: "header",
    name: "x-token",
    description: "A token (`kpat_…` or `spat_…`), as Keptn clients send it",
  })
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "The same token, as Konnect clients send it",
  })
  const document = collection.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: info.title, description: info.description, version: VERSION, contact: { name: "Quarterdeck" } },
  })
  // The types of the generator are those of OpenAPI 3.0, which knows no identifier of a license.
  const license = { name: "Apache License 2.0", identifier: "Apache-2.0" }
  const paths = Object.entries(document.paths ?? {}).map(([path, item]): [string, Record<string, Operation>] => [
    templated(path),
    withRequirements(item, deviation),
  ])
  const used = new Set(paths.flatMap(([, item]) => Object.values(item).flatMap((operation) => operation.tags)))
  const tags = Object.entries(TAGS).flatMap(([name, text]) => (used.has(name) ? [{ name, description: text }] : []))
  return { ...document, info: { ...document.info, license }, servers, tags, paths: Object.fromEntries(paths) }
}

/** Renders a document. YAML takes many times as long as JSON. */
export async function renderDocument(document: Document, form: Form): Promise<Rendering> {
  const text = form === "json" ? JSON.stringify(document) : stringify(document, { aliasDuplicateObjects: false })
  return { text, etag: (await sha256Hex(text)).slice(0, 32) }
}

/** Hono's `:resourceURI{…}` is OpenAPI's `{resourceURI}`. */
function templated(path: string): string {
  return path.replace(/:(\w+)\{[^}]*\}/g, "{$1}")
}

const operationSchema = z.looseObject({
  description: z.string().optional(),
  tags: z.array(z.string()).default([]),
  "x-requires": z.custom<DocumentedRequirement>((value) => typeof value === "object" && value !== null),
  responses: z.record(
    z.string(),
    z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })).optional() }),
  ),
})

type Operation = z.infer<typeof operationSchema>

/** Adds to every operation the sentence about what it requires, from the declaration that is also checked. */
function withRequirements(item: object, { requirement, errors }: Deviation): Record<string, Operation> {
  const operations = Object.entries(item).map(([method, value]): [string, Operation] => {
    const operation = operationSchema.parse(value)
    const requires = requirement(operation["x-requires"])
    const text = [operation.description, requirementText(requires)].filter(Boolean).join("\n\n")
    const responses = { ...operation.responses, ...moreErrors(operation, errors) }
    return [method, { ...operation, "x-requires": requires, description: text, responses }]
  })
  return Object.fromEntries(operations)
}

/** Responses for errors that the route does not tell of, in the shape that its other errors have. */
function moreErrors({ responses }: Operation, errors: readonly ErrorCode[]): Operation["responses"] {
  const shapes = Object.entries(responses[ERRORS.internal_error.status]?.content ?? {})
  const content = Object.fromEntries(shapes.map(([type, { schema }]) => [type, { schema }]))
  const untold = errors.filter((code) => !(ERRORS[code].status in responses))
  return Object.fromEntries(untold.map((code) => [ERRORS[code].status, { description: ERRORS[code].title, content }]))
}
