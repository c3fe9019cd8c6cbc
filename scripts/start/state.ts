/** The state folder: who may use it, the token of the first start, and the keys that seal secrets. The data below `v3/` is Miniflare's. */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { z } from "zod"
import { newSealingKey, readSealingKeys } from "../../src/lib/sealing.ts"
import { classifyToken } from "../../src/lib/token-format.ts"
import { damaged } from "./damage.ts"
import { type Settings, StartError } from "./settings.ts"

/** How long a start waits for an earlier one that is just ending. */
const LOCK_PATIENCE_MS = 2_000
/** SQLite's code for a lock that another process holds. */
const SQLITE_BUSY = 5
/** SQLite's code for a file with other contents. */
const SQLITE_NOTADB = 26

const systemError = z.object({ code: z.string() })
const sqliteError = z.object({ errcode: z.number() })

export class StateFolder {
  readonly path: string
  readonly #lock: DatabaseSync

  /** Creates the folder when it is missing and claims it for this process. */
  constructor(path: string) {
    this.path = path
    createFolder(path)
    this.#lock = claim(path)
  }

  /** Where Miniflare and `wrangler dev --persist-to` keep databases, objects and keys. */
  get storage(): string {
    return join(this.path, "v3")
  }

  /** The token of the first start, or null when this folder keeps none. */
  readToken(): string | null {
    const text = readIfPresent(this.#tokenFile)?.trim()
    if (text === undefined) return null
    if (classifyToken(text) === "ours") return text
    throw new StartError(`${this.#tokenFile} holds no token. Restore it, or remove it and create another token.`)
  }

  /** Keeps `token` for later starts: tokens are stored only as hashes, so this file is the one place that has it. */
  keepToken(token: string): void {
    keep(this.#tokenFile, token)
  }

  /** The keys that seal the secrets of this folder. They are made at the first start, and are nowhere else. */
  secretKeys(): string {
    const text = readIfPresent(this.#keysFile)?.replaceAll(/\s/g, "")
    if (text === undefined) {
      const made = newSealingKey(new Date())
      keep(this.#keysFile, made)
      return made
    }
    const read = readSealingKeys(text)
    if ("keys" in read) return text
    throw new StartError(`${this.#keysFile} ${read.problem}. Restore it, or remove it: stored secrets are lost then.`)
  }

  /** A file with variables of the Worker, for `wrangler dev`: a command's arguments can be seen by everybody on the machine. */
  keepVariables(variables: Settings["variables"]): string {
    const file = join(this.path, "dev.env")
    const lines = Object.entries(variables).map(([name, value]) => `${name}='${textOf(value)}'`)
    keep(file, lines.join("\n"))
    return file
  }

  /** Lets another process use the folder. */
  release(): void {
    this.#lock.close()
  }

  get #tokenFile(): string {
    return join(this.path, "token")
  }

  get #keysFile(): string {
    return join(this.path, "secret-keys")
  }
}

/** Writes a file that only its owner can read, in a folder that is made when it is missing. */
export function keepPrivately(file: string, text: string): void {
  createFolder(dirname(file))
  keep(file, text)
}

/** Writes a file that only its owner can read, whole or not at all. */
function keep(file: string, text: string): void {
  const draft = `${file}.new`
  writeFileSync(draft, `${text}\n`, { mode: 0o600, flush: true })
  chmodSync(draft, 0o600)
  renameSync(draft, file)
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}

function createFolder(path: string): void {
  try {
    createWithParents(path)
  } catch {
    throw unwritable(path)
  }
}

/** Not `recursive: true`: Node tries for ever where a folder exists in which none can be made, as in /proc. */
function createWithParents(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
  if (dirname(path) !== path) createWithParents(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/**
 * Locks the folder against a second start: two runtimes on one set of SQLite files would corrupt each other's view of them.
 * The lock is SQLite's own, which the operating system drops with the process, however that ends. The file stays empty.
 */
function claim(path: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(join(path, "lock"), { timeout: LOCK_PATIENCE_MS })
    lock.exec("BEGIN EXCLUSIVE")
    return lock
  } catch (error) {
    const code = sqliteError.safeParse(error).data?.errcode
    if (code === SQLITE_NOTADB) throw damaged(path, "lock is no file of Quarterdeck")
    if (code !== SQLITE_BUSY) throw unwritable(path)
    throw new StartError(`Another Quarterdeck uses ${path}. Stop it, or set QUARTERDECK_STATE to another folder.`)
  }
}

function unwritable(path: string): StartError {
  return new StartError(`Cannot write to ${path}. Set QUARTERDECK_STATE to a folder that can be written to.`)
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (systemError.safeParse(error).data?.code === "ENOENT") return undefined
    throw new StartError(`Cannot read ${file}. Make it readable, or set QUARTERDECK_STATE to another folder.`)
  }
}
