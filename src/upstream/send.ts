/** Asks an origin: with a limit on how long it may take, and once more where that is harmless. */
import { ApiError } from "../gateway/errors.ts"
import type { Upstream } from "./upstream.ts"

/** A request as the origin gets it. */
export interface OriginRequest {
  address: string
  method: string
  headers: Headers
  body: ReadableStream<Uint8Array> | null
  /** Settles when the body has been sent; null without one. */
  sent: Promise<void> | null
  /** Aborts when the body will not come to its end; null without one. */
  brokenOff: AbortSignal | null
}

/** The beginning of the origin's answer. */
export interface OriginAnswer {
  response: Response
  /** Aborts when the time for the whole is over. */
  signal: AbortSignal
  /** To be called when the whole has passed: its time counts no longer. */
  ended: () => void
}

/** An origin that does not answer as it should. `reason` is for the log only. */
export class OriginFailure extends ApiError {
  readonly reason: string
  /** Whether this says that the origin is down. It answered, or while the caller still sent it may as well be the caller that broke off, where not. */
  readonly isDown: boolean

  constructor(code: "bad_gateway" | "gateway_timeout", message: string, reason: string, isDown = true) {
    super(code, message)
    this.reason = reason
    this.isDown = isDown
  }
}

/** How often a request is sent at most. */
const ATTEMPTS = 2

/** Sends a request and waits for the beginning of the answer. Throws an `OriginFailure`. Redirects are answers like others. */
export async function send(upstream: Upstream, request: OriginRequest): Promise<OriginAnswer> {
  const { method, body, brokenOff } = request
  const repeatable = upstream.retries && body === null && (method === "GET" || method === "HEAD")
  const clock = startClock(upstream)
  const signal = brokenOff ? AbortSignal.any([clock.signal, brokenOff]) : clock.signal
  const progress = { sent: request.sent === null }
  // Until the origin has the whole request it need not answer.
  if (request.sent === null) clock.awaitAnswer()
  else {
    const whenSent = () => {
      progress.sent = true
      clock.awaitAnswer()
    }
    // What fails to be sent fails the request below, too.
    request.sent.then(whenSent, () => undefined)
  }
  for (let attempt = repeatable ? 1 : ATTEMPTS; ; attempt++) {
    try {
      const response = await fetch(request.address, {
        method,
        headers: request.headers,
        body,
        redirect: "manual",
        signal,
        // The bytes are passed on as they are: what is compressed stays so.
        encodeResponseBody: "manual",
      })
      clock.answered()
      return { response, signal: clock.signal, ended: clock.stop }
    } catch (error) {
      if (attempt < ATTEMPTS && clock.expired === null) continue
      clock.stop()
      throw failure(upstream, clock.expired, progress.sent, error)
    }
  }
}

/** What limits a request: the time until the answer begins, and the time until it ends. */
interface Clock {
  signal: AbortSignal
  /** Which time is over. */
  readonly expired: "first-byte" | "total" | null
  awaitAnswer(): void
  answered(): void
  stop: () => void
}

function startClock({ firstByteMs, totalMs }: Upstream): Clock {
  const controller = new AbortController()
  let expired: Clock["expired"] = null
  let waiting: ReturnType<typeof setTimeout> | undefined
  const expire = (which: "first-byte" | "total") => {
    expired ??= which
    controller.abort(new Error(`the ${which} time is over`))
  }
  const total = totalMs === null ? undefined : setTimeout(() => expire("total"), totalMs)
  let isAnswered = false
  const answered = () => {
    isAnswered = true
    clearTimeout(waiting)
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    awaitAnswer() {
      if (!isAnswered) waiting = setTimeout(() => expire("first-byte"), firstByteMs)
    },
    answered,
    stop() {
      answered()
      clearTimeout(total)
    },
  }
}

function failure({ name }: Upstream, expired: Clock["expired"], sent: boolean, error: unknown): OriginFailure {
  if (expired !== null) {
    return new OriginFailure(
      "gateway_timeout",
      `the origin of ${name} took too long to answer`,
      `${expired} time`,
      sent,
    )
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new OriginFailure(
    "bad_gateway",
    `the origin of ${name} cannot be reached, or does not answer HTTP`,
    reason,
    sent,
  )
}
