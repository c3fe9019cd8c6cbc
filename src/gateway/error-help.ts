/** What each error means and what to do about it, in words: the page at `/api/errors` and the table in docs/errors.md are made of it. Backticks mark code. */
import { type ErrorCode, ERRORS } from "./errors.ts"

/** When an error is answered, and what its caller can do. */
interface ErrorHelp {
  when: string
  remedy: string
}

const ERROR_HELP: Readonly<Record<ErrorCode, ErrorHelp>> = {
  invalid_request: {
    when: "the body is not JSON or nested too deep, a field is unknown or wrong, a name or a file is not allowed, an import package cannot be carried out, a path or a body cannot be passed on to an origin, `Host` is not the name of one host, the target of the request is not a path",
    remedy: "the message names it",
  },
  unauthenticated: {
    when: "no token, or one that is malformed, unknown, expired or revoked; which of them, only the log says",
    remedy: "send a valid token in `x-token` or as `Authorization: Bearer`",
  },
  permission_denied: {
    when: "the caller sees what it names but lacks a role or a team; or the path is not public",
    remedy: "ask for what the message names",
  },
  not_found: {
    when: "there is no such thing, or the caller may not see it; or the path belongs to another host",
    remedy: "check the name and the host; the message may name a path that is like it",
  },
  method_not_allowed: { when: "the path has other methods", remedy: "see the `Allow` header" },
  conflict: {
    when: "the name is taken, a file is where a folder must be, too many wrote at once, a file was changed since, imported events belong before archived ones, the last administrator would be shut out, a token was rotated before, or a request with this `Idempotency-Key` was carried out and what it was answered is not there (yet)",
    remedy: "the message says what is in the way; with `Retry-After`, try again",
  },
  length_required: {
    when: "the raw content of a file came without its size",
    remedy: "send `Content-Length`; `curl -T` does",
  },
  precondition_failed: {
    when: "what is stored is not what `If-Match` or `If-None-Match` expects",
    remedy: "read it again, and decide anew",
  },
  payload_too_large: {
    when: "the body is larger than `MAX_BODY_BYTES` (`MAX_RAW_BYTES` for raw files and pushes, `max_request_bytes` for an origin), an event or a secret larger than 1 MB, a folder or a commit too large",
    remedy: "send less at once; send a large file as it is, not in JSON",
  },
  unsupported_media_type: {
    when: "the body is not declared as JSON (api-service only), or not as what git sends; an import package is no zip that can be opened",
    remedy: "send `Content-Type: application/json`; use git",
  },
  range_not_satisfiable: { when: "the file has no such bytes", remedy: "see `Content-Range` for its size" },
  misdirected_request: { when: "the host is none of this deployment", remedy: "use a host that the message names" },
  validation_failed: {
    when: "a field of an event or a query is missing or out of range; an `Idempotency-Key` was used for another request",
    remedy: "the message names it",
  },
  too_many_requests: {
    when: "too many failed attempts from one address; valid tokens are not affected",
    remedy: "wait `Retry-After` seconds, and mend the token",
  },
  keptn_failure: {
    when: "a caller's mistake that Keptn has always answered with 500: a service of an unknown project, an unknown `gitCommitID`, an integration to be removed that is not there, an empty list of logs",
    remedy: "check the name",
  },
  internal_error: {
    when: "a fault of ours; its text is in the log only",
    remedy: "report it with the request id",
  },
  bad_gateway: {
    when: "an origin cannot be reached, or its answer, or its document, cannot be passed on",
    remedy: "look at the origin; the log line of the request says what failed",
  },
  unavailable: {
    when: "the storage failed or did not answer in 30 seconds; the Worker is not configured completely; there are no `SECRET_KEYS` to keep a secret or an answer with; the storage failed in the middle of an import; an origin did not answer lately and is not asked for a while",
    remedy: "the message names what is missing, or what was done; with `Retry-After`, try again then",
  },
  gateway_timeout: {
    when: "an origin took too long to answer",
    remedy: "try again; raise `first_byte_seconds` or `total_seconds`",
  },
  loop_detected: {
    when: "an origin leads back to this edge",
    remedy: "mend `origin` in the list of upstreams",
  },
}

/** An error of the catalogue with its explanation. */
export interface ExplainedError extends ErrorHelp {
  code: ErrorCode
  status: number
}

/** All errors, by status. */
export function explainedErrors(): ExplainedError[] {
  const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS)
  return codes
    .map((code) => ({ code, status: ERRORS[code].status, ...ERROR_HELP[code] }))
    .toSorted((one, other) => one.status - other.status)
}
