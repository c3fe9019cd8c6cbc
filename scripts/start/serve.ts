/** Serves the built Worker. */
import { type Miniflare, MiniflareCoreError, type V4WorkerOptions } from "miniflare"
import type { Bundle } from "./build.ts"
import type { Lifetime } from "./lifetime.ts"
import { startMiniflare } from "./miniflare.ts"
import { portTaken } from "./port.ts"
import type { Project } from "./project.ts"
import type { Settings } from "./settings.ts"

/** Serves `bundle` on the port of `settings` at each of `addresses`. */
export async function serve(
  project: Project,
  bundle: Bundle,
  addresses: readonly string[],
  { storage, settings, lifetime }: { storage: string; settings: Settings; lifetime: Lifetime },
): Promise<Miniflare> {
  const sockets = addresses.map((address) => socketTo(project.name, address, settings.port))
  try {
    return await startMiniflare(
      { storage, verbose: settings.verbose, workers: [project.worker(bundle), ...sockets] },
      lifetime,
    )
  } catch (error) {
    if (error instanceof MiniflareCoreError && error.code === "ERR_ADDRESS_IN_USE") throw portTaken(settings.port)
    throw error
  }
}

/**
 * A socket of the runtime that leads straight to the Worker called `name`. It hangs on a Worker of its own, because the sockets
 * of a Worker with assets lead through Miniflare's router first, which the Worker (`run_worker_first`) does not need and
 * which makes it four times slower; and because a Worker has one such socket, where two addresses are listened on.
 */
export function socketTo(name: string, address: string, port: number): V4WorkerOptions {
  return {
    name: `${name}-${address}`,
    modules: true,
    script: "export default {}",
    unsafeDirectSockets: [{ host: address, port, serviceName: name }],
  }
}
