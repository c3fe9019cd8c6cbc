/** Makes the databases ready before anything serves them. */
import { createToken } from "../../src/lib/token-format.ts"
import { bootstrap } from "../../src/directory/bootstrap.ts"
import { checkStorage, damaged } from "./damage.ts"
import { applyMigrations } from "./migrate.ts"
import type { Lifetime } from "./lifetime.ts"
import { startMiniflare } from "./miniflare.ts"
import type { Project } from "./project.ts"
import { StartError } from "./settings.ts"
import type { StateFolder } from "./state.ts"

/** The binding of the database that holds the organization. */
const DIRECTORY = "DB_GLOBAL"

/** Applies what migrations are pending and sees to the organization; the token of the first start, or null when it is lost. */
export async function prepare(project: Project, state: StateFolder, lifetime: Lifetime): Promise<string | null> {
  checkStorage(state.path, state.storage)
  try {
    return await migrateAndBootstrap(project, state, lifetime)
  } catch (error) {
    // What the check above leaves out: a large database is not read whole, and one with other tables is whole.
    throw error instanceof Error && /D1_ERROR|SQLITE_/.test(error.message) ? damaged(state.path, error.message) : error
  }
}

async function migrateAndBootstrap(project: Project, state: StateFolder, lifetime: Lifetime): Promise<string | null> {
  const worker = project.worker({ modules: true, script: "export default {}" })
  const miniflare = await startMiniflare({ storage: state.storage, verbose: false, workers: [worker] }, lifetime)
  const databases = await miniflare.getBindings<Record<string, D1Database | undefined>>()
  for (const database of project.databases) {
    const binding = databases[database.binding]
    if (binding !== undefined) await applyMigrations(binding, database)
  }
  const directory = databases[DIRECTORY]
  if (directory === undefined) throw new StartError(`wrangler.toml has no D1 database ${DIRECTORY}. Add it.`)
  const token = await firstToken(directory, state)
  await miniflare.dispose()
  return token
}

/**
 * The token is kept before the organization is made with it: a start that is cut off between the two takes the same token
 * up again, and nobody is locked out. When there is an organization but no token here, none is made up: it would open nothing.
 */
async function firstToken(directory: D1Database, state: StateFolder): Promise<string | null> {
  const kept = state.readToken()
  if (await hasOrganization(directory)) return kept
  const token = kept ?? createToken("kpat")
  if (kept === null) state.keepToken(token)
  await bootstrap(directory, token)
  return token
}

async function hasOrganization(directory: D1Database): Promise<boolean> {
  return (await directory.prepare("SELECT id FROM organizations LIMIT 1").first()) !== null
}
