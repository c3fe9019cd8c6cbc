import type { D1Migration } from "cloudflare:test"

declare global {
  namespace Cloudflare {
    /** Bindings that vitest.config.ts adds to those of the Worker. */
    interface Env {
      TEST_DIRECTORY_MIGRATIONS: D1Migration[]
      TEST_PARTITION_MIGRATIONS: D1Migration[]
    }
  }
}
