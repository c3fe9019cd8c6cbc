import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin"
import { defineConfig } from "vitest/config"

/** Two kinds of tests: those that run inside workerd beside the Worker, and those that meet it from outside, as a client does. */
export default defineConfig(async () => ({
  test: {
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                SERVER_TIMING: "on",
                TEST_DIRECTORY_MIGRATIONS: await readD1Migrations("migrations/directory"),
                TEST_PARTITION_MIGRATIONS: await readD1Migrations("migrations/partition"),
              },
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/outside/**", "test/browser/**"],
          setupFiles: ["./test/support/setup.ts"],
        },
      },
    ],
  },
}))
