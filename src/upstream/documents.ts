/** The OpenAPI documents of origins: fetched, checked, made to fit this edge, and kept for a while. */
import { z } from "zod"
import { countedPassage } from "../lib/streams.ts"
import { parseYaml } from "../lib/yaml.ts"
import { ApiError } from "../gateway/errors.ts"
import { serverPath } from "./addresses.ts"
import type { Upstream } from "./upstream.ts"

/** How long a document is taken for the current one, and how long one that cannot be had is not asked for, in milliseconds. */
const KEPT = 5 * 60_000
const MISSED = 30_000
const PATIENCE = 10_000
const LARGEST = 2 * 1024 * 1024

const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"])

const common = { info: z.looseObject({}), paths: z.record(z.string(), z.looseObject({})) }
const openApi = z.looseObject({
  ...common,
  openapi: z.string().regex(/^3\.\d/),
  servers: z.array(z.looseObject({ url: z.string() })).default([]),
  components: z.looseObject({}).default({}),
})
const swagger = z.looseObject({
  ...common,
  swagger: z.literal("2.0"),
  host: z.string().optional(),
  basePath: z.string().default("/"),
})

type Document = Record<string, unknown>

/** Knows the documents of origins. Each isolate keeps its own. */
export class OriginDocuments {
  readonly #kept = new Map<Upstream, { document: Document | ApiError; until: number }>()

  /** The document of `upstream`, which has one, as it is true here. Throws an `ApiError` when it cannot be had. */
  async get(upstream: Upstream): Promise<Document> {
    const kept = this.#kept.get(upstream)
    const document = kept && Date.now() < kept.until ? kept.document : await this.#fetch(upstream)
    if (document instanceof ApiError) throw document
    return document
  }

  async #fetch(upstream: Upstream): Promise<Document | ApiError> {
    try {
      const address = `${upstream.origin}${upstream.document}`
      const document = atEdge(upstream, address, await fetchText(upstream, address))
      this.#kept.set(upstream, { document, until: Date.now() + KEPT })
      return document
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      console.error(JSON.stringify({ event: "upstream-document", upstream: upstream.name, error: reason }))
      const missed = new ApiError(
        "bad_gateway",
        `the OpenAPI document of the origin of ${upstream.name} cannot be shown`,
      )
      this.#kept.set(upstream, { document: missed, until: Date.now() + MISSED })
      return missed
    }
  }
}

/** What the selector of the docs page calls the document of an upstream: as the collection that it serves. */
export function documentName({ collection, prefix }: Upstream): string {
  return collection ?? `origin${prefix.replaceAll("/", "-")}`
}

async function fetchText({ credential, firstByteMs }: Upstream, address: string): Promise<string> {
  const response = await fetch(address, {
    headers: {
      Accept: "application/json, application/yaml, */*;q=0.5",
      ...(credential && { [credential.name]: credential.value }),
    },
    redirect: "manual",
    signal: AbortSignal.timeout(Math.min(firstByteMs, PATIENCE)),
  })
  if (response.status !== 200 || response.body === null) throw new Error(`its status is ${response.status}`)
  const { readable, done } = countedPassage(
    response.body,
    LARGEST,
    () => new Error(`it has more than ${LARGEST} bytes`),
  )
  const [text] = await Promise.all([new Response(readable).text(), done])
  return text
}

/** Reads a document, and puts this edge's addresses and tokens in the place of the origin's. */
function atEdge(upstream: Upstream, address: string, text: string): Document {
  const value: unknown = text.trimStart().startsWith("{") ? JSON.parse(text) : parseYaml(text)
  const elsewhere = upstream.stripPrefix ? upstream.prefix : "/"
  const here = (url: string) => (serverPath(upstream, url, address) ?? elsewhere).replace(/(?<=.)\/$/, "")
  const old = swagger.safeParse(value)
  if (old.success) {
    const { host, schemes: _schemes, securityDefinitions: _definitions, basePath, paths, ...rest } = old.data
    const securityDefinitions = { token: { type: "apiKey", in: "header", name: "x-token" } }
    const base = here(host === undefined ? basePath : `${new URL(address).protocol}//${host}${basePath}`)
    return { ...rest, basePath: base, paths: withoutOrigin(paths), securityDefinitions, security: [{ token: [] }] }
  }
  const { servers, components, paths, ...rest } = openApi.parse(value)
  const securitySchemes = {
    token: { type: "apiKey", in: "header", name: "x-token" },
    bearer: { type: "http", scheme: "bearer" },
  }
  return {
    ...rest,
    servers: [{ url: here(servers[0]?.url ?? "/") }],
    paths: withoutOrigin(paths),
    components: { ...components, securitySchemes },
    security: [{ token: [] }, { bearer: [] }],
  }
}

/** Operations without what they say of hosts and credentials, which are those of the whole document here. */
function withoutOrigin(paths: Record<string, Document>): Record<string, Document> {
  const item = ({ servers: _servers, ...members }: Document) =>
    Object.fromEntries(
      Object.entries(members).map(([key, value]) => [key, METHODS.has(key) ? operation(value) : value]),
    )
  return Object.fromEntries(Object.entries(paths).map(([path, members]) => [path, item(members)]))
}

function operation(value: unknown): Document {
  const { security: _security, servers: _servers, schemes: _schemes, ...rest } = z.looseObject({}).parse(value)
  return rest
}
