/** The OpenAPI document of a collection: made once per isolate, in JSON and YAML, with a validator for caches. */
import type { OpenAPIHono } from "@hono/zod-openapi"
import { stringify } from "yaml"
import { z } from "zod"
import { type DocumentedRequirement, requirementText } from "../gateway/authorize.ts"
import { type ErrorCode, ERRORS } from "../gateway/errors.ts"
import { LONGEST_KEY, mindsKey } from "../gateway/idempotency.ts"
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
  /** Whether an `Idempotency-Key` is minded. */
  idempotency: boolean
}

const NO_DEVIATION: Deviation = { requirement: (declared) => declared, errors: [], idempotency: true }

/** What a request with an `Idempotency-Key` can be answered besides: the key is malformed, in use, or another request's. */
const KEY_ERRORS: readonly ErrorCode[] = ["invalid_request", "conflict", "validation_failed"]

/** What a request with a body can be answered besides: the body is too large, cannot be read, or has an unknown encoding. */
const BODY_ERRORS: readonly ErrorCode[] = ["invalid_request", "payload_too_large", "unsupported_media_type"]

const KEY_PARAMETER = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "Any text that is new for each request, such as a UUID. Sent again with the same key within a day, the request is not carried out again: it " +
    "is answered as it was, with `Idempotent-Replayed: true`.",
  schema: { type: "string", minLength: 1, maxLength: LONGEST_KEY, example: "0f8f5a52-7d4b-4c6a-9a53-1d5a3f0c7b3e" },
}

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
    withCommon(path, item, deviation),
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
  parameters: z.array(z.unknown()).default([]),
  "x-requires": z.custom<DocumentedRequirement>((value) => typeof value === "object" && value !== null),
  responses: z.record(
    z.string(),
    z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })).optional() }),
  ),
})

type Operation = z.infer<typeof operationSchema>

/** Adds to every operation what all have in common: the sentence about what it requires, and the header that makes it repeatable. */
function withCommon(path: string, item: object, deviation: Deviation): Record<string, Operation> {
  const operations = Object.entries(item).map(([method, value]): [string, Operation] => {
    const operation = operationSchema.parse(value)
    const requires = deviation.requirement(operation["x-requires"])
    const text = [operation.description, requirementText(requires)].filter(Boolean).join("\n\n")
    const isKeyed = deviation.idempotency && mindsKey(method.toUpperCase(), path)
    const hasBody = "requestBody" in operation
    const errors = [...deviation.errors, ...(isKeyed ? KEY_ERRORS : []), ...(hasBody ? BODY_ERRORS : [])]
    const responses = { ...operation.responses, ...moreErrors(operation, errors) }
    const parameters = [...operation.parameters, ...(isKeyed ? [KEY_PARAMETER] : [])]
    const described = { ...operation, "x-requires": requires, description: text, responses }
    return [method, { ...described, ...(parameters.length > 0 && { parameters }) }]
  })
  return Object.fromEntries(operations)
}

/** Responses for errors that the route does not tell of, in the shape that its other errors have. */
function moreErrors({ responses }: Operation, errors: readonly ErrorCode[]): Operation["responses"] {
  const shapes = Object.entries(responses[ERRORS.internal_error.status]?.content ?? {})
  const content = Object.fromEntries(shapes.map(([type, { schema }]) => [type, { schema }]))
  const untold = [...new Set(errors)].filter((code) => !(ERRORS[code].status in responses))
  return Object.fromEntries(untold.map((code) => [ERRORS[code].status, { description: ERRORS[code].title, content }]))
}
