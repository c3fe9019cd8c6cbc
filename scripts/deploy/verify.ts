/** Whether a wrangler.toml can be deployed: found out before anything is touched, with the Worker's own rules. */
import { ConfigError, loadConfig } from "../../src/config.ts"
import { newSealingKey } from "../../src/lib/sealing.ts"
import { playedBindings } from "../operate/bindings.ts"
import { type Deployment, hostsOf, isPlaceholder, listed } from "../operate/deployment.ts"

/** Sentences about what is wrong. `secrets` are the names of the Worker's secrets. */
export function findProblems(deployment: Deployment, secrets: readonly string[]): string[] {
  return [...placeholders(deployment), ...hostProblems(deployment), ...configProblems(deployment, secrets)]
}

function placeholders({ d1_databases, kv_namespaces }: Deployment): string[] {
  const databases = d1_databases.filter((one) => isPlaceholder(one.database_id))
  const namespaces = kv_namespaces.filter((one) => isPlaceholder(one.id))
  const bindings = [...databases, ...namespaces].map(({ binding }) => binding)
  return bindings.length === 0 ? [] : [`${bindings.join(", ")} ${bindings.length === 1 ? "has" : "have"} no id`]
}

function hostProblems({ vars, routes }: Deployment): string[] {
  if (/(^|\.)localhost$/.test(vars.API_DOMAIN)) return [`API_DOMAIN is still ${vars.API_DOMAIN}`]
  const patterns = routes.map((route) => (typeof route === "string" ? route : route.pattern))
  const missing = hostsOf(vars.API_DOMAIN, listed(vars.REGIONS)).filter(
    (host) => !patterns.some((pattern) => [host, `${host}/*`, `*.${vars.API_DOMAIN}/*`].includes(pattern)),
  )
  const isDefaultSet = vars.DEFAULT_REGION !== ""
  return [
    ...(missing.length === 0 ? [] : [`routes lack ${missing.join(", ")}`]),
    ...(isDefaultSet ? ["DEFAULT_REGION must be empty where hosts have names"] : []),
  ]
}

/** What the Worker would answer 503 with. Secrets are played, because nobody can read them. */
function configProblems(deployment: Deployment, secrets: readonly string[]): string[] {
  const values = secrets.map((name) => [name, name === "SECRET_KEYS" ? newSealingKey(new Date()) : "secret"])
  try {
    loadConfig({ ...deployment.vars, ...Object.fromEntries(values), ...playedBindings(deployment) })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return [error.message]
    throw error
  }
}
