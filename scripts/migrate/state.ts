/** What a run leaves for the next one: a folder for each source and target, with one for each project. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { z } from "zod"
import { StartError } from "../start/settings.ts"
import type { Options } from "./options.ts"

/** The folder of one source and target, which no other run uses. */
export interface State {
  ofProject: (name: string) => ProjectState
  close: () => void
}

/** Opens the folder for a source and a target, and claims it for this process. */
export function openState({ state, from, to }: Options): State {
  const folder = join(state, `${folderName(from)}..${folderName(to)}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch {
    throw new StartError(`Cannot write to ${folder}. Give another folder with --state.`)
  }
  const lock = claim(folder)
  return {
    ofProject: (name) => new ProjectState(join(folder, encodeURIComponent(name))),
    close: () => lock.close(),
  }
}

/** The lock is SQLite's own, which the operating system drops with the process, however that ends. */
function claim(folder: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(join(folder, "lock"))
    lock.exec("BEGIN EXCLUSIVE")
    return lock
  } catch {
    throw new StartError(`Another run uses ${folder}. Wait for its end.`)
  }
}

function folderName({ host, pathname }: URL): string {
  return encodeURIComponent(`${host}${pathname}`)
}

/** The folder of one project. */
export class ProjectState {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** The path of a file or folder in it. */
  path(name: string): string {
    return join(this.folder, name)
  }

  /** What was noted under a name; null for nothing that can be used. */
  read<T>(name: string, schema: z.ZodType<T>): T | null {
    try {
      return schema.parse(JSON.parse(readFileSync(this.path(`${name}.json`), "utf8")))
    } catch {
      return null
    }
  }

  /** Notes something, whole or not at all. */
  write(name: string, value: unknown): void {
    const file = this.path(`${name}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(value), { flush: true })
    renameSync(`${file}.new`, file)
  }
}
