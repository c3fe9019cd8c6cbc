/** Which methods a path has. */
import type { MiddlewareHandler } from "hono"
import type { RouterRoute } from "hono/types"
import { METHOD_NAME_ALL } from "hono/router"
import { TrieRouter } from "hono/router/trie-router"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"

/** The refusal of a method that is not among those of the path. */
export function notAllowed(method: string, methods: readonly string[]): ApiError {
  const allowed = methods.toSorted()
  const text = `method ${method} is not allowed, but [${allowed.join(",")}] are`
  return new ApiError("method_not_allowed", text, { headers: { Allow: allowed.join(", ") } })
}

/**
 * Refuses, on a concrete path that a template covers, the methods that only the template has: `/v3/users/me` is none of `/v3/users/{userId}`,
 * because OpenAPI matches concrete paths first. `routes` returns all routes, and is called after all are mounted.
 */
export function refuseTemplatesMethods(routes: () => readonly RouterRoute[]): MiddlewareHandler<GatewayEnv> {
  let router: TrieRouter<ReadonlySet<string>> | undefined
  return async (c, next) => {
    router ??= concretePaths(routes())
    const [[match] = []] = router.match(METHOD_NAME_ALL, c.req.path)
    if (match && !match[0].has(c.req.method)) throw notAllowed(c.req.method, [...match[0]])
    await next()
  }
}

/** The methods of each path that a template covers. */
function concretePaths(routes: readonly RouterRoute[]): TrieRouter<ReadonlySet<string>> {
  const methods = new Map<string, Set<string>>()
  for (const { method, path } of routes) {
    if (method === METHOD_NAME_ALL) continue
    const known = methods.get(path) ?? new Set()
    methods.set(path, known.add(method))
    if (method === "GET") known.add("HEAD")
  }
  const router = new TrieRouter<ReadonlySet<string>>()
  for (const [path, own] of methods) {
    if ([...methods.keys()].some((other) => covers(other, path))) router.add(METHOD_NAME_ALL, path, own)
  }
  return router
}

function covers(template: string, path: string): boolean {
  const [expected, segments] = [template.split("/"), path.split("/")]
  if (template === path || expected.length !== segments.length) return false
  return expected.every((segment, index) => segment === segments[index] || segment.startsWith(":"))
}
