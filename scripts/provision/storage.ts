/** The storage of a deployment: what of it an account has, and what is created. */
import { bindingsOf, type Deployment, DIRECTORY, isPlaceholder } from "../operate/deployment.ts"
import { StartError } from "../start/settings.ts"
import type { Account, Place, Resource } from "./account.ts"
import type { RegionPlan } from "./config-file.ts"

/** One database, bucket or namespace that a deployment needs. */
export interface Wanted {
  kind: "D1 database" | "R2 bucket" | "KV namespace"
  name: string
  binding: string
  /** Null for the directory: it may be anywhere. */
  place: Place | null
  /** The id that the file has; null where that is no resource of an account, and for buckets, which have no id. */
  knownId: string | null
}

/** What is wanted, and the id of what is there; null for what has to be created. A bucket's id is its name. */
export interface Found {
  wanted: Wanted
  id: string | null
}

/** All that a deployment needs, the directory first. */
export function wantedStorage(deployment: Deployment, regions: readonly RegionPlan[]): Wanted[] {
  const databaseId = (binding: string) =>
    realId(deployment.d1_databases.find((one) => one.binding === binding)?.database_id)
  const namespaceId = (binding: string) => realId(deployment.kv_namespaces.find((one) => one.binding === binding)?.id)
  const directoryId = databaseId(DIRECTORY)
  const directory = deployment.d1_databases.find(({ binding }) => binding === DIRECTORY)
  const directoryName = (directoryId && directory?.database_name) || `${deployment.name}-global`
  const ofRegions = regions.flatMap((region): Wanted[] => {
    const binding = bindingsOf(region.code)
    const { databaseName, bucketName, namespaceName } = region
    const database = { name: databaseName, binding: binding.database, knownId: databaseId(binding.database) }
    const bucket = { name: bucketName, binding: binding.bucket, knownId: null }
    const namespace = { name: namespaceName, binding: binding.namespace, knownId: namespaceId(binding.namespace) }
    return [
      { kind: "D1 database", ...database, place: region },
      { kind: "R2 bucket", ...bucket, place: region },
      ...(region.isCached ? [{ kind: "KV namespace", ...namespace, place: region } as const] : []),
    ]
  })
  return [
    { kind: "D1 database", name: directoryName, binding: DIRECTORY, place: null, knownId: directoryId },
    ...ofRegions,
  ]
}

/** Looks for everything in the account. Refuses what is in another jurisdiction than asked, all of it at once. */
export async function findStorage(account: Account, wanted: readonly Wanted[]): Promise<Found[]> {
  const databases = await account.databases()
  const namespaces = await account.namespaces()
  const problems: string[] = []
  const found: Found[] = []
  for (const one of wanted) {
    if (one.kind === "R2 bucket") {
      found.push(await findBucket(account, one, problems))
      continue
    }
    const resource = findResource(one.kind === "D1 database" ? databases : namespaces, one, problems)
    if (resource !== null) checkPlace(one, resource, problems)
    found.push({ wanted: one, id: resource?.id ?? null })
  }
  if (problems.length > 0) throw new StartError(problems.join("\n"))
  return found
}

/** Creates what is missing. Answers its id. */
export async function createStorage(account: Account, { kind, name, place }: Wanted): Promise<string> {
  const where = place ?? { jurisdiction: null, hint: null }
  if (kind === "D1 database") return (await account.createDatabase(name, where)).id
  if (kind === "KV namespace") return (await account.createNamespace(name, where)).id
  await account.createBucket(name, where)
  return name
}

/** What is wanted as a person reads it. */
export function describeWanted({ kind, name, place }: Wanted): string {
  if (place === null) return `${kind} ${name}`
  if (place.hint !== null && kind !== "KV namespace") return `${kind} ${name} (near ${place.hint})`
  return `${kind} ${name} (${describePlace(place.jurisdiction)})`
}

/** By the id that the file has, else by name. An id of the file that the account does not have is that of another account. */
function findResource(all: readonly Resource[], wanted: Wanted, problems: string[]): Resource | null {
  if (wanted.knownId === null) return all.find(({ name }) => name === wanted.name) ?? null
  const known = all.find(({ id }) => id === wanted.knownId)
  if (known !== undefined) return known
  problems.push(
    `wrangler.toml binds ${wanted.binding} to ${wanted.knownId}, which this account does not have. Log in to its account (npx wrangler whoami), or put 00000000 in the place of the id.`,
  )
  return null
}

async function findBucket(account: Account, wanted: Wanted, problems: string[]): Promise<Found> {
  const where = wanted.place?.jurisdiction ?? null
  if (await account.hasBucket(wanted.name, where)) return { wanted, id: wanted.name }
  for (const other of [null, "eu", "us"].filter((one) => one !== where)) {
    // Not every account may ask for every jurisdiction, and only the one that is asked for must answer.
    const isThere = await account.hasBucket(wanted.name, other).catch(() => false)
    if (isThere) checkPlace(wanted, { id: wanted.name, name: wanted.name, jurisdiction: other }, problems)
  }
  return { wanted, id: null }
}

function checkPlace({ kind, place }: Wanted, { name, jurisdiction }: Resource, problems: string[]): void {
  if (place === null || place.jurisdiction === jurisdiction) return
  problems.push(
    `${kind} ${name} is there with ${describePlace(jurisdiction)}, and ${describePlace(place.jurisdiction)} is asked for. That cannot be changed: ask for what it has, or give the region another code.`,
  )
}

function describePlace(jurisdiction: string | null): string {
  return jurisdiction === null ? "no jurisdiction" : `jurisdiction ${jurisdiction}`
}

function realId(id: string | undefined): string | null {
  return id === undefined || isPlaceholder(id) ? null : id
}
