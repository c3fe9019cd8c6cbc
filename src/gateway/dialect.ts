/**
 * How an error is written: as a problem document below /v2 and /v3, as plain text to git, which shows that to its user, and as Keptn
 * writes it everywhere else.
 */
import type { Context } from "hono"
import { HTTPException } from "hono/http-exception"
import type { GatewayEnv } from "./environment.ts"
import { StorageError } from "../lib/storage-error.ts"
import { ApiError, type ErrorCode, ERRORS } from "./errors.ts"

/** Whether errors of this path are problem documents. */
export function isIdentityPath(path: string): boolean {
  return /^\/v[23](\/|$)/.test(path)
}

/** Whether a request is one of git's protocol. */
export function isGitPath(path: string): boolean {
  return path.startsWith("/git/")
}

/** Whether errors of this path have the shape of Keptn's statistics service, which is unlike that of all others. */
function isStatisticsPath(path: string): boolean {
  return path.startsWith("/api/statistics/")
}

const STORAGE_FAILED =
  "the storage failed or did not answer in time: try again. Whether a change was made is not known, so repeat one with the same Idempotency-Key, " +
  "or look first"

/** The page that explains errors, each under its code. */
export const ERRORS_PATH = "/api/errors"

/** The response for anything that was thrown. Only an `ApiError` is told to the caller in its own words. */
export function errorResponse(c: Context<GatewayEnv>, thrown: unknown): Response {
  const error = toApiError(thrown)
  const response = inDialect(c, error)
  // Bodies are what clients know, so the explanation is linked beside them.
  response.headers.set("Link", `<${ERRORS_PATH}#${error.code}>; rel="help"`)
  return response
}

function inDialect(c: Context<GatewayEnv>, error: ApiError): Response {
  if (isIdentityPath(c.req.path)) return problemDocument(c, error)
  return isGitPath(c.req.path) ? plainText(error) : keptnError(c, error)
}

/** What was thrown, as an error of the catalogue. */
function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (isFromStorage(thrown)) {
    return new ApiError("unavailable", STORAGE_FAILED, { headers: { "Retry-After": "1" } })
  }
  // Hono's validators throw these before a handler runs: a body that is no JSON, or is not declared as such.
  if (thrown instanceof HTTPException && thrown.status === 415) {
    return new ApiError("unsupported_media_type", "the body must be sent with Content-Type: application/json")
  }
  if (thrown instanceof HTTPException && thrown.status === 400) {
    return invalidBody("the body is not valid JSON")
  }
  // Nothing here calls itself without end: what no stack is large enough for has come with the request. Zod has all that is wrong with a
  // body on it at once.
  if (thrown instanceof RangeError && thrown.message.includes("call stack")) {
    return invalidBody("the body is nested too deep, or too much is wrong with it")
  }
  return new ApiError("internal_error", "")
}

/** Drizzle wraps what the database throws. */
function isFromStorage(thrown: unknown): boolean {
  return thrown instanceof StorageError || (thrown instanceof Error && isFromStorage(thrown.cause))
}

function invalidBody(problem: string): ApiError {
  const invalidParameters = [
    { field: "body", rule: "invalid", reason: "request format is invalid", source: "body" },
  ] as const
  return new ApiError("invalid_request", `Invalid request format: ${problem}`, { invalidParameters })
}

function keptnError(c: Context<GatewayEnv>, error: ApiError): Response {
  const { status } = ERRORS[error.code]
  const { keptnBody, keptnCode, headers } = error.details
  if (keptnBody !== undefined) {
    return new Response(keptnBody, { status, headers: { ...headers, "Content-Type": "text/plain" } })
  }
  const message = publicText(error)
  // Where Keptn has no code it leaves the member out.
  const numbered = { ...(keptnCode !== 0 && { code: keptnCode ?? status }), message }
  const body = isStatisticsPath(c.req.path) ? { message, errorCode: status } : numbered
  return Response.json(body, { status, ...(headers && { headers }) })
}

function plainText(error: ApiError): Response {
  const { headers } = error.details
  const { status } = ERRORS[error.code]
  return new Response(`${publicText(error)}\n`, { status, headers: { ...headers, "Content-Type": "text/plain" } })
}

function problemDocument(c: Context<GatewayEnv>, error: ApiError): Response {
  const { status, title } = ERRORS[error.code]
  const { invalidParameters, successorId, headers } = error.details
  const text = publicText(error)
  const body = {
    status,
    title,
    instance: `quarterdeck:trace:${c.get("requestId")}`,
    detail: text,
    // go-kong reads nothing but `message`.
    message: text,
    ...(invalidParameters && { invalid_parameters: invalidParameters }),
    ...(successorId !== undefined && { successor_id: successorId }),
  }
  return Response.json(body, { status, headers: { ...headers, "Content-Type": "application/problem+json" } })
}

function publicText(error: ApiError): string {
  const entry: { title: string; public: boolean } = ERRORS[error.code satisfies ErrorCode]
  return entry.public ? error.message : sentence(entry.title)
}

/** `Internal Server Error` as Keptn writes it: `Internal server error`. */
function sentence(title: string): string {
  return title.charAt(0) + title.slice(1).toLowerCase()
}
