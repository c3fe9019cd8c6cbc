/** Paths at which other servers have their docs, and which of ours is meant with them. */
import type { Context, MiddlewareHandler } from "hono"
import { ERRORS_PATH } from "./dialect.ts"
import type { GatewayEnv } from "./environment.ts"
import { isOpen } from "./open-paths.ts"

/** The page of a host. */
export const PAGE_PATH = "/api"
/** The list of a host's documents, which stand below it. */
export const INDEX_PATH = "/api/openapi"

/** Where docs are looked for: at the root, below `/api` or a service of it, and below a version of any of these. */
const PLACE = String.raw`^(?:/api(?:/[\w-]+)?)?(?:/v\d+)?`
const FILE = String.raw`\.(?:json|ya?ml)`
const LISTS = "open-?api|api-?docs?|swagger-resources|schema|spec"
const PAGES = "docs?|documentation|reference|redoc|rapidoc|scalar|swagger(?:-ui)?|index"
const MEANT: readonly [pattern: RegExp, path: string][] = [
  // In the order in which they are tried: what ends as a document is one, also below a page.
  [new RegExp(`${PLACE}/(?:${LISTS}|${PAGES})(?:/.*)?${FILE}$`, "i"), INDEX_PATH],
  [new RegExp(`${PLACE}/(?:${LISTS})(?:/.*)?$`, "i"), INDEX_PATH],
  [new RegExp(String.raw`${PLACE}/errors?(?:[/.].*)?$`, "i"), ERRORS_PATH],
  [new RegExp(String.raw`${PLACE}/(?:${PAGES})(?:/.*|\.html?)?$`, "i"), PAGE_PATH],
  [new RegExp(String.raw`^/api(?:/|\.html?)?$`, "i"), PAGE_PATH],
]

/** What of our docs is meant with a path that is none of them; null when it looks like none, and for what stands among the documents. */
export function docsMeant(path: string): string | null {
  if (indexAbove(path) !== null) return null
  return MEANT.find(([pattern]) => pattern.test(path))?.[1] ?? null
}

/** Where the documents are listed, for a path among them at which there is none; null for any other. */
export function indexAbove(path: string): string | null {
  return path.startsWith(`${INDEX_PATH}/`) ? INDEX_PATH : null
}

/**
 * Answers 404 where other servers have their docs, without asking for a token: ours need none, and whoever looks for them has none yet.
 * The answer tells nothing that depends on data. What an origin serves is left to it.
 */
export function refuseDocsPaths(isProxied: (c: Context<GatewayEnv>) => boolean): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { path, method } = c.req
    const reads = method === "GET" || method === "HEAD"
    if (reads && docsMeant(path) !== null && !isOpen(c) && !isProxied(c)) return c.notFound()
    return next()
  }
}
