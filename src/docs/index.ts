/** The page at `/api`, the documents behind it, their index, and the files that it loads. All of it is open. */
import { type Context, Hono } from "hono"
import { matchesEtag } from "../gateway/conditional.ts"
import { ERRORS_PATH } from "../gateway/dialect.ts"
import type { GatewayEnv } from "../gateway/environment.ts"
import { INDEX_PATH, PAGE_PATH } from "../gateway/docs-paths.ts"
import { escapePath } from "../gateway/path.ts"
import { FAVICON_PATH, FORMER_DOCUMENTS } from "../gateway/open-paths.ts"
import {
  type CollectionInfo,
  describeCollection,
  type Deviation,
  type Document,
  type Documented,
  type Form,
  renderDocument,
  type Rendering,
} from "./document.ts"
import { errorsPage } from "./errors-page.ts"
import { ownFileAt, ownFilesOf, tagOf } from "./own-files.ts"
import { docsContentSecurityPolicy, docsPage, ICON_FILE } from "./page.ts"
import type { HostLink, Server } from "./servers.ts"

/** A document of the page. */
export interface DocumentSource {
  /** What the selector calls it, and what its address is made of. */
  name: string
  /** The document, the same object as long as it is the same. Throws an `ApiError` when it cannot be had. */
  read: () => Document | Promise<Document>
}

/** What one plane's page shows. */
export interface DocsSettings {
  title: string
  /** The documents of a request's host, in the order of the selector. */
  sources: (c: Context<GatewayEnv>) => readonly DocumentSource[]
  /** All hosts of the deployment, as a request's host links to them. */
  hosts: (c: Context<GatewayEnv>) => readonly HostLink[]
  /** Serves the files of public/. */
  assets: Fetcher
}

/** The document of a collection, made when it is first asked for, with what is different where an origin serves it. */
export function collectionSource(
  { app, ...info }: CollectionInfo & { app: Documented },
  servers: readonly Server[],
  deviation?: Deviation,
): DocumentSource {
  let made: Document | undefined
  return { name: info.name, read: () => (made ??= describeCollection(app, info, servers, deviation)) }
}

/** Caches may keep an answer and must ask whether it is still the one. */
const REVALIDATE = "public, no-cache"
const PAGE_HEADERS = { "Content-Security-Policy": docsContentSecurityPolicy, "Cache-Control": REVALIDATE }
/** The address holds an exact version or a tag of the content: what it names never changes. */
const IMMUTABLE = "public, max-age=31536000, immutable"

/** The routes of the page and of what it needs. Documents are rendered when first asked for, and kept. */
export function createDocs({ title, sources, hosts, assets }: DocsSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  const ownFiles = ownFilesOf(assets)
  const documents = (c: Context<GatewayEnv>) =>
    sources(c).map(({ name }) => ({ name, json: `${INDEX_PATH}/${name}.json`, yaml: `${INDEX_PATH}/${name}.yaml` }))
  for (const path of [PAGE_PATH, `${PAGE_PATH}/`]) {
    app.get(path, async (c) => {
      const page = { title, documents: documents(c), hosts: hosts(c), files: await ownFiles(c.req.url) }
      return c.html(docsPage(page), 200, PAGE_HEADERS)
    })
  }

  // The last is where tools look first. There are several documents, so that none of them can stand there.
  for (const path of [INDEX_PATH, `${INDEX_PATH}/`, `${INDEX_PATH}.json`]) {
    app.get(path, (c) => {
      const others = hosts(c).map(({ name, url }) => ({ name, index: `${url}${INDEX_PATH}` }))
      return c.json({ documents: documents(c), hosts: others }, 200, { "Cache-Control": REVALIDATE })
    })
  }

  app.get(ERRORS_PATH, async (c) => c.html(errorsPage(await ownFiles(c.req.url)), 200, PAGE_HEADERS))

  const rendered: Record<Form, WeakMap<Document, Promise<Rendering>>> = { json: new WeakMap(), yaml: new WeakMap() }
  const answer = async (c: Context<GatewayEnv>, name: string, form: Form) => {
    const source = sources(c).find((one) => one.name === name)
    if (source === undefined) return c.notFound()
    const document = await source.read()
    const rendering = rendered[form].get(document) ?? renderDocument(document, form)
    rendered[form].set(document, rendering)
    return documentResponse(c.req.header("if-none-match"), await rendering, `application/${form}`)
  }
  app.get("/api/openapi/:file{[^/]+\\.(json|yaml)}", (c) => {
    const [, name = "", form] = /^(.+)\.(json|yaml)$/.exec(c.req.param("file")) ?? []
    return answer(c, name, form === "json" ? "json" : "yaml")
  })
  for (const [name, path] of Object.entries(FORMER_DOCUMENTS)) app.get(path, (c) => answer(c, name, "yaml"))

  // The assets binding redirects a path that is not escaped as it would escape it, the `@` before a version included.
  const fileOf = (c: Context<GatewayEnv>, path: string) =>
    assets.fetch(new Request(new URL(escapePath(path), c.req.url), c.req.raw))

  // Browsers ask for it where a page names no icon, as that of an origin may not.
  app.get(FAVICON_PATH, async (c) => {
    const answered = await fileOf(c, ICON_FILE)
    const response = new Response(answered.body, answered)
    response.headers.set("Cache-Control", REVALIDATE)
    return response
  })

  app.get("/api/assets/*", async (c) => {
    const { file, tag } = ownFileAt(c.req.path)
    const answered = await fileOf(c, file)
    if (!answered.ok && answered.status !== 304) return c.notFound()
    const response = new Response(answered.body, answered)
    // While a deployment replaces another, a page of the one may ask the other: its content is then not what the tag names.
    const isExact = tag === undefined ? file.includes("@") : tag === tagOf(answered)
    response.headers.set("Cache-Control", isExact ? IMMUTABLE : REVALIDATE)
    return response
  })
  return app
}

function documentResponse(ifNoneMatch: string | undefined, { text, etag }: Rendering, type: string): Response {
  const headers = { ETag: `"${etag}"`, "Cache-Control": REVALIDATE, "Content-Type": type }
  return matchesEtag(ifNoneMatch, etag) ? new Response(null, { status: 304, headers }) : new Response(text, { headers })
}
