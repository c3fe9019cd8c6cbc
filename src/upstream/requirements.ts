/** What a request must fulfil before it goes to an origin. */
import type { RouterRoute } from "hono/types"
import { TrieRouter } from "hono/router/trie-router"
import {
  check,
  documentedRequirement,
  type DocumentedRequirement,
  type Requirement,
  requirementOf,
} from "../gateway/authorize.ts"
import type { RequestFacts } from "../gateway/environment.ts"
import type { Upstream } from "./upstream.ts"

/** Finds what an operation of a collection requires, and the parameters of its path. */
export type FindRequirement = (
  method: string,
  path: string,
) => { requirement: Requirement; params: Readonly<Record<string, unknown>> } | null

/** What the operations of a collection require when an origin serves them, from what its own routes declare. */
export function requirementsAtOrigin(routes: readonly RouterRoute[]): FindRequirement {
  const router = new TrieRouter<Requirement>()
  for (const { method, path, handler } of routes) {
    const requirement = requirementOf(handler)
    if (requirement) router.add(method, path, atOrigin(requirement))
  }
  return (method, path) => {
    const [[match] = []] = router.match(method === "HEAD" ? "GET" : method, path)
    return match ? { requirement: match[0], params: match[1] } : null
  }
}

/** What the document of a collection says of operations that an origin serves. */
export const AT_ORIGIN = {
  requirement: documentedAtOrigin,
  errors: ["bad_gateway", "unavailable", "gateway_timeout", "loop_detected"],
  // The origin gets the header, and minds it or not.
  idempotency: false,
} as const

function atOrigin(requirement: Requirement): Requirement {
  const { on, action, secrets } = documentedAtOrigin(documentedRequirement(requirement))
  return on === "all-projects" && action ? { on, action, ...(secrets && { secrets }) } : requirement
}

/**
 * What a document says of an operation that an origin serves. An origin knows nothing of our roles: what it lists, it lists for everybody,
 * and only a handler of ours reads which project a body names. Both take the role on all projects.
 */
function documentedAtOrigin(requirement: DocumentedRequirement): DocumentedRequirement {
  const { on, action, atMost = action, secrets } = requirement
  if ((on !== "projects" && on !== "body") || !atMost) return requirement
  return { on: "all-projects", action: atMost, ...(secrets && { secrets }) }
}

/** Checks that the caller may send this request to an origin. Throws an `ApiError`. */
export function checkUpstream(
  c: RequestFacts,
  request: { method: string; path: string },
  upstream: Upstream,
  find: FindRequirement | undefined,
): void {
  const found = find?.(request.method, request.path)
  if (found) {
    check(c, found.requirement, (name) => {
      const value = found.params[name]
      return typeof value === "string" ? value : undefined
    })
  } else if (upstream.action !== null) {
    check(c, { on: "all-projects", action: upstream.action }, () => undefined)
  }
}
