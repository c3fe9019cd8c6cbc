/** The reverse proxy: requests that an origin serves in the place of this Worker. */
import type { Context, MiddlewareHandler } from "hono"
import { passage, countedPassage, type Passage } from "../lib/streams.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { ApiError } from "../gateway/errors.ts"
import { isOpen } from "../gateway/open-paths.ts"
import { findUpstream, originAddress } from "./addresses.ts"
import { Circuit } from "./circuit.ts"
import { headersToCaller, headersToOrigin, sizeOf } from "./headers.ts"
import { checkUpstream, type FindRequirement } from "./requirements.ts"
import { type OriginAnswer, OriginFailure, type OriginRequest, send } from "./send.ts"
import type { Upstream } from "./settings.ts"

/** The upstreams of all regions, and what the operations of collections require. */
export interface ProxySettings {
  upstreams: ReadonlyMap<string, readonly Upstream[]>
  requirements: ReadonlyMap<string, FindRequirement>
}

/** The upstream that serves a request; null where this Worker does. What is open is never an origin's. */
export function upstreamOf(c: Context<GatewayEnv>, { upstreams }: ProxySettings): Upstream | null {
  const { target } = c.env
  if (target?.plane !== "regional" || isOpen(c)) return null
  return findUpstream(upstreams.get(target.region) ?? [], c.req.path)
}

/** Sends requests to the origins that serve them. Comes behind authentication, before the routes. */
export function createProxy(settings: ProxySettings): MiddlewareHandler<GatewayEnv> {
  const circuits = new Map<Upstream, Circuit>()
  for (const upstream of [...settings.upstreams.values()].flat()) {
    circuits.set(upstream, new Circuit({ ...upstream.circuit, probeMs: upstream.firstByteMs }))
  }
  return async (c, next) => {
    const upstream = upstreamOf(c, settings)
    const circuit = upstream && circuits.get(upstream)
    if (!upstream || !circuit) return next()
    checkMethod(c, upstream)
    checkUpstream(c, c.req, upstream, settings.requirements.get(upstream.name))
    return forward(c, upstream, circuit)
  }
}

function checkMethod(c: Context<GatewayEnv>, { name, methods }: Upstream): void {
  if (methods.includes(c.req.method)) return
  const text = `method ${c.req.method} is not passed on to the origin of ${name}, but [${methods.join(",")}] are`
  throw new ApiError("method_not_allowed", text, { headers: { Allow: methods.join(", ") } })
}

async function forward(c: Context<GatewayEnv>, upstream: Upstream, circuit: Circuit): Promise<Response> {
  const address = originAddress(upstream, c.req.raw, c.req.path)
  const headers = headersToOrigin(c, upstream)
  const body = bodyToOrigin(c.req.raw, upstream)
  admit(upstream, circuit)
  const started = Date.now()
  const facts = () => ({ upstream: upstream.name, upstreamMs: Date.now() - started })
  try {
    const answer = await send(upstream, { address, method: c.req.method, headers, ...body })
    if (circuit.succeeded()) logCircuit(c, upstream, "circuit-closed")
    const response = toCaller(c, upstream, answer, address)
    c.set("upstream", facts())
    return response
  } catch (error) {
    const refused = body.refused()
    if (refused) throw refused
    if (error instanceof OriginFailure) {
      c.set("upstream", { ...facts(), upstreamFailure: error.reason })
      if (error.isDown && circuit.failed(Date.now())) logCircuit(c, upstream, "circuit-opened")
    }
    throw error
  }
}

function admit({ name }: Upstream, circuit: Circuit): void {
  const admission = circuit.admit(Date.now())
  if (admission.admitted) return
  throw new ApiError("unavailable", `the origin of ${name} did not answer lately, and is not asked for a while`, {
    headers: { "Retry-After": String(Math.ceil(admission.retryAfter / 1000)) },
  })
}

/** The body as it goes to the origin. `refused` answers the error when it turned out to be too large on its way. */
function bodyToOrigin(
  { method, body, headers }: Request,
  { maxRequestBytes }: Upstream,
): Pick<OriginRequest, "body" | "sent" | "brokenOff"> & { refused: () => ApiError | null } {
  const length = headers.get("content-length")
  const reads = method === "GET" || method === "HEAD"
  const none = { body: null, sent: null, brokenOff: null, refused: () => null }
  // Some clients tell the length of the body that they do not send.
  if (body === null || (reads && length === "0")) return none
  if (reads) throw new ApiError("invalid_request", `a ${method} request with a body cannot be passed on`)
  const tooLarge = () => new ApiError("payload_too_large", `the body is larger than ${maxRequestBytes} bytes`)
  if (length !== null && Number(length) > maxRequestBytes) throw tooLarge()
  let refusal: ApiError | null = null
  const controller = new AbortController()
  const brokenOff = (reason: unknown) => {
    refusal ??= new ApiError("invalid_request", "the body broke off, or its chunks are not well-formed")
    controller.abort(reason)
  }
  const passed =
    length === null
      ? countedPassage(body, maxRequestBytes, () => (refusal = tooLarge()), brokenOff)
      : passage(body, Number(length))
  return { body: passed.readable, sent: passed.done, brokenOff: controller.signal, refused: () => refusal }
}

/** The origin's answer as the caller gets it. Throws an `OriginFailure` for one that cannot be passed on. */
function toCaller(c: Context<GatewayEnv>, upstream: Upstream, answer: OriginAnswer, address: string): Response {
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

function answerProblem(upstream: Upstream, { status, headers, webSocket }: Response): string | null {
  const length = headers.get("content-length")
  if (webSocket === null && (status < 200 || status > 599)) return `its status is ${status}`
  if (sizeOf(headers) > upstream.maxHeaderBytes) return `its headers have more than ${upstream.maxHeaderBytes} bytes`
  const tooLarge = upstream.maxResponseBytes !== null && Number(length ?? 0) > upstream.maxResponseBytes
  return tooLarge ? `it has more than ${upstream.maxResponseBytes} bytes` : null
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

function logCircuit(c: Context<GatewayEnv>, { name }: Upstream, event: "circuit-opened" | "circuit-closed"): void {
  const { target } = c.env
  const line = JSON.stringify({
    event,
    upstream: name,
    region: target?.plane === "regional" ? target.region : undefined,
  })
  if (event === "circuit-opened") console.error(line)
  else console.log(line)
}
