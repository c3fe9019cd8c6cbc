/** The bodies of requests on their way to an origin: never held, and never longer than allowed. */
import { countedPassage, passage } from "../lib/streams.ts"
import { ApiError } from "../gateway/errors.ts"
import type { OriginRequest } from "./send.ts"
import type { Upstream } from "./upstream.ts"

/** Throws an `ApiError` for a body that can be refused before a byte of it is read. */
export function checkBody(request: Request, { maxRequestBytes }: Upstream): void {
  const { method } = request
  const length = lengthOf(request)
  if (request.body !== null && reads(request) && length !== 0) {
    throw new ApiError("invalid_request", `a ${method} request with a body cannot be passed on`)
  }
  if (length !== null && length > maxRequestBytes) throw tooLarge(maxRequestBytes)
}

/** The body as it goes to the origin. `refused` answers the error when it turned out to be too large on its way, or broke off. */
export function bodyToOrigin(
  request: Request,
  { maxRequestBytes }: Upstream,
): Pick<OriginRequest, "body" | "sent" | "brokenOff"> & { refused: () => ApiError | null } {
  // Some clients tell the length of the body that they do not send with a GET.
  if (request.body === null || reads(request)) return { body: null, sent: null, brokenOff: null, refused: () => null }
  let refusal: ApiError | null = null
  const controller = new AbortController()
  const brokenOff = (reason: unknown) => {
    refusal ??= new ApiError("invalid_request", "the body broke off, or its chunks are not well-formed")
    controller.abort(reason)
  }
  const length = lengthOf(request)
  const passed =
    length === null
      ? countedPassage(request.body, maxRequestBytes, () => (refusal = tooLarge(maxRequestBytes)), brokenOff)
      : passage(request.body, length)
  return { body: passed.readable, sent: passed.done, brokenOff: controller.signal, refused: () => refusal }
}

/** The platform sends no body with these. */
function reads({ method }: Request): boolean {
  return method === "GET" || method === "HEAD"
}

function lengthOf({ headers }: Request): number | null {
  const length = headers.get("content-length")
  return length === null ? null : Number(length)
}

function tooLarge(most: number): ApiError {
  return new ApiError("payload_too_large", `the body is larger than ${most} bytes`)
}
