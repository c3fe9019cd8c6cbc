/** A client of a running edge, over real HTTP. */
import { request } from "node:http"
import type { RunningEdge } from "./edge.ts"

/** What an edge answered. */
export interface Answer {
  status: number
  body: string
}

/** Sends a request to a host of the edge. Goes to 127.0.0.1, since not every system resolves names below localhost. */
export function call(edge: RunningEdge, label: string, method: string, path: string, json?: unknown): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const host = `${label}.api.localhost:${edge.port}`
  const headers = { host, "x-token": edge.token, "content-type": "application/json" }
  const sent = request({ host: "127.0.0.1", port: edge.port, method, path, headers }, (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
    response.on("error", reject)
  })
  sent.on("error", reject)
  sent.end(json === undefined ? undefined : JSON.stringify(json))
  return promise
}

/** Creates a project with the given stages. */
export async function createProject(edge: RunningEdge, name: string, ...stages: string[]): Promise<void> {
  const lines = ["apiVersion: spec.keptn.sh/0.2.2", "kind: Shipyard", "spec:", "  stages:"]
  const shipyard = [...lines, ...stages.map((stage) => `    - name: ${stage}`)].join("\n")
  const json = { name, shipyard: Buffer.from(shipyard).toString("base64") }
  const { status, body } = await call(edge, "eu", "POST", "/api/controlPlane/v1/project", json)
  if (status !== 201) throw new Error(`${status} ${body}`)
}
