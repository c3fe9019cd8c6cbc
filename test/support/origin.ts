/** Edges with upstreams, and an origin behind them that notes what it is asked. What goes over a wire is in test/outside/proxy. */
import { onTestFinished, vi } from "vitest"
import { readUpstreams } from "../../src/upstream/settings.ts"
import type { Upstream } from "../../src/upstream/upstream.ts"
import { adminToken } from "./client.ts"
import { edgeWith } from "./edge.ts"

/** The secret that upstreams of tests send. */
export const ORIGIN_SECRET = "known-to-the-origin"

/** Upstreams as an operator writes them. An origin that is not given is `https://origin.example`. */
export function upstreams(...settings: Record<string, unknown>[]): readonly Upstream[] {
  const list = settings.map((entry) => ({ origin: "https://origin.example", ...entry }))
  const surroundings = { secret: secretOf, ownHosts: ["eu.api.localhost"], maxRequestBytes: 1000 }
  const read = readUpstreams("UPSTREAMS_EU", list, surroundings)
  if ("problems" in read) throw new Error(read.problems.join("; "))
  return read.upstreams
}

function secretOf(name: string): string | undefined {
  return name === "ORIGIN_SECRET" ? ORIGIN_SECRET : undefined
}

/** Sends a request, by the administrator unless told otherwise, to an edge that has these upstreams in `eu` and none in `us`. */
export function edgeBefore(...settings: Record<string, unknown>[]) {
  const send = edgeWith({ upstreams: new Map([["eu", upstreams(...settings)]]) })
  return (path: string, init: RequestInit & { token?: string | null; label?: string } = {}) => {
    const { token = adminToken, label = "eu", ...rest } = init
    const headers = new Headers(rest.headers)
    if (token !== null) headers.set("x-token", token)
    return send(`http://${label}.api.localhost${path}`, { ...rest, headers })
  }
}

/** Puts `answer` in the place of all origins until the test ends. Answers the requests that they got. */
export function originThat(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const requests: Request[] = []
  const fetch = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input instanceof URL ? input.href : input, init)
    requests.push(request)
    return answer(request)
  })
  onTestFinished(() => fetch.mockRestore())
  return requests
}
