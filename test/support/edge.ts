/** An edge of its own, with a configuration that differs from that of the Worker. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { createEdge } from "../../src/app.ts"
import { type Config, loadConfig } from "../../src/config.ts"
import { expectDocumented } from "./contract.ts"
import { type Around, intercept } from "./intercept.ts"

/** Sends a request to an edge, and waits for what the edge does after the response, too. */
export type SendToEdge = (url: string, init?: RequestInit) => Promise<Response>

/** An edge whose calls to the database and the bucket of `eu`, its only region, pass through `around`. */
export function edgeAround(around: Around): SendToEdge {
  const eu = loadConfig({ ...env }).regions.get("eu")
  if (!eu) throw new Error("there is no region eu")
  return edgeWith({ regions: new Map([["eu", intercept(eu, around)]]) })
}

/** Builds an edge, as one isolate has it, and answers how to send requests to it. */
export function edgeWith(changes: Partial<Config>): SendToEdge {
  const edge = createEdge({ ...loadConfig({ ...env }), ...changes })
  return async (url, init) => {
    const context = createExecutionContext()
    const request = new Request(url, init)
    const response = await edge.fetch(request, context)
    // What an origin answers is its own.
    if (!changes.upstreams) await expectDocumented(request, response)
    await waitOnExecutionContext(context)
    return response
  }
}
