/** Before every test file: the real migrations, empty stores, and an organization with its administrator. */
import { applyD1Migrations } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { beforeAll } from "vitest"
import { bootstrap } from "../../src/directory/bootstrap.ts"
import { adminToken, renewClient } from "./client.ts"
import { emptyStores } from "./empty-stores.ts"

renewClient()

beforeAll(async () => {
  await emptyStores()
  await applyD1Migrations(env.DB_GLOBAL, env.TEST_DIRECTORY_MIGRATIONS)
  await applyD1Migrations(env.DB_EU, env.TEST_PARTITION_MIGRATIONS)
  await applyD1Migrations(env.DB_US, env.TEST_PARTITION_MIGRATIONS)
  await bootstrap(env.DB_GLOBAL, adminToken)
})
