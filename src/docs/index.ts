/** The page at `/api`, the documents behind it and the files it loads. All of it is open. */
import { Hono } from "hono"
import { matchesEtag } from "../gateway/conditional.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { FORMER_DOCUMENTS } from "../gateway/open-paths.ts"
import { type CollectionInfo, describeCollection, type Documented, type Rendering, renderDocument } from "./document.ts"
import { docsContentSecurityPolicy, docsPage } from "./page.ts"

/** What one plane's page shows. */
export interface DocsSettings {
  title: string
  collections: readonly (CollectionInfo & { app: Documented })[]
  /** Serves the files of public/. */
  assets: Fetcher
}

/** Caches may keep an answer and must ask whether it is still the one. */
const REVALIDATE = "public, no-cache"
/** The address holds an exact version: what it names never changes. */
const IMMUTABLE = "public, max-age=31536000, immutable"

/** The routes of the page and of what it needs. Documents are rendered when first asked for, and kept. */
export function createDocs({ title, collections, assets }: DocsSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  const documents = collections.map(({ name }) => ({ name, url: `/api/openapi/${name}.json` }))
  const page = docsPage({ title, documents })
  for (const path of ["/api", "/api/"]) {
    app.get(path, (c) =>
      c.html(page, 200, { "Content-Security-Policy": docsContentSecurityPolicy, "Cache-Control": REVALIDATE }),
    )
  }

  const rendered = new Map<string, Promise<{ json: Rendering; yaml: Rendering }>>()
  for (const { app: collection, ...info } of collections) {
    const render = () => {
      const known = rendered.get(info.name)
      if (known) return known
      const made = renderDocument(describeCollection(collection, info))
      rendered.set(info.name, made)
      return made
    }
    app.get(`/api/openapi/${info.name}.json`, async (c) =>
      documentResponse(c.req.header("if-none-match"), (await render()).json, "application/json"),
    )
    const former = Object.entries(FORMER_DOCUMENTS).flatMap(([name, path]) => (name === info.name ? path : []))
    for (const path of [`/api/openapi/${info.name}.yaml`, ...former]) {
      app.get(path, async (c) =>
        documentResponse(c.req.header("if-none-match"), (await render()).yaml, "application/yaml"),
      )
    }
  }

  app.get("/api/assets/*", async (c) => {
    // The assets binding redirects a path that is not escaped as it would escape it, the `@` before a version included.
    const escaped = c.req.path.split("/").map(encodeURIComponent).join("/")
    const file = await assets.fetch(new Request(new URL(escaped, c.req.url), c.req.raw))
    if (!file.ok && file.status !== 304) return c.notFound()
    const response = new Response(file.body, file)
    response.headers.set("Cache-Control", c.req.path.includes("@") ? IMMUTABLE : REVALIDATE)
    return response
  })
  return app
}

function documentResponse(ifNoneMatch: string | undefined, { text, etag }: Rendering, type: string): Response {
  const headers = { ETag: `"${etag}"`, "Cache-Control": REVALIDATE, "Content-Type": type }
  return matchesEtag(ifNoneMatch, etag) ? new Response(null, { status: 304, headers }) : new Response(text, { headers })
}
