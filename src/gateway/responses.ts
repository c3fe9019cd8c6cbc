/** The error responses of an operation in its OpenAPI document, from the catalogue. */
import { z } from "@hono/zod-openapi"
import { type ErrorCode, ERRORS } from "./errors.ts"

const keptnErrorSchema = z
  .object({
    code: z
      .number()
      .int()
      .openapi({ example: 404, description: "The status, or a code of its own for validation errors" }),
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
  })
  .openapi("Problem")

const textSchema = z.string().openapi({ example: "there is no project 'sockshop' in this region" })

type ErrorSchema = typeof keptnErrorSchema | typeof statisticsErrorSchema | typeof problemSchema | typeof textSchema

interface DocumentedError {
  description: string
  content: Record<string, { schema: ErrorSchema }>
}

/** Where nginx stood before a Keptn service it answered these, and called its JSON plain text; clients parse it nevertheless. */
const gatewayError = { "application/json": { schema: keptnErrorSchema }, "text/plain": { schema: keptnErrorSchema } }
const ofKeptnsGateway: Record<number, DocumentedError> = {
  401: { description: ERRORS.unauthenticated.title, content: gatewayError },
  429: { description: ERRORS.too_many_requests.title, content: gatewayError },
}

/** Errors every Keptn route can answer beside `codes`. */
export function keptnErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return { ...documented(codes, "application/json", keptnErrorSchema), ...ofKeptnsGateway }
}

/** Errors every route of the statistics service can answer beside `codes`. */
export function statisticsErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return { ...documented(codes, "application/json", statisticsErrorSchema), ...ofKeptnsGateway }
}

/** Errors every identity route can answer beside `codes`. */
export function problems(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return documented(codes, "application/problem+json", problemSchema)
}

/** Errors every route of git's protocol can answer beside `codes`: git shows its user plain text, and nothing else. */
export function gitErrors(...codes: ErrorCode[]): Record<number, DocumentedError> {
  return documented(codes, "text/plain", textSchema)
}

const ALWAYS: readonly ErrorCode[] = ["unauthenticated", "too_many_requests", "internal_error"]

function documented(codes: readonly ErrorCode[], type: string, schema: ErrorSchema) {
  const all = [...new Set([...codes, ...ALWAYS])]
  const entries = all.map((code): [number, DocumentedError] => [
    ERRORS[code].status,
    { description: ERRORS[code].title, content: { [type]: { schema } } },
  ])
  return Object.fromEntries(entries)
}
