/** What a request that does not fit its schema is told, in the words of the Keptn service that stood at that path. */
import type { Hook } from "@hono/zod-openapi"
import type { z } from "@hono/zod-openapi"
import { ApiError, type InvalidParameter } from "./errors.ts"
import { invalidParameters } from "./listing.ts"
import { isEmptyParameter } from "./typed-parameter.ts"

type Issue = z.core.$ZodIssue
// The hook serves routes of every shape; it looks at the issues only.
// oxlint-disable-next-line typescript/no-explicit-any -- the library's own type for a hook of all routes
type ValidationHook = Hook<any, any, any, any>

/** Services built on gin: 400, and what is wrong. */
export const ginHook: ValidationHook = (result) => {
  if (result.success) return
  const issue = firstIssue(result.error.issues)
  throw new ApiError("invalid_request", `Invalid request format: ${ginText(issue)}`)
}

/**
 * Services built on go-openapi: 422 with a code of its own per rule; only the first failing field is reported. An empty value
 * of a typed parameter is 400, as in all other services.
 */
export const openApiHook: ValidationHook = (result) => {
  if (result.success) return
  const source = result.target === "json" ? "body" : result.target
  const sent = "data" in result ? result.data : undefined
  throw openApiError(result.error, sent, (field) => `${field} in ${source}`)
}

/** The same error, where a handler reads what was `sent` itself; `placeOf` says where a field stands. */
export function openApiError(error: z.core.$ZodError, sent: unknown, placeOf: (field: string) => string): ApiError {
  const issue = firstIssue(error.issues)
  if (isEmptyParameter(issue)) {
    return new ApiError("invalid_request", `${placeOf(issue.path.join("."))} ${issue.message}`)
  }
  const { code, text } = openApiRule(issue, sentAt(sent, issue.path))
  return new ApiError("validation_failed", `${placeOf(issue.path.join(".") || "body")} ${text}`, { keptnCode: code })
}

/** The identity API: 400 with every field that is wrong, and the rule it breaks. */
export const problemHook: ValidationHook = (result) => {
  if (result.success) return
  const source = result.target === "json" ? "body" : result.target === "param" ? "path" : "query"
  const sent = "data" in result ? result.data : undefined
  throw invalidParameters(result.error.issues.flatMap((issue) => problemsOf(issue, source, sentAt(sent, issue.path))))
}

function problemsOf(issue: Issue, source: InvalidParameter["source"], sent: unknown): InvalidParameter[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ field: key, rule: "unknown_property", reason: "is not known here", source }))
  }
  const field = issue.path.join(".") || "body"
  if (sent === undefined) return [{ field, rule: "required", reason: "is required", source }]
  return [{ field, rule: problemRule(issue), reason: issue.message, source }]
}

function problemRule(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `is_${issue.expected}`
    case "too_small":
      return issue.origin === "string" ? "min_length" : "min"
    case "too_big":
      return issue.origin === "string" ? "max_length" : "max"
    case "invalid_value":
      return "enum"
    case "invalid_format":
      if (issue.format === "uuid") return "is_uuid"
      return issue.format === "datetime" ? "is_date_time" : "matches_regex"
    default:
      return "invalid"
  }
}

/** What stood where the issue is. Issues do not hold it, so that nothing a caller sent slips into a message. */
function sentAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(memberOf, data)
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
}

function openApiRule(issue: Issue, sent: unknown): { code: number; text: string } {
  switch (issue.code) {
    case "invalid_type":
      return sent === undefined || sent === null
        ? { code: 602, text: "is required" }
        : { code: 601, text: `must be of type ${issue.expected === "record" ? "object" : issue.expected}` }
    case "too_big":
      if (issue.origin === "array") return { code: 611, text: `should have at most ${issue.maximum} items` }
      return { code: 608, text: `should be less than or equal to ${issue.maximum}` }
    case "too_small":
      // go-openapi takes an empty text for a missing one.
      if (issue.origin === "string") return { code: 602, text: "is required" }
      return { code: 609, text: `should be greater than or equal to ${issue.minimum}` }
    case "invalid_format":
      return { code: 605, text: issue.message }
    default:
      return { code: 601, text: issue.message }
  }
}

function firstIssue(issues: readonly Issue[]): Issue {
  const [issue] = issues
  if (!issue) throw new Error("validation failed without an issue")
  return issue
}

function ginText(issue: Issue): string {
  if (issue.code === "unrecognized_keys") return `json: unknown field "${issue.keys[0]}"`
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`
}
