/**
 * Changes to the text of a wrangler.toml that leave everything else as it is, comments and order too. It knows as much of TOML as
 * such a file has: tables, arrays of tables, and keys with a plain string on their line.
 */
import { StartError } from "../start/settings.ts"

/** A table: `[vars]`, or that one of `[[d1_databases]]` whose binding has this name. */
export type TableName = { table: string } | { array: string; binding: string }

/** A table and its lines: from its header up to the header of the next. */
interface Table {
  name: string
  isArray: boolean
  start: number
  end: number
}

const HEADER = /^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/
/** A key with a plain string: what stands before the string, the string, and what follows it. */
const PLAIN = /^(\s*([\w-]+)\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*')(\s*(?:#.*)?)$/
const KEY = /^\s*([\w-]+)\s*=/

/** The string of a key, or null where the table or the key is missing. */
export function getString(text: string, name: TableName, key: string): string | null {
  const lines = text.split("\n")
  const table = findTable(lines, name)
  const index = table === null ? -1 : findKey(lines, table, key)
  return index === -1 ? null : plainValue(lines[index] ?? "")
}

/** Sets the string of a key; a key that is missing comes behind the last one of its table. */
export function setString(text: string, name: TableName, key: string, value: string): string {
  const lines = text.split("\n")
  const table = findTable(lines, name)
  if (table === null) throw new StartError(`wrangler.toml has no table ${describe(name)}. Add it.`)
  const index = findKey(lines, table, key)
  if (index === -1) return joined(lines.toSpliced(lastKey(lines, table) + 1, 0, `${key} = ${quoted(value)}`))
  const line = lines[index] ?? ""
  if (plainValue(line) === value) return text
  const [, before, , , after] = PLAIN.exec(line) ?? []
  if (before !== undefined) return joined(lines.with(index, `${before}${quoted(value)}${after}`))
  throw new StartError(`wrangler.toml, line ${index + 1}: write ${key} as a string on its line.`)
}

/** Removes a key, if it is there. */
export function removeKey(text: string, name: TableName, key: string): string {
  const lines = text.split("\n")
  const table = findTable(lines, name)
  const index = table === null ? -1 : findKey(lines, table, key)
  return index === -1 ? text : joined(lines.toSpliced(index, 1))
}

/** The names of the bindings in an array of tables, in their order. */
export function bindingsIn(text: string, array: string): string[] {
  const lines = text.split("\n")
  const tables = findTables(lines).filter((table) => table.isArray && table.name === array)
  return tables.flatMap((table) => {
    const index = findKey(lines, table, "binding")
    const binding = index === -1 ? null : plainValue(lines[index] ?? "")
    return binding === null ? [] : [binding]
  })
}

/** Removes a table with one empty line behind it. Comments before its header stay. */
export function removeTable(text: string, name: TableName): string {
  const lines = text.split("\n")
  const table = findTable(lines, name)
  if (table === null) return text
  const end = lastKey(lines, table) + 1
  const blank = lines[end]?.trim() === "" ? 1 : 0
  return joined(lines.toSpliced(table.start, end + blank - table.start))
}

/** Puts lines behind the last key of a table, with an empty line between. */
export function insertAfter(text: string, name: TableName, block: readonly string[]): string {
  const lines = text.split("\n")
  const table = findTable(lines, name)
  if (table === null) throw new StartError(`wrangler.toml has no table ${describe(name)}. Add it.`)
  return joined(lines.toSpliced(lastKey(lines, table) + 1, 0, "", ...block))
}

/** Puts lines at the end of the file, with an empty line before them. */
export function append(text: string, block: readonly string[]): string {
  return `${text.trimEnd()}\n\n${block.join("\n")}\n`
}

/** One table of an array, with strings only. */
export function tableLines(array: string, values: Readonly<Record<string, string>>): string[] {
  return [`[[${array}]]`, ...Object.entries(values).map(([key, value]) => `${key} = ${quoted(value)}`)]
}

/**
 * Sees to it that `routes` has a custom domain for each of `hosts` and none for one of `former`; other routes stay. A list that is
 * commented out is taken into use; where there is none, one is put before the first table.
 */
export function setRoutes(text: string, hosts: readonly string[], former: readonly string[]): string {
  const lines = text.split("\n")
  const found = routesIn(lines)
  const kept = found.entries.filter((entry) => !former.some((host) => entry.includes(`"${host}"`)))
  const missing = hosts.filter((host) => !kept.some((entry) => isFor(entry, host)))
  if (found.isActive && missing.length === 0 && kept.length === found.entries.length) return text
  const added = missing.map((host) => `  { pattern = "${host}", custom_domain = true },`)
  return joined(lines.toSpliced(found.start, found.length, "routes = [", ...kept, ...added, "]", ...found.blank))
}

/** Whether a route is that of a host: its custom domain, a pattern of its own, or one of all hosts of its domain. */
function isFor(entry: string, host: string): boolean {
  const domain = host.slice(host.indexOf("."))
  return [host, `${host}/*`, `*${domain}/*`].some((pattern) => entry.includes(`"${pattern}"`))
}

/** Where the list of routes is or shall be, and its entries, each on a line. */
interface Routes {
  isActive: boolean
  start: number
  length: number
  entries: string[]
  /** What must follow a list that was not there. */
  blank: string[]
}

function routesIn(lines: readonly string[]): Routes {
  const top = findTables(lines)[0]?.start ?? lines.length
  const active = lines.slice(0, top).findIndex((line) => /^routes\s*=/.test(line))
  if (active !== -1) return activeRoutes(lines, active, top)
  const commented = lines.findIndex((line) => /^#\s*routes\s*=\s*\[\s*$/.test(line))
  const end = lines.findIndex((line, index) => index > commented && /^#\s*\]\s*$/.test(line))
  if (commented !== -1 && commented < top && end !== -1) {
    return { isActive: false, start: commented, length: end - commented + 1, entries: [], blank: [] }
  }
  return { isActive: false, start: topEnd(lines, top), length: 0, entries: [], blank: [""] }
}

/** A list in use, whose entries stand on lines of their own, or all on one. */
function activeRoutes(lines: readonly string[], start: number, top: number): Routes {
  const list = { isActive: true, start, blank: [] }
  const single = /^routes\s*=\s*\[(.*)\]\s*$/.exec(lines[start] ?? "")?.[1]
  if (single !== undefined) {
    const entries = single.match(/\{[^}]*\}|"[^"]*"/g) ?? []
    return { ...list, length: 1, entries: entries.map((entry) => `  ${entry},`) }
  }
  const end = lines.findIndex((line, index) => index > start && /^\]\s*$/.test(line))
  if (end === -1 || end > top || !/^routes\s*=\s*\[\s*$/.test(lines[start] ?? "")) {
    throw new StartError(`wrangler.toml, line ${start + 1}: write each of the routes on a line of its own.`)
  }
  const entries = lines.slice(start + 1, end).map(withComma)
  return { ...list, length: end - start + 1, entries }
}

/** An entry may lack the comma that it needs once another one follows. */
function withComma(line: string): string {
  return /^\s*(\{.*\}|"[^"]*")\s*$/.test(line) ? `${line.trimEnd()},` : line
}

/** The line before which something new of the top level fits: before the comments of the first table. */
function topEnd(lines: readonly string[], top: number): number {
  let index = top
  while (index > 0 && lines[index - 1]?.trim().startsWith("#")) index--
  return index
}

function findTable(lines: readonly string[], name: TableName): Table | null {
  const tables = findTables(lines)
  if ("table" in name) return tables.find((table) => !table.isArray && table.name === name.table) ?? null
  const members = tables.filter((table) => table.isArray && table.name === name.array)
  return members.find((table) => plainValue(lines[findKey(lines, table, "binding")] ?? "") === name.binding) ?? null
}

function findTables(lines: readonly string[]): Table[] {
  const found = plainLines(lines).flatMap((index) => {
    const [, open, name] = HEADER.exec(lines[index] ?? "") ?? []
    return name === undefined ? [] : [{ name, isArray: open === "[[", start: index }]
  })
  return found.map((table, index) => ({ ...table, end: found[index + 1]?.start ?? lines.length }))
}

/** The lines that begin outside of a list and of a text of several lines: only these can have a header or a key. */
function plainLines(lines: readonly string[]): number[] {
  const plain: number[] = []
  let depth = 0
  let inText: string | null = null
  for (const [index, line] of lines.entries()) {
    if (depth === 0 && inText === null) plain.push(index)
    if (inText === null && HEADER.test(line) && depth === 0) continue
    const read = readLine(line, depth, inText)
    depth = read.depth
    inText = read.inText
  }
  return plain
}

/** How deep in lists, and in which kind of text of several lines, a line ends that begins as given. */
function readLine(line: string, depth: number, inText: string | null): { depth: number; inText: string | null } {
  let rest = line
  let level = depth
  let within = inText
  while (rest !== "") {
    if (within !== null) {
      const end = rest.indexOf(within)
      if (end === -1) return { depth: level, inText: within }
      rest = rest.slice(end + within.length)
      within = null
      continue
    }
    const [token = ""] = /^("""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[\s\S])/.exec(rest) ?? []
    rest = rest.slice(token.length)
    if (token === '"""' || token === "'''") within = token
    else if (token === "[" || token === "{") level++
    else if (token === "]" || token === "}") level--
  }
  return { depth: level, inText: within }
}

function findKey(lines: readonly string[], table: Table, key: string): number {
  const plain = plainLines(lines).filter((index) => index > table.start && index < table.end)
  return plain.find((index) => KEY.exec(lines[index] ?? "")?.[1] === key) ?? -1
}

/** The last line that belongs to a table; what follows is empty or a comment, mostly about the next one. */
function lastKey(lines: readonly string[], table: Table): number {
  return table.start + lines.slice(table.start, table.end).findLastIndex((line) => /^\s*[^#\s]/.test(line))
}

function plainValue(line: string): string | null {
  const text = PLAIN.exec(line)?.[3]
  if (text === undefined) return null
  return text.startsWith("'") ? text.slice(1, -1) : unquoted(text)
}

/** TOML's escapes are those of JSON, but for some that names and addresses do not have. */
function unquoted(text: string): string | null {
  try {
    return String(JSON.parse(text))
  } catch {
    return null
  }
}

function quoted(value: string): string {
  return JSON.stringify(value)
}

function joined(lines: readonly string[]): string {
  return lines.join("\n")
}

function describe(name: TableName): string {
  return "table" in name ? `[${name.table}]` : `[[${name.array}]] with the binding ${name.binding}`
}
