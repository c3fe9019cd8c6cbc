/** The wrangler.toml of a deployment, and what provisioning changes in it. */
import { readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs"
import { bindingsOf, type Deployment, hostsOf, isPlaceholder, listed } from "../operate/deployment.ts"
import * as toml from "../operate/toml.ts"
import { StartError } from "../start/settings.ts"
import type { Region } from "./options.ts"

const VARIABLES = { table: "vars" }
const BANNER_WIDTH = 119
const ARRAYS = { database: "d1_databases", bucket: "r2_buckets", namespace: "kv_namespaces" } as const

/** What a region's storage is called, and whether KV caches for it. */
export interface RegionPlan extends Region {
  databaseName: string
  bucketName: string
  namespaceName: string
  isCached: boolean
  /** Whether the file has names of its own for it, which stay: its database is there. */
  isSettled: boolean
}

/** The file, read once and written whole whenever something is known. */
export class ConfigFile {
  readonly path: string
  #text: string

  constructor(path: string) {
    this.path = realpathSync(path)
    this.#text = readFileSync(this.path, "utf8")
  }

  get text(): string {
    return this.#text
  }

  /** Writes the text, whole or not at all, when it is another one. */
  write(text: string): void {
    if (text === this.#text) return
    const draft = `${this.path}.new`
    writeFileSync(draft, text, { mode: statSync(this.path).mode, flush: true })
    renameSync(draft, this.path)
    this.#text = text
  }

  /** Writes the id of a database or namespace that is bound as `binding`. */
  writeId(binding: string, id: string): void {
    this.write(withId(this.#text, binding, id))
  }
}

/** How the storage of each region is called: after the Worker, unless the file has a database for it already. */
export function planRegions(deployment: Deployment, regions: readonly Region[]): RegionPlan[] {
  const known = listed(deployment.vars.REGIONS)
  const cached = listed(deployment.vars.CACHED_REGIONS)
  return regions.map((region) => {
    const name = `${deployment.name}-${region.code}`
    const binding = bindingsOf(region.code)
    const database = deployment.d1_databases.find((one) => one.binding === binding.database)
    const bucket = deployment.r2_buckets.find((one) => one.binding === binding.bucket)
    const isSettled = database !== undefined && !isPlaceholder(database.database_id)
    return {
      ...region,
      databaseName: isSettled ? database.database_name : name,
      bucketName: isSettled && bucket !== undefined ? bucket.bucket_name : name,
      namespaceName: name,
      // Somebody who has taken a known region out of the list has forbidden KV for it.
      isCached: cached.includes(region.code) || !known.includes(region.code),
      isSettled,
    }
  })
}

/** The text with everything that is known before anything is created, and a line for each thing that changes. */
export function plannedText(
  text: string,
  deployment: Deployment,
  { domain, regions, ids }: { domain: string; regions: readonly RegionPlan[]; ids: ReadonlyMap<string, string> },
): { text: string; changes: string[] } {
  const draft = new Draft(text)
  for (const code of droppedRegions(deployment, regions)) {
    draft.change(`no bindings of ${code}, which has no data`, (now) => withoutRegion(now, code))
  }
  draft.change(`the directory ${deployment.name}-global`, (now) => withDirectory(now, deployment))
  for (const region of regions) {
    draft.change(`bindings of ${region.code}`, (now) => withRegion(now, region))
  }
  for (const [binding, id] of ids) draft.change(`${binding} is ${id}`, (now) => withId(now, binding, id))
  const variables = {
    API_DOMAIN: domain,
    REGIONS: regions.map(({ code }) => code).join(","),
    CACHED_REGIONS: regions
      .filter(({ isCached }) => isCached)
      .map(({ code }) => code)
      .join(","),
    DEFAULT_REGION: "",
  }
  for (const [key, value] of Object.entries(variables)) {
    draft.change(`${key} = "${value}"`, (now) => toml.setString(now, VARIABLES, key, value))
  }
  const codes = regions.map(({ code }) => code)
  const hosts = hostsOf(domain, codes)
  const former = hostsOf(deployment.vars.API_DOMAIN, listed(deployment.vars.REGIONS)).filter(
    (host) => !hosts.includes(host),
  )
  draft.change(`custom domains ${hosts.join(", ")}`, (now) => toml.setRoutes(now, hosts, former))
  return draft
}

/** Refuses a file whose bindings are written in a form that cannot be changed here, before anything is done. */
export function refuseOtherForms(text: string, deployment: Deployment): void {
  for (const array of Object.values(ARRAYS)) {
    const read = deployment[array].map(({ binding }) => binding).join()
    if (toml.bindingsIn(text, array).join() === read) continue
    throw new StartError(
      `wrangler.toml: write each binding as a table of its own, [[${array}]], and its name on one line.`,
    )
  }
}

/** Regions of the file that are not asked for. One that has a database is refused: its data would be out of reach. */
function droppedRegions(deployment: Deployment, regions: readonly RegionPlan[]): string[] {
  const dropped = listed(deployment.vars.REGIONS).filter((code) => !regions.some((region) => region.code === code))
  for (const code of dropped) {
    const { database } = bindingsOf(code)
    const found = deployment.d1_databases.find(({ binding }) => binding === database)
    if (found === undefined || isPlaceholder(found.database_id)) continue
    throw new StartError(`wrangler.toml has the region ${code} with its data. Name it in --regions, too.`)
  }
  return dropped
}

class Draft {
  text: string
  readonly changes: string[] = []

  constructor(text: string) {
    this.text = text
  }

  change(what: string, edit: (text: string) => string): void {
    const next = edit(this.text)
    if (next === this.text) return
    this.text = next
    this.changes.push(what)
  }
}

function withId(text: string, binding: string, id: string): string {
  const isDatabase = binding.startsWith("DB_")
  const array = isDatabase ? ARRAYS.database : ARRAYS.namespace
  return toml.setString(text, { array, binding }, isDatabase ? "database_id" : "id", id)
}

function withDirectory(text: string, deployment: Deployment): string {
  const name = { array: ARRAYS.database, binding: "DB_GLOBAL" }
  if (!isPlaceholder(toml.getString(text, name, "database_id") ?? "")) return text
  return toml.setString(text, name, "database_name", `${deployment.name}-global`)
}

/** The text with the bindings of a region, under their names. */
function withRegion(text: string, region: RegionPlan): string {
  const added = withTables(region.isCached ? text : withoutPlaceholder(text, region), region)
  if (region.isSettled) return added
  const binding = bindingsOf(region.code)
  const database = { array: ARRAYS.database, binding: binding.database }
  const bucket = { array: ARRAYS.bucket, binding: binding.bucket }
  const named = toml.setString(added, database, "database_name", region.databaseName)
  const stored = toml.setString(named, bucket, "bucket_name", region.bucketName)
  if (region.jurisdiction === null) return toml.removeKey(stored, bucket, "jurisdiction")
  return toml.setString(stored, bucket, "jurisdiction", region.jurisdiction)
}

/** A namespace that shall not be there must not be bound. One that has data stays. */
function withoutPlaceholder(text: string, { code }: RegionPlan): string {
  const table = { array: ARRAYS.namespace, binding: bindingsOf(code).namespace }
  return isPlaceholder(toml.getString(text, table, "id") ?? "") ? toml.removeTable(text, table) : text
}

/** Adds those tables of a region that are missing: behind the others of the region, or at the end. */
function withTables(text: string, region: RegionPlan): string {
  const present = tablesOf(region.code).filter(({ array, binding }) => toml.bindingsIn(text, array).includes(binding))
  const wanted = tablesOf(region.code).filter(({ array }) => region.isCached || array !== ARRAYS.namespace)
  const missing = wanted.filter((table) => !present.some(({ binding }) => binding === table.binding))
  const blocks = missing.map((table) => newTable(text, table, region))
  const last = present.at(-1)
  const [first, ...rest] = blocks
  if (first === undefined) return text
  const lines = [...first, ...rest.flatMap((block) => ["", ...block])]
  if (last !== undefined) return toml.insertAfter(text, last, lines)
  return toml.append(text, [`# --- ${region.code} `.padEnd(BANNER_WIDTH, "-"), ...lines])
}

interface BindingTable {
  array: string
  binding: string
}

function tablesOf(code: string): BindingTable[] {
  const binding = bindingsOf(code)
  return [
    { array: ARRAYS.database, binding: binding.database },
    { array: ARRAYS.bucket, binding: binding.bucket },
    { array: ARRAYS.namespace, binding: binding.namespace },
  ]
}

/** A table whose id is no resource of an account yet, but unlike all others: a local run keeps its data under it. */
function newTable(text: string, { array, binding }: BindingTable, region: RegionPlan): string[] {
  const number = String(toml.bindingsIn(text, array).length + 1)
  if (array === ARRAYS.database) {
    const database_id = `00000000-0000-4000-8000-${number.padStart(12, "0")}`
    const names = { binding, database_name: region.databaseName, database_id, migrations_dir: "migrations/partition" }
    return toml.tableLines(array, names)
  }
  if (array === ARRAYS.namespace) return toml.tableLines(array, { binding, id: number.padStart(32, "0") })
  const where = region.jurisdiction === null ? {} : { jurisdiction: region.jurisdiction }
  return toml.tableLines(array, { binding, bucket_name: region.bucketName, ...where })
}

function withoutRegion(text: string, code: string): string {
  const emptied = tablesOf(code).reduce((now, table) => toml.removeTable(now, table), text)
  const kept = emptied.split("\n").filter((line) => !new RegExp(`^# --- ${code} -+\\s*$`).test(line))
  return `${kept.join("\n").trimEnd()}\n`
}
