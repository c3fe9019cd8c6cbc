/** The OpenAPI documents that the Worker under test serves. */
import { exports } from "cloudflare:workers"

/** The collections that every regional host has a document of, in the order of its page. */
export const REGIONAL_DOCUMENTS = [
  "api-service",
  "control-plane",
  "resource-service",
  "git",
  "configuration-service",
  "mongodb-datastore",
  "secret-service",
  "statistics-service",
]

/** The addresses of the documents that the docs page of a host links to. */
export async function documentPaths(label: string): Promise<string[]> {
  const page = await (await read(label, "/api")).text()
  return [...page.matchAll(/<a href="(\/api\/openapi\/[^"]+\.json)"/g)].flatMap(([, path]) => path ?? [])
}

/** The documents of a host, in the order in which its page links to them. */
export async function readDocuments(label: string): Promise<unknown[]> {
  const paths = await documentPaths(label)
  return Promise.all(paths.map(async (path): Promise<unknown> => (await read(label, path)).json()))
}

async function read(label: string, path: string): Promise<Response> {
  const response = await exports.default.fetch(`http://${label}.api.localhost${path}`)
  if (!response.ok) throw new Error(`${response.status} for ${path}`)
  return response
}
