/** The reverse proxy: requests that an origin serves in the place of this Worker. */
import type { Context, MiddlewareHandler } from "hono"
import type { GatewayEnv } from "../gateway/environment.ts"
import { ApiError } from "../gateway/errors.ts"
import { isOpen } from "../gateway/open-paths.ts"
import { findUpstream, originAddress } from "./addresses.ts"
import { Circuit } from "./circuit.ts"
import { toCaller } from "./answer.ts"
import { bodyToOrigin, checkBody } from "./body.ts"
import { headersToOrigin } from "./headers.ts"
import { checkUpstream, type FindRequirement } from "./requirements.ts"
import { OriginFailure, send } from "./send.ts"
import type { Upstream } from "./upstream.ts"

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
  checkBody(c.req.raw, upstream)
  admit(upstream, circuit)
  const body = bodyToOrigin(c.req.raw, upstream)
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
