/** Bindings that vitest.config.ts adds to those of the Worker. */
declare namespace Cloudflare {
  interface Env {
    TEST_DIRECTORY_MIGRATIONS: import("cloudflare:test").D1Migration[]
    TEST_PARTITION_MIGRATIONS: import("cloudflare:test").D1Migration[]
  }
}
