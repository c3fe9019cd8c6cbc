/** What `npm run provision` does, in order: look, say, do what is missing. */
import { existsSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { z } from "zod"
import { type Deployment, DIRECTORY, isPlaceholder, migrationsOf, readDeployment } from "../operate/deployment.ts"
import { nameOf, type Wrangler } from "../operate/wrangler.ts"
import { StartError } from "../start/settings.ts"
import { Account } from "./account.ts"
import { ConfigFile, plannedText, planRegions, refuseOtherForms } from "./config-file.ts"
import { hasFirstToken, makeFirstToken } from "./first-token.ts"
import type { ProvisionOptions } from "./options.ts"
import { giveSecretKeys, SECRET_KEYS } from "./secret-keys.ts"
import { createStorage, describeWanted, findStorage, type Found, wantedStorage } from "./storage.ts"

/** What a run of the command needs besides its options. */
export interface Surroundings {
  wrangler: Wrangler
  /** The folder for what only its owner may read. */
  folder: string
  print: (line: string) => void
}

/** A line of the plan, and what makes it true; nothing where it is. */
interface Step {
  state: "exists" | "create" | "change"
  what: string
  act?: () => Promise<unknown>
}

const migrationRows = z.array(z.object({ name: z.string() }))
const MAIN = "wrangler.toml"
const TYPES = "worker-configuration.d.ts"
const PARTITION_MIGRATIONS = "migrations/partition"

/** Brings a deployment to what `options` ask for, or says what that would take. */
export async function provision(options: ProvisionOptions, surroundings: Surroundings): Promise<void> {
  const { print } = surroundings
  const steps = await plan(options, surroundings)
  for (const { state, what } of steps) print(`${state}  ${what}`)
  const open = steps.filter((step) => step.act !== undefined)
  if (options.dryRun) return print(`Nothing was changed: --dry-run. ${open.length} of ${steps.length} would be done.`)
  if (open.length === 0) return print("Nothing is missing.")
  print("")
  for (const { what, act } of open) {
    await attempt(what, act)
    print(`done    ${what}`)
  }
  print(farewell(options, surroundings.wrangler.config, open))
}

async function attempt(what: string, act: Step["act"]): Promise<void> {
  try {
    await act?.()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new StartError(`${error.message}\nStopped at: ${what}. Run the command again: it goes on from there.`)
  }
}

/** Looks at the file and the account, and finds what each part of the deployment takes. Changes nothing. */
async function plan(options: ProvisionOptions, surroundings: Surroundings): Promise<Step[]> {
  const { wrangler } = surroundings
  const account = new Account(wrangler)
  const deployment = readDeployment(wrangler.config)
  const file = new ConfigFile(wrangler.config)
  refuseOtherForms(file.text, deployment)
  const regions = planRegions(deployment, options.regions)
  const storage = await findStorage(account, wantedStorage(deployment, regions))
  const ids = new Map(
    storage.flatMap(({ wanted, id }) => (id === null || isBucket(wanted) ? [] : [[wanted.binding, id]])),
  )
  const { text, changes } = plannedText(file.text, deployment, { domain: options.domain, regions, ids })
  const secrets = await account.secrets()
  const kept = (name: string) => join(surroundings.folder, `${deployment.name}-${directoryId(wrangler.config)}-${name}`)
  return [
    ...configSteps(file, text, changes),
    ...storage.map((found) => storageStep(account, file, found)),
    ...typesSteps(wrangler, text),
    ...(await migrationSteps(wrangler, account, deployment, storage)),
    secrets === null
      ? create(`Worker ${deployment.name}`, () => deploy(wrangler))
      : exists(`Worker ${deployment.name}`),
    keysStep(wrangler, secrets, () => kept("secret-keys"), surroundings.print),
    await tokenStep(wrangler, account, storage, () => kept("first-token"), surroundings.print),
  ]
}

function isBucket({ kind }: Found["wanted"]): boolean {
  return kind === "R2 bucket"
}

function exists(what: string): Step {
  return { state: "exists", what }
}

function create(what: string, act: () => Promise<unknown>): Step {
  return { state: "create", what, act }
}

/** Everything that is known already is written at once, with the first of the lines about it. */
function configSteps(file: ConfigFile, text: string, changes: readonly string[]): Step[] {
  const act = async () => file.write(text)
  return changes.map((what) => ({ state: "change", what: `${basename(file.path)}: ${what}`, act }))
}

function storageStep(account: Account, file: ConfigFile, { wanted, id }: Found): Step {
  if (id !== null) return exists(describeWanted(wanted))
  return create(describeWanted(wanted), async () => {
    const made = await createStorage(account, wanted)
    if (!isBucket(wanted)) file.writeId(wanted.binding, made)
  })
}

/** The bindings that are named in a wrangler.toml or in the types made from it. */
function storageBindings(source: string): string {
  const names = source.match(/\b(?:DB|BLOBS|CACHE)_[A-Z0-9]+\b(?=:|"$)/gm) ?? []
  return [...new Set(names)].toSorted().join()
}

/** The types of the bindings are those of the project's own wrangler.toml, which `npm run check` compares. */
function typesSteps(wrangler: Wrangler, text: string): Step[] {
  const types = join(dirname(wrangler.config), TYPES)
  if (basename(wrangler.config) !== MAIN || !existsSync(types)) return []
  if (storageBindings(readFileSync(types, "utf8")) === storageBindings(text)) return []
  const act = () => wrangler.run(["types", "--strict-vars=false"])
  return [{ state: "change", what: `${TYPES}: the bindings of wrangler.toml`, act }]
}

async function migrationSteps(
  wrangler: Wrangler,
  account: Account,
  deployment: Deployment,
  storage: readonly Found[],
): Promise<Step[]> {
  const steps: Step[] = []
  for (const { wanted, id } of storage.filter((found) => found.wanted.kind === "D1 database")) {
    const known = deployment.d1_databases.find(({ binding }) => binding === wanted.binding)
    const all = migrationsOf(wrangler.config, known?.migrations_dir ?? PARTITION_MIGRATIONS)
    const applied = wanted.knownId === null ? null : await appliedMigrations(account, wanted.binding)
    const pending = all.filter((name) => applied === null || !applied.includes(name))
    const what = `migrations of ${wanted.name}: ${pending.join(", ")}${id !== null && applied === null ? ", those that it lacks" : ""}`
    const act = () => wrangler.run(["d1", "migrations", "apply", wanted.name, "--remote"])
    if (pending.length === 0) steps.push(exists(`migrations of ${wanted.name}`))
    else steps.push({ state: "change", what, act })
  }
  return steps
}

async function appliedMigrations(account: Account, binding: string): Promise<string[]> {
  const rows = await account.query(binding, "SELECT name FROM d1_migrations")
  return migrationRows.parse(rows).map(({ name }) => name)
}

async function deploy(wrangler: Wrangler): Promise<void> {
  await wrangler.show(["deploy"])
}

function keysStep(
  wrangler: Wrangler,
  secrets: readonly string[] | null,
  file: () => string,
  print: Surroundings["print"],
): Step {
  if (secrets?.includes(SECRET_KEYS)) return exists(`secret ${SECRET_KEYS}`)
  return create(`secret ${SECRET_KEYS}`, async () => {
    await giveSecretKeys(wrangler, file())
    print(`        The key is in ${file()}. Put it into your password store: nobody can read it back from Cloudflare.`)
  })
}

async function tokenStep(
  wrangler: Wrangler,
  account: Account,
  storage: readonly Found[],
  file: () => string,
  print: Surroundings["print"],
): Promise<Step> {
  const what = "first token, for an administrator"
  const directory = storage.find(({ wanted }) => wanted.binding === DIRECTORY)
  const isKnown = directory !== undefined && directory.wanted.knownId !== null
  if (isKnown && (await hasFirstToken(account, file()))) return exists(what)
  const show = (token: string) => print(`token   ${token}`)
  return create(what, () => makeFirstToken(account, { wrangler, file: file(), show }))
}

/** What the directory's database is called in names of files: the key and the token are its own, not the Worker's. */
function directoryId(config: string): string {
  const directory = readDeployment(config).d1_databases.find(({ binding }) => binding === DIRECTORY)
  if (directory !== undefined && !isPlaceholder(directory.database_id)) return directory.database_id.slice(0, 8)
  throw new StartError(`${DIRECTORY} has no id yet.`)
}

/** What to do next. */
function farewell({ domain, regions }: ProvisionOptions, config: string, done: readonly Step[]): string {
  const option = nameOf(config) === MAIN ? "" : ` -- --config ${nameOf(config)}`
  const isDeployed = done.some(({ what }) => what.startsWith("Worker "))
  if (!isDeployed) return `\nNow deploy: npm run deploy${option}`
  const host = `${regions[0]?.code}.${domain}`
  return `\nhttps://${host}/api answers once its certificate is there, in some minutes.\nFrom now on: npm run deploy${option}`
}
