/** What an account has, asked with wrangler, and what is created in it. */
import { z } from "zod"
import { readJson, reasonOf, type Wrangler } from "../operate/wrangler.ts"
import { StartError } from "../start/settings.ts"
import type { Region } from "./options.ts"

const jurisdiction = z
  .string()
  .nullish()
  .transform((name) => name ?? null)
const databases = z.array(z.object({ uuid: z.string(), name: z.string(), jurisdiction }))
const namespaces = z.array(z.object({ id: z.string(), title: z.string(), jurisdiction }))
const secrets = z.array(z.object({ name: z.string() }))
const rows = z.array(z.object({ results: z.array(z.unknown()) }))

/** A database or a namespace of the account. */
export interface Resource {
  id: string
  name: string
  jurisdiction: string | null
}

/** Where data is put: a region, or for the directory anywhere. */
export type Place = Pick<Region, "jurisdiction" | "hint">

export class Account {
  readonly #wrangler: Wrangler

  constructor(wrangler: Wrangler) {
    this.#wrangler = wrangler
  }

  /** All D1 databases. */
  async databases(): Promise<Resource[]> {
    const found = await this.#wrangler.json(["d1", "list", "--json"], databases)
    return found.map(({ uuid: id, ...rest }) => ({ id, ...rest }))
  }

  /** All KV namespaces. */
  async namespaces(): Promise<Resource[]> {
    const found = await this.#wrangler.json(["kv", "namespace", "list"], namespaces)
    return found.map(({ title: name, ...rest }) => ({ name, ...rest }))
  }

  /**
   * Whether there is a bucket of this name in this jurisdiction. Names are a matter of their jurisdiction, and wrangler lists no more than
   * the first of many: each is asked for.
   */
  async hasBucket(name: string, where: string | null): Promise<boolean> {
    const args = ["r2", "bucket", "info", name, "--json", ...inJurisdiction(where)]
    const ran = await this.#wrangler.try(args)
    if (ran.code === 0) return true
    const reason = reasonOf(ran)
    if (/\[code: 10006\]|bucket does not exist/.test(reason)) return false
    throw new StartError(`wrangler r2 bucket info ${name} failed: ${reason}`)
  }

  /** The names of the Worker's secrets; null when there is no such Worker. */
  async secrets(): Promise<string[] | null> {
    const args = ["secret", "list", "--format", "json"]
    const ran = await this.#wrangler.try(args)
    if (ran.code === 0) return readJson(args, ran.stdout, secrets).map(({ name }) => name)
    const reason = reasonOf(ran)
    if (/Worker ".*" not found|\[code: 10007\]/.test(reason)) return null
    throw new StartError(`wrangler secret list failed: ${reason}`)
  }

  async createDatabase(name: string, place: Place): Promise<Resource> {
    await this.#wrangler.run(["d1", "create", name, ...placed(place)])
    return created(name, await this.databases())
  }

  async createNamespace(name: string, { jurisdiction: where }: Place): Promise<Resource> {
    await this.#wrangler.run(["kv", "namespace", "create", name, ...inJurisdiction(where)])
    return created(name, await this.namespaces())
  }

  async createBucket(name: string, place: Place): Promise<void> {
    await this.#wrangler.run(["r2", "bucket", "create", name, ...placed(place)])
  }

  /** The rows that a query of a database finds; none where a table is missing. `binding` must be in the configuration. */
  async query(binding: string, sql: string): Promise<unknown[]> {
    const args = ["d1", "execute", binding, "--remote", "--json", "--command", sql]
    const ran = await this.#wrangler.try(args)
    if (ran.code === 0) return readJson(args, ran.stdout, rows).flatMap(({ results }) => results)
    if (/no such table/.test(ran.stdout + ran.stderr)) return []
    throw new StartError(`wrangler d1 execute ${binding} failed: ${reasonOf(ran)}`)
  }
}

/** What was just created: the list tells its id as data, the command that creates only in a text for people. */
function created(name: string, all: readonly Resource[]): Resource {
  const found = all.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new StartError(`${name} was created, and is not in wrangler's list yet.`)
}

function inJurisdiction(where: string | null): string[] {
  return where === null ? [] : ["--jurisdiction", where]
}

function placed({ jurisdiction: where, hint }: Place): string[] {
  return hint === null ? inJurisdiction(where) : ["--location", hint]
}
