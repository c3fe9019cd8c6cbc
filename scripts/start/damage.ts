/** Whether the databases of a state folder can be used: workerd, which finds out later, says it with a stack and names no file. */
import { accessSync, constants, readdirSync, statSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { z } from "zod"
import { StartError } from "./settings.ts"

/** A file up to this size is checked whole; to check a larger one would take longer than the start. */
const CHECKED_BYTES = 16 * 1024 * 1024
/** SQLite's primary codes. */
const SQLITE_BUSY = 5

const systemError = z.object({ code: z.string() })
const sqliteError = z.object({ errcode: z.number(), message: z.string() })
const verdicts = z.array(z.object({ quick_check: z.string() }))

/** Checks every database of `storage`, which lies in the state folder `path`. Throws a `StartError` for the first that cannot be used. */
export function checkStorage(path: string, storage: string): void {
  for (const file of databaseFiles(path, storage)) {
    const problem = accessProblem(file) ?? contentProblem(file)
    if (problem !== null) throw damaged(path, `${relative(path, file)} ${problem}`)
  }
}

/** The error for a state folder with contents that cannot be used, and what a person can do about it. */
export function damaged(path: string, problem: string): StartError {
  return new StartError(
    `The data in ${path} cannot be used: ${problem}. Restore the folder from a backup, or move it away to start with an empty one, ` +
      "or set QUARTERDECK_STATE to another folder.",
  )
}

function databaseFiles(path: string, storage: string): string[] {
  try {
    if (statSync(storage, { throwIfNoEntry: false }) === undefined) return []
    const names = readdirSync(storage, { recursive: true, encoding: "utf8" })
    const misplaced = names.find((name) => isFolder(name) && !statSync(join(storage, name)).isDirectory())
    if (misplaced !== undefined) throw damaged(path, `${join(relative(path, storage), misplaced)} is no folder`)
    return names.filter((name) => name.endsWith(".sqlite")).map((name) => join(storage, name))
  } catch (error) {
    if (error instanceof StartError) throw error
    throw damaged(path, `${relative(path, storage)} cannot be read (${codeOf(error)})`)
  }
}

/** Whether the name is that of a folder: of a kind of storage, or below it of a class of objects. */
function isFolder(name: string): boolean {
  return name.split(sep).length <= 2
}

/** Why this process may not use the file, or null. */
function accessProblem(file: string): string | null {
  try {
    if (!statSync(file).isFile()) return "is no file"
    accessSync(file, constants.R_OK | constants.W_OK)
    return null
  } catch (error) {
    return `cannot be read and written by this user (${codeOf(error)})`
  }
}

/** What is wrong with the database in the file, or null. */
function contentProblem(file: string): string | null {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    // Fails where the file is none of SQLite, or its schema cannot be read.
    database.prepare("SELECT count(*) FROM sqlite_schema").get()
    if (statSync(file).size > CHECKED_BYTES) return null
    const [verdict] = verdicts.parse(database.prepare("PRAGMA quick_check(1)").all())
    return verdict?.quick_check === "ok" ? null : "is damaged"
  } catch (error) {
    const { data } = sqliteError.safeParse(error)
    if (data === undefined) throw error
    return data.errcode === SQLITE_BUSY ? "is used by another program" : `is damaged (${data.message})`
  } finally {
    database?.close()
  }
}

function codeOf(error: unknown): string {
  return systemError.safeParse(error).data?.code ?? String(error)
}
