/** The one catalogue of errors. Every error that leaves the Worker has an entry here; docs/errors.md lists them for users. */

/** Per code: the status, the title of a problem document, and whether the text given with the error may be shown. */
export const ERRORS = {
  invalid_request: { status: 400, title: "Bad Request", public: true },
  unauthenticated: { status: 401, title: "Unauthenticated", public: true },
  permission_denied: { status: 403, title: "Permission denied", public: true },
  not_found: { status: 404, title: "Not Found", public: true },
  method_not_allowed: { status: 405, title: "Method Not Allowed", public: true },
  conflict: { status: 409, title: "Conflict", public: true },
  length_required: { status: 411, title: "Length Required", public: true },
  precondition_failed: { status: 412, title: "Precondition Failed", public: true },
  payload_too_large: { status: 413, title: "Payload Too Large", public: true },
  unsupported_media_type: { status: 415, title: "Unsupported Media Type", public: true },
  range_not_satisfiable: { status: 416, title: "Range Not Satisfiable", public: true },
  misdirected_request: { status: 421, title: "Misdirected Request", public: true },
  validation_failed: { status: 422, title: "Unprocessable Content", public: true },
  too_many_requests: { status: 429, title: "Rate Limited", public: true },
  /** What a caller did, where Keptn has always answered 500 and its clients look for the text. Nothing of ours failed. */
  keptn_failure: { status: 500, title: "Internal Server Error", public: true },
  internal_error: { status: 500, title: "Internal Server Error", public: false },
  bad_gateway: { status: 502, title: "Bad Gateway", public: true },
  unavailable: { status: 503, title: "Service Unavailable", public: true },
  gateway_timeout: { status: 504, title: "Gateway Timeout", public: true },
  loop_detected: { status: 508, title: "Loop Detected", public: true },
} as const

export type ErrorCode = keyof typeof ERRORS

/** One thing that is wrong with a request to the identity API (Konnect's `invalid_parameters`). */
export interface InvalidParameter {
  field: string
  rule: string
  reason: string
  source: "body" | "query" | "path"
}

/** What an error may carry beside its code and text. */
export interface ErrorDetails {
  headers?: Readonly<Record<string, string>>
  /** The `code` member in Keptn's dialect, where Keptn does not repeat the status there; 0 leaves it out. */
  keptnCode?: number
  /** The whole body in Keptn's dialect, where clients know it byte for byte. */
  keptnBody?: string
  invalidParameters?: readonly InvalidParameter[]
  /** The id of the token that has taken the place of the one that a request was about. */
  successorId?: string
}

/** An error that a caller is told about. `message` says what is wrong and, where it helps, what to do. */
export class ApiError extends Error {
  override name = "ApiError"
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
