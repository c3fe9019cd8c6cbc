/** The OpenAPI documents that a running edge serves. */
import { call } from "./client.ts"
import type { RunningEdge } from "./edge.ts"

/** The documents of a host, by their addresses. */
export async function documentsOf(edge: RunningEdge, label: string): Promise<[path: string, text: string][]> {
  const page = await read(edge, label, "/api")
  const paths = [...page.matchAll(/<a href="(\/api\/openapi\/[^"]+)"/g)].flatMap(([, path]) => path ?? [])
  return Promise.all(paths.map(async (path): Promise<[string, string]> => [path, await read(edge, label, path)]))
}

async function read(edge: RunningEdge, label: string, path: string): Promise<string> {
  const { status, body } = await call(edge, label, "GET", path)
  if (status !== 200) throw new Error(`${status} for ${path}: ${body}`)
  return body
}
