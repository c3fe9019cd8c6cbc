/** What an origin answers, as the caller gets it. */
import type { Context } from "hono"
import { countedPassage, type Passage, passage } from "../lib/streams.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { headersToCaller, sizeOf } from "./answer-headers.ts"
import { type OriginAnswer, OriginFailure } from "./send.ts"
import type { Upstream } from "./upstream.ts"

/** The origin's answer as the caller gets it. Throws an `OriginFailure` for one that cannot be passed on. */
export function toCaller(c: Context<GatewayEnv>, upstream: Upstream, answer: OriginAnswer, address: string): Response {
  const { response, ended } = answer
  const { status, statusText, webSocket } = response
  const problem = answerProblem(upstream, response)
  if (problem !== null) {
    ended()
    c.executionCtx.waitUntil(Promise.resolve(response.body?.cancel()))
    throw new OriginFailure(
      "bad_gateway",
      `the origin of ${upstream.name} sent an answer that cannot be passed on: ${problem}`,
      problem,
      false,
    )
  }
  const headers = headersToCaller(upstream, response.headers, address, new URL(c.req.url))
  if (webSocket !== null) {
    // A socket has no end that could come too late.
    ended()
    return new Response(null, { status, webSocket, headers })
  }
  return new Response(bodyToCaller(c, upstream, answer), { status, statusText, headers, encodeBody: "manual" })
}

function answerProblem(upstream: Upstream, { body, status, headers, webSocket }: Response): string | null {
  const length = headers.get("content-length")
  if (webSocket === null && (status < 200 || status > 599)) return `its status is ${status}`
  if (sizeOf(headers) > upstream.maxHeaderBytes) return `its headers have more than ${upstream.maxHeaderBytes} bytes`
  const { maxResponseBytes } = upstream
  const tooLarge = maxResponseBytes !== null && body !== null && Number(length ?? 0) > maxResponseBytes
  return tooLarge ? `it has more than ${maxResponseBytes} bytes` : null
}

/** The body of the answer. Where nothing limits it the platform passes it on alone, and has no need of this Worker any more. */
function bodyToCaller(
  c: Context<GatewayEnv>,
  { maxResponseBytes, name, totalMs }: Upstream,
  { response, signal, ended }: OriginAnswer,
): ReadableStream<Uint8Array> | null {
  const { body, headers } = response
  if (body === null) {
    ended()
    return null
  }
  const length = headers.get("content-length")
  const isCounted = maxResponseBytes !== null && length === null
  if (!isCounted && totalMs === null) return body
  const passed: Passage = isCounted
    ? countedPassage(body, maxResponseBytes, () => new Error(`it has more than ${maxResponseBytes} bytes`))
    : passage(body, length === null ? null : Number(length), signal)
  const brokeOff = (error: unknown) => {
    const facts = { requestId: c.get("requestId"), upstream: name, error: String(error) }
    console.error(JSON.stringify({ event: "upstream-broke-off", ...facts }))
  }
  c.executionCtx.waitUntil(passed.done.catch(brokeOff).finally(ended))
  return passed.readable
}
