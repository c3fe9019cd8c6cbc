#!/usr/bin/env node
/**
 * A command that takes wrangler's arguments and plays a small account, kept in a folder: the operator's commands are tested
 * without an account. Databases are real SQLite files; what is printed is what wrangler 4.164 prints. Every call is recorded.
 */
import { randomUUID } from "node:crypto"
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { text } from "node:stream/consumers"
import { z } from "zod"
import type { Ran, RunWrangler } from "../../scripts/operate/wrangler.ts"

const jurisdiction = z.string().nullable()
const accountShape = z.object({
  databases: z.array(z.object({ uuid: z.string(), name: z.string(), jurisdiction })),
  buckets: z.array(z.object({ name: z.string(), jurisdiction })),
  namespaces: z.array(z.object({ id: z.string(), title: z.string(), jurisdiction })),
  worker: z
    .object({
      secrets: z.record(z.string(), z.string()),
      versions: z.array(z.object({ id: z.string(), metadata: z.object({ created_on: z.string() }) })),
      serving: z.array(z.object({ version_id: z.string(), percentage: z.number() })),
    })
    .nullable(),
  /** The call that fails, counted from 1: before it does anything, or after it has done all. Null for none. */
  failure: z.object({ call: z.number(), when: z.enum(["before", "after"]) }).nullable(),
  calls: z.number(),
})

/** What an account has. */
export type PlayedAccount = z.infer<typeof accountShape>

/** A call as it was recorded. */
export interface Call {
  args: string[]
  /** What it was given on standard input; null when it had the terminal. */
  input: string | null
}

const callShape = z.object({ args: z.array(z.string()), input: z.string().nullable() })

/** An account without anything. */
export const EMPTY: PlayedAccount = {
  databases: [],
  buckets: [],
  namespaces: [],
  worker: null,
  failure: null,
  calls: 0,
}

class PlayedError extends Error {}

/** The account in `folder`. */
export function readAccount(folder: string): PlayedAccount {
  const file = join(folder, "account.json")
  return existsSync(file) ? accountShape.parse(JSON.parse(readFileSync(file, "utf8"))) : structuredClone(EMPTY)
}

/** Makes the account in `folder` another one. */
export function writeAccount(folder: string, account: PlayedAccount): void {
  writeFileSync(join(folder, "account.json"), JSON.stringify(account))
}

/** Every call since the account in `folder` began, or since they were forgotten. */
export function readCalls(folder: string): Call[] {
  const file = join(folder, "calls")
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : []
  return lines.filter((line) => line !== "").map((line) => callShape.parse(JSON.parse(line)))
}

/** Forgets all calls. */
export function forgetCalls(folder: string): void {
  writeFileSync(join(folder, "calls"), "")
}

/** The account in `folder` for one process: the same as the command, without starting one. */
export function playedWrangler(folder: string): RunWrangler {
  return (args, run) =>
    Promise.resolve(play(folder, [...args], { ...run, report: run.variables["WRANGLER_OUTPUT_FILE_PATH"] }))
}

/** The rows of a played database. */
export function queryDatabase(folder: string, name: string, sql: string): unknown[] {
  const found = readAccount(folder).databases.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no database ${name}`)
  const database = new DatabaseSync(join(folder, `${found.uuid}.sqlite`))
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

interface PlayedRun {
  /** Where it runs. */
  folder: string
  input: string | null
  /** The file to which it reports what it made. */
  report: string | undefined
}

function play(folder: string, args: string[], run: PlayedRun): Ran {
  appendFileSync(join(folder, "calls"), `${JSON.stringify({ args, input: run.input })}\n`)
  const account = readAccount(folder)
  account.calls++
  writeAccount(folder, account)
  const { failure, calls } = account
  const fails = failure !== null && failure.call === calls
  const failed = { code: 1, stdout: "", stderr: "✘ [ERROR] The network went away.\n\n🪵  Logs were written to x\n" }
  if (fails && failure.when === "before") return failed
  try {
    const stdout = new Command(folder, account, args, run).run()
    return fails ? failed : { code: 0, stdout, stderr: "" }
  } catch (error) {
    if (!(error instanceof PlayedError)) throw error
    if (args.includes("--json") && args[1] === "execute") {
      return { code: 1, stdout: JSON.stringify({ error: { text: error.message } }, null, 2), stderr: "" }
    }
    return { code: 1, stdout: "", stderr: `\n✘ [ERROR] ${error.message}\n\n🪵  Logs were written to x\n` }
  }
}

/** One call. */
class Command {
  readonly #folder: string
  readonly #account: PlayedAccount
  readonly #args: string[]
  readonly #run: PlayedRun

  constructor(folder: string, account: PlayedAccount, args: string[], run: PlayedRun) {
    this.#folder = folder
    this.#account = account
    this.#args = args
    this.#run = run
  }

  run(): string {
    const end = this.#args.findIndex((one) => one.startsWith("-"))
    const words = this.#args.slice(0, end)
    const [one = "", two = "", three = ""] = words
    const last = words.at(-1) ?? ""
    if (`${one} ${two}` === "d1 list") return json(this.#account.databases)
    if (`${one} ${two}` === "d1 create") return this.#createDatabase(last)
    if (`${one} ${two}` === "d1 execute") return this.#execute(last)
    if (`${one} ${two} ${three}` === "d1 migrations apply") return this.#migrate(last)
    if (`${one} ${two} ${three}` === "kv namespace list") return json(this.#account.namespaces)
    if (`${one} ${two} ${three}` === "kv namespace create") return this.#createNamespace(last)
    if (`${one} ${two} ${three}` === "r2 bucket info") return this.#bucketInfo(last)
    if (`${one} ${two} ${three}` === "r2 bucket create") return this.#createBucket(last)
    if (`${one} ${two}` === "secret list") return this.#listSecrets()
    if (`${one} ${two}` === "secret put") return this.#putSecret(last)
    if (one === "deploy") return this.#deploy()
    if (one === "types") return "✨ Types written to worker-configuration.d.ts\n"
    if (`${one} ${two}` === "triggers deploy") return "Deployed triggers\n"
    if (`${one} ${two}` === "versions upload") return this.#upload()
    if (`${one} ${two}` === "versions deploy") return this.#share(words.slice(2))
    if (`${one} ${two}` === "versions list") return json(this.#worker().versions)
    if (`${one} ${two}` === "deployments status") return json({ versions: this.#worker().serving })
    throw new PlayedError(`Unknown arguments: ${words.join(", ")}`)
  }

  #createDatabase(name: string): string {
    if (this.#account.databases.some((one) => one.name === name)) {
      throw new PlayedError("A database with that name already exists")
    }
    this.#account.databases.push({ uuid: randomUUID(), name, jurisdiction: this.#option("jurisdiction") })
    this.#save()
    return `✅ Successfully created DB '${name}'\n`
  }

  #createNamespace(title: string): string {
    if (this.#account.namespaces.some((one) => one.title === title)) {
      throw new PlayedError(`A KV namespace with the title "${title}" already exists.`)
    }
    const id = randomUUID().replaceAll("-", "")
    this.#account.namespaces.push({ id, title, jurisdiction: this.#option("jurisdiction") })
    this.#save()
    return "✨ Success!\n"
  }

  #bucketInfo(name: string): string {
    if (this.#hasBucket(name, this.#option("jurisdiction"))) return json({ name, object_count: "0" })
    throw this.#apiError(`r2/buckets/${name}`, "The specified bucket does not exist. [code: 10006]")
  }

  #createBucket(name: string): string {
    const where = this.#option("jurisdiction")
    if (where !== null && this.#option("location") !== null) {
      throw new PlayedError("Provide either a jurisdiction or location hint - not both.")
    }
    if (this.#hasBucket(name, where)) throw this.#apiError("r2/buckets", "It already exists. [code: 10004]")
    this.#account.buckets.push({ name, jurisdiction: where })
    this.#save()
    return `✅ Created bucket '${name}'\n`
  }

  #hasBucket(name: string, where: string | null): boolean {
    return this.#account.buckets.some((one) => one.name === name && one.jurisdiction === where)
  }

  #listSecrets(): string {
    const { worker } = this.#account
    if (worker !== null) return json(Object.keys(worker.secrets).map((name) => ({ name, type: "secret_text" })))
    throw new PlayedError('Worker "quarterdeck" not found.\n\nIf this is a new Worker, run `wrangler deploy` first.')
  }

  #putSecret(name: string): string {
    const worker = this.#worker()
    worker.secrets[name] = (this.#run.input ?? "").trimEnd()
    worker.serving = [{ version_id: this.#newVersion(), percentage: 100 }]
    this.#save()
    return `✨ Success! Uploaded secret ${name}\n`
  }

  #deploy(): string {
    this.#checkBindings()
    this.#account.worker ??= { secrets: {}, versions: [], serving: [] }
    this.#account.worker.serving = [{ version_id: this.#newVersion(), percentage: 100 }]
    this.#save()
    return "Deployed quarterdeck triggers\n"
  }

  #upload(): string {
    this.#checkBindings()
    this.#newVersion()
    this.#save()
    return "Uploaded quarterdeck\n"
  }

  #share(specs: readonly string[]): string {
    const worker = this.#worker()
    worker.serving = specs.map((spec) => {
      const [version_id = "", share = ""] = spec.split("@")
      if (!worker.versions.some(({ id }) => id === version_id)) throw new PlayedError(`no version ${version_id}`)
      return { version_id, percentage: Number(share) }
    })
    this.#save()
    return "Deployed quarterdeck\n"
  }

  /** Makes a version and reports it. */
  #newVersion(): string {
    const worker = this.#worker()
    const id = randomUUID()
    const created_on = new Date(Date.UTC(2026, 10, 20) + worker.versions.length * 1000).toISOString()
    worker.versions.unshift({ id, metadata: { created_on } })
    if (this.#run.report !== undefined) {
      appendFileSync(this.#run.report, `${JSON.stringify({ type: "version-upload", version_id: id })}\n`)
    }
    return id
  }

  #worker(): NonNullable<PlayedAccount["worker"]> {
    if (this.#account.worker !== null) return this.#account.worker
    throw this.#apiError("workers/scripts", "This Worker does not exist on your account. [code: 10007]")
  }

  /** What the API does when a version is uploaded: every binding must lead somewhere. */
  #checkBindings(): void {
    const { databases, buckets, namespaces } = this.#account
    for (const { database_id: id } of this.#tables("d1_databases")) {
      if (!databases.some((one) => one.uuid === id)) throw new PlayedError(`binding DB of type d1: ${id} [code: 10181]`)
    }
    for (const { bucket_name: name, jurisdiction: where = null } of this.#tables("r2_buckets")) {
      const isThere = buckets.some((one) => one.name === name && one.jurisdiction === where)
      if (!isThere) throw new PlayedError(`R2 bucket '${name}' not found. [code: 10085]`)
    }
    for (const { id } of this.#tables("kv_namespaces")) {
      const isThere = namespaces.some((one) => one.id === id)
      if (!isThere) throw new PlayedError(`KV namespace '${id}' not found. [code: 10041]`)
    }
  }

  #migrate(name: string): string {
    const table = this.#tables("d1_databases").find((one) => one["database_name"] === name)
    if (table === undefined) throw new PlayedError(`Couldn't find a D1 DB with the name or binding '${name}'`)
    const folder = resolve(dirname(this.#config), table["migrations_dir"] ?? "migrations")
    this.#open(table["database_id"] ?? "", (database) => {
      database.exec("CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
      const applied = database.prepare("SELECT name FROM d1_migrations").all()
      for (const file of readdirSync(folder).toSorted()) {
        if (!file.endsWith(".sql") || applied.some((row) => row["name"] === file)) continue
        database.exec(readFileSync(join(folder, file), "utf8"))
        database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(file)
      }
    })
    return "✅ No migrations to apply!\n"
  }

  #execute(binding: string): string {
    const table = this.#tables("d1_databases").find((one) => one["binding"] === binding)
    if (table === undefined) throw new PlayedError(`Couldn't find a D1 DB with the name or binding '${binding}'`)
    const file = this.#option("file")
    const command = this.#option("command") ?? ""
    const results = this.#open(table["database_id"] ?? "", (database) => {
      if (file === null) return database.prepare(command).all()
      database.exec(`BEGIN;${readFileSync(file, "utf8")};COMMIT`)
      return []
    })
    return json([{ results, success: true }])
  }

  #open<T>(id: string, use: (database: DatabaseSync) => T): T {
    if (!this.#account.databases.some(({ uuid }) => uuid === id)) {
      throw this.#apiError(`d1/database/${id}`, `The database ${id} could not be found [code: 7404]`)
    }
    const database = new DatabaseSync(join(this.#folder, `${id}.sqlite`))
    // Nothing is lost that a test would miss.
    database.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
    try {
      return use(database)
    } catch (error) {
      throw new PlayedError(`${error instanceof Error ? error.message : String(error)}: SQLITE_ERROR [code: 7500]`)
    } finally {
      database.close()
    }
  }

  get #config(): string {
    return resolve(this.#run.folder, this.#option("config") ?? "wrangler.toml")
  }

  /** The tables of an array in the configuration, as far as they are plain. */
  #tables(array: string): Record<string, string | undefined>[] {
    const tables = readFileSync(this.#config, "utf8").split(/^(?=\[)/m)
    return tables
      .filter((table) => table.startsWith(`[[${array}]]`))
      .map((table) => {
        const pairs = [...table.matchAll(/^(\w+) = "(.*)"/gm)].map(([, key = "", value = ""]) => [key, value] as const)
        return Object.fromEntries(pairs)
      })
  }

  #option(name: string): string | null {
    const index = this.#args.indexOf(`--${name}`)
    return index === -1 ? null : (this.#args[index + 1] ?? null)
  }

  #apiError(path: string, reason: string): PlayedError {
    return new PlayedError(`A request to the Cloudflare API (/accounts/0123/${path}) failed.\n\n  ${reason}`)
  }

  #save(): void {
    writeAccount(this.#folder, this.#account)
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

if (import.meta.main) {
  const folder = process.env["STAND_IN_ACCOUNT"]
  if (folder === undefined) throw new Error("STAND_IN_ACCOUNT is missing")
  const args = process.argv.slice(2)
  // A deployment has the terminal, and must not wait for it.
  const hasTerminal = process.env["WRANGLER_OUTPUT_FILE_PATH"] !== undefined
  const input = hasTerminal ? null : await text(process.stdin)
  const run = { folder: process.cwd(), input, report: process.env["WRANGLER_OUTPUT_FILE_PATH"] }
  const { code, stdout, stderr } = play(folder, args, run)
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = code
}
