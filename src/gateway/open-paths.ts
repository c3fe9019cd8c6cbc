/** What can be read without a token. Everything else needs one; a test holds this list against the whole Worker. */
import type { Context } from "hono"

/** Where Keptn's services had their documents. */
export const FORMER_DOCUMENTS = {
  "api-service": "/api/swagger-ui/swagger.yaml",
  "control-plane": "/api/controlPlane/swagger-ui/swagger.yaml",
  "resource-service": "/api/resource-service/swagger-ui/swagger.yaml",
  "mongodb-datastore": "/api/mongodb-datastore/swagger-ui/swagger.yaml",
  "secret-service": "/api/secrets/swagger-ui/swagger.yaml",
  "statistics-service": "/api/statistics/swagger-ui/swagger.yaml",
} as const

/** The icon that browsers ask for by themselves. */
export const FAVICON_PATH = "/favicon.ico"

/** Paths, and prefixes where they end in `*`. Only GET and HEAD are open. */
export const OPEN_PATHS = [
  "/api",
  "/api/",
  "/api/assets/*",
  "/api/openapi",
  "/api/openapi.json",
  "/api/openapi/*",
  "/api/errors",
  "/api/health",
  "/health",
  "/nginx-health",
  FAVICON_PATH,
  ...Object.values(FORMER_DOCUMENTS),
] as const

const WHOLE: ReadonlySet<string> = new Set(OPEN_PATHS.filter((open) => !open.endsWith("*")))
const PREFIXES = OPEN_PATHS.filter((open) => open.endsWith("*")).map((open) => open.slice(0, -1))

/** Whether a request needs no token. */
export function isOpen(c: Context): boolean {
  const { path, method } = c.req
  if (method !== "GET" && method !== "HEAD") return false
  return WHOLE.has(path) || PREFIXES.some((prefix) => path.startsWith(prefix))
}
