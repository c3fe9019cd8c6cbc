/** The error responses of an operation in its OpenAPI document, from the catalogue. */
import { z } from "@hono/zod-openapi"
import { type ErrorCode, ERRORS } from "./errors.ts"

const keptnErrorSchema = z
  .object({
    code: z.number().int().optional().openapi({
      example: 404,
      description: "The status, or a code of its own for validation errors; absent where Keptn has none",
    }),
    message: z
      .string()
      .openapi({ example: "Project not found", description: "What is wrong and, where it helps, what to do" }),
  })
  .openapi("Error")

const statisticsErrorSchema = z
  .object({
    message: z.string().openapi({ example: "no statistics found for selected time frame" }),
    errorCode: z.number().int().openapi({ example: 404, description: "The status" }),
  })
  .openapi("StatisticsError")

const problemSchema = z
  .object({
    status: z.number().int().openapi({ example: 404 }),
    title: z.string().openapi({ example: "Not Found" }),
    instance: z.string().openapi({ example: "quarterdeck:trace:3f0c6a52-43f5-4c0c-8a6e-0d1f4b8f6f0e" }),
    detail: z.string().openapi({ example: "The requested team was not found" }),
    message: z.string().openapi({ example: "The requested team was not found", description: "The same as `detail`" }),
    invalid_parameters: z
      .array(
        z
          .object({
            field: z.string().openapi({ example: "name" }),
            rule: z.string().openapi({ example: "required" }),
            reason: z.string().openapi({ example: "is required" }),
            source: z.enum(["body", "query", "path"]).openapi({ example: "body" }),
          })
          .openapi("InvalidParameter"),
      )
      .optional()
      .openapi({ description: "Everything that is wrong with the request, with 400" }),
    successor_id: z.uuid().optional().openapi({
      example: "1c4a6e7f-8192-4d3e-9f40-5b6c7d8e9fa2",
      description: "The successor of a token that was rotated before, with the 409 of another rotation",
    }),
  })
  .openapi("Problem")

const textSchema = z.string().openapi({ example: "there is no project 'sockshop' in this region" })

type ErrorSchema = typeof keptnErrorSchema | typeof statisticsErrorSchema | typeof problemSchema | typeof textSchema

interface DocumentedError {
  description: string
  content: Record<string, { schema: ErrorSchema; example?: unknown }>
}

/** A shape, and an example of it for each error. */
interface Dialect {
  type: string
  schema: ErrorSchema
  example: (error: { status: number; title: string }) => unknown
}

const keptn: Dialect = {
  type: "application/json",
  schema: keptnErrorSchema,
  example: ({ status, title }) => ({ code: status, message: title }),
}
const statistics: Dialect = {
  type: "application/json",
  schema: statisticsErrorSchema,
  example: ({ status, title }) => ({ message: title, errorCode: status }),
}
const problem: Dialect = {
  type: "application/problem+json",
  schema: problemSchema,
  example: ({ status, title }) => ({
    status,
    title,
    instance: "quarterdeck:trace:3f0c6a52-43f5-4c0c-8a6e-0d1f4b8f6f0e",
    detail: title,
    message: title,
  }),
}
const plain: Dialect = { type: "text/plain", schema: textSchema, example: ({ title }) => `${title}\n` }

/** Where nginx stood before a Keptn service it answered these, and called its JSON plain text; clients parse it nevertheless. */
const ofKeptnsGateway: Record<number, DocumentedError> = Object.fromEntries(
  [ERRORS.unauthenticated, ERRORS.too_many_requests].map((error) => {
    const media = { schema: keptnErrorSchema, example: keptn.example(error) }
    return [error.status, { description: error.title, content: { "application/json": media, "text/plain": media } }]
  }),
)

/** Errors every Keptn route can answer beside `codes`. */
export function keptnErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return { ...documented(codes, keptn), ...ofKeptnsGateway }
}

/** Errors every route of the statistics service can answer beside `codes`. */
export function statisticsErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return { ...documented(codes, statistics), ...ofKeptnsGateway }
}

/** Errors every identity route can answer beside `codes`. */
export function problems(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return documented(codes, problem)
}

/** Errors every route of git's protocol can answer beside `codes`: git shows its user plain text, and nothing else. */
export function gitErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return documented(codes, plain)
}

const ALWAYS: readonly ErrorCode[] = ["unauthenticated", "too_many_requests", "internal_error", "unavailable"]

function documented(codes: readonly ErrorCode[], { type, schema, example }: Dialect) {
  const all = [...new Set([...codes, ...ALWAYS])]
  const entries = all.map((code): [number, DocumentedError] => {
    const error = ERRORS[code]
    return [error.status, { description: error.title, content: { [type]: { schema, example: example(error) } } }]
  })
  return Object.fromEntries(entries)
}
