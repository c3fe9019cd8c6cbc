/** Stand-ins for the bindings of a Worker, by which `loadConfig` knows them: a configuration can be checked before it runs. */
import type { Deployment } from "./deployment.ts"

/** An object for every binding that `deployment` names. None of them does anything. */
export function playedBindings(deployment: Deployment): Record<string, object> {
  const bound = (list: readonly { binding: string }[], method: string) =>
    list.map(({ binding }) => [binding, { [method]: call }] as const)
  return {
    ...Object.fromEntries(bound(deployment.d1_databases, "prepare")),
    ...Object.fromEntries(bound(deployment.r2_buckets, "createMultipartUpload")),
    ...Object.fromEntries(bound(deployment.kv_namespaces, "getWithMetadata")),
    ...Object.fromEntries(deployment.ratelimits.map(({ name }) => [name, { limit: call }])),
    ...played(deployment.assets?.binding, { fetch: call }),
    ...played(deployment.version_metadata?.binding, { id: "" }),
  }
}

/** A method of what is played. */
function call(): void {}

function played(name: string | undefined, binding: object): Record<string, object> {
  return name === undefined ? {} : { [name]: binding }
}
