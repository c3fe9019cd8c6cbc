/** The OpenAPI document of a collection: made once per isolate, in JSON and YAML, with a validator for caches. */
import type { OpenAPIHono } from "@hono/zod-openapi"
import { stringify } from "yaml"
import { z } from "zod"
import { type DocumentedRequirement, requirementText } from "../gateway/authorize.ts"
import { sha256Hex } from "../lib/digest.ts"

/** What a document says about its collection as a whole. */
export interface CollectionInfo {
  /** The name in the selector and in the document's address. */
  name: string
  title: string
  description: string
}

/** An OpenAPI document, as a plain object. */
export type Document = Record<string, unknown>

/** A document as text. */
export interface Renderings {
  json: Rendering
  yaml: Rendering
}

/** One rendering of a document. `etag` has no quotes. */
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

/** What a document says that an operation requires, from what its route declares. */
export type ToldRequirement = (declared: DocumentedRequirement) => DocumentedRequirement

/** The OpenAPI 3.1 document of `collection`. */
export function describeCollection(collection: Documented, info: CollectionInfo, told: ToldRequirement): Document {
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
    info: { title: info.title, description: info.description, version: VERSION },
    servers: [{ url: "/", description: "This host" }],
  })
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => [
    templated(path),
    withRequirements(item, told),
  ])
  return { ...document, paths: Object.fromEntries(paths) }
}

/** Renders a document in both forms. */
export async function renderDocument(document: Document): Promise<Renderings> {
  return {
    json: await rendering(JSON.stringify(document)),
    yaml: await rendering(stringify(document, { aliasDuplicateObjects: false })),
  }
}

async function rendering(text: string): Promise<Rendering> {
  return { text, etag: (await sha256Hex(text)).slice(0, 32) }
}

/** Hono's `:resourceURI{.+}` is OpenAPI's `{resourceURI}`. */
function templated(path: string): string {
  return path.replace(/:(\w+)\{[^}]*\}/g, "{$1}")
}

const operationSchema = z.looseObject({
  description: z.string().optional(),
  "x-requires": z.custom<DocumentedRequirement>((value) => typeof value === "object" && value !== null),
})

/** Adds to every operation the sentence about what it requires, from the declaration that is also checked. */
function withRequirements(item: object, told: ToldRequirement): Record<string, unknown> {
  const operations = Object.entries(item).map(([method, value]) => {
    const operation = operationSchema.parse(value)
    const requires = told(operation["x-requires"])
    const text = [operation.description, requirementText(requires)].filter(Boolean).join("\n\n")
    return [method, { ...operation, "x-requires": requires, description: text }]
  })
  return Object.fromEntries(operations)
}
