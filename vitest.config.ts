import { availableParallelism } from "node:os"
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin"
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config"
import { newSealingKey } from "./src/lib/sealing.ts"
import { findChromium } from "./test/browser/chromium.ts"
import { findPython } from "./test/outside/python/find-python.ts"
import { PATIENCE_MS } from "./test/support/patience.ts"

/** How long properties are tried, from the environment: see test/support/property.ts. */
const fuzz = {
  runs: process.env["FUZZ_RUNS"] ? Number(process.env["FUZZ_RUNS"]) : null,
  seed: Number(process.env["FUZZ_SEED"] ?? 1),
}

declare module "vitest" {
  interface ProvidedContext {
    fuzz: { runs: number | null; seed: number }
  }
}

/**
 * Three kinds of tests: those that run inside workerd beside the Worker, those that meet it from outside, as a client does,
 * and those that look at it in a browser, where there is one.
 */
export default defineConfig(async () => ({
  test: {
    // The log lines of the Worker are shown where a test fails.
    silent: "passed-only" as const,
    // Tests also wait, for processes and for the disk: one more at a time than there are cores keeps all of these busy.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                SERVER_TIMING: "on",
                // As long as can be: what a test counts must not depend on whether a slow machine has forgotten its token.
                TOKEN_CACHE_SECONDS: "900",
                SECRET_KEYS: newSealingKey(new Date()),
                TEST_DIRECTORY_MIGRATIONS: await readD1Migrations("migrations/directory"),
                TEST_PARTITION_MIGRATIONS: await readD1Migrations("migrations/partition"),
              },
            },
          }),
        ],
        test: {
          name: "worker",
          // Files share an isolate, so that the Worker is loaded once for all of them. setup.ts empties the storage before each.
          isolate: false,
          restoreMocks: true,
          unstubGlobals: true,
          include: ["test/**/*.test.ts"],
          exclude: ["test/outside/**", "test/browser/**"],
          setupFiles: ["./test/support/setup.ts"],
          provide: { fuzz },
          testTimeout: fuzz.runs === null ? PATIENCE_MS : 24 * 60 * 60 * 1000,
          hookTimeout: PATIENCE_MS,
        },
      },
      onRunningEdge("outside", libgit2Left()),
      ...browserTests(),
    ],
  },
}))

function onRunningEdge(name: string, left: readonly string[] = []): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      exclude: [...left],
      globalSetup: ["./test/outside/edge.ts"],
      testTimeout: PATIENCE_MS,
      hookTimeout: PATIENCE_MS,
      expect: { poll: { timeout: PATIENCE_MS } },
    },
  }
}

/** On a machine without a browser they are left out, and it is said; in CI that is a failure. */
function browserTests(): TestProjectInlineConfiguration[] {
  if (findChromium() !== null) return [onRunningEdge("browser")]
  const text = "no Chromium was found (CHROMIUM names one): the tests of the docs page in a browser"
  if (process.env["CI"]) throw new Error(`${text} cannot run`)
  console.log(`${text} do not run`)
  return []
}

/** The tests that are left out on a machine without libgit2, which is said; in CI that is a failure. */
function libgit2Left(): string[] {
  if (findPython() !== null) return []
  const text = "no Python with pygit2 was found (PYTHON names one): the tests of libgit2"
  if (process.env["CI"]) throw new Error(`${text} cannot run`)
  console.log(`${text} do not run`)
  return ["test/outside/libgit2.test.ts"]
}
