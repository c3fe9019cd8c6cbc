/** What is stored, written so that two states are the same text when they tell the same: without what no two executions have in common. */
import type { Stores } from "../support/stores.ts"

/** A state, table by table. */
export type State = Record<string, string[]>

/** What is told of how a change came about or is yet to be tidied up, and not of what it made. */
const ASIDE = /\.(idempotency_keys|job_runs|job_cursors|unnamed_blobs)$/
/** Columns that are drawn by lot, or count. */
const MASKED = new Set(["hash", "hint", "sealed", "git_secret", "request_id", "address", "last_used_at"])
const COUNTED = /\.(events|integration_logs|audit_log)$/
/** Larger objects are told by their size. */
const LARGEST_TEXT = 65_536

const IDS = /\b([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{40})\b/g
const PLACES = /\b\d{15}-\d{15}\b/g
const TOKENS = /\b[ks]pat_\w+(…\w+)?/g
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\b1[6-9]\d{8}(\d{3})?\b/g

/** The ids that a text holds. */
export function idsIn(text: string): Set<string> {
  return new Set(text.match(IDS))
}

/** A text in which ids are the same that are not among `known`, and so are times, tokens and places. */
export function withoutChance(text: string, known: ReadonlySet<string>): string {
  return text
    .replaceAll(TOKENS, "<token>")
    .replaceAll(IDS, (id) => (known.has(id) ? id : "<id>"))
    .replaceAll(PLACES, "<place>")
    .replaceAll(TIMES, "<time>")
}

/** The state of the stores; `known` are the ids that stand for something in it. */
export function stateOf({ tables, objects }: Stores, known: ReadonlySet<string>): State {
  const state: State = {}
  for (const [name, rows] of Object.entries(tables)) {
    if (ASIDE.test(name)) continue
    const told = rows.filter(({ action }) => name !== "global.audit_log" || action !== "refuse")
    state[name] = told.map((row) => withoutChance(JSON.stringify(shown(name, row)), known)).toSorted()
  }
  const projects = new Set(tables["eu.projects"]?.map(({ name }) => name))
  // What else a project has is garbage, for a job to collect.
  const named = new Set(tables["eu.files"]?.map((row) => row["blob_id"]))
  const needed = [...objects].filter(([key]) => {
    const [, project, id] = /^projects\/([^/]+)\/\w+\/(.+)$/.exec(key) ?? []
    return id === undefined || named.has(id) || !projects.has(project)
  })
  state["bucket"] = needed.map(([key, bytes]) => withoutChance(`${key} ${textOf(bytes)}`, known)).toSorted()
  return state
}

/** All ids that the stores hold. */
export function idsInStores({ tables, objects }: Stores): Set<string> {
  return idsIn(`${JSON.stringify(tables)}${[...objects.keys()].join("\n")}`)
}

function shown(table: string, row: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(row).map(([column, value]): [string, unknown] => {
    if (MASKED.has(column) || (COUNTED.test(table) && /^(id|seq)$/.test(column) && typeof value === "number")) {
      return [column, value === null || column === "last_used_at" ? null : "<any>"]
    }
    // Git's objects are named by their content. Those that are new hold times, or the ids of such.
    return [column, column === "content" ? contentOf(table, value) : value]
  })
  return Object.fromEntries(entries)
}

function contentOf(table: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return table.endsWith("commits") ? new TextDecoder().decode(Uint8Array.from(value)) : value.length
}

function textOf(bytes: Uint8Array): string {
  return `${bytes.length} ${bytes.length > LARGEST_TEXT ? "" : new TextDecoder().decode(bytes)}`
}

/** A state in which it does not matter whether a version of a file was followed by another. */
export function withoutEnds(state: State): State {
  return Object.fromEntries(
    Object.entries(state).map(([table, rows]) => [table, rows.map((row) => row.replace(/"until_seq":(\d+|null)/, ""))]),
  )
}

/** What one state has more (+) or less (-) than another. */
export function differences(state: State, other: State): string[] {
  return Object.keys(other).flatMap((table) => [
    ...without(state[table] ?? [], other[table] ?? []).map((row) => `+ ${table} ${row}`),
    ...without(other[table] ?? [], state[table] ?? []).map((row) => `- ${table} ${row}`),
  ])
}

/** The rows that are left of `rows` when each of `others` takes one that is the same. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = [...rows]
  for (const row of others) {
    const place = left.indexOf(row)
    if (place >= 0) left.splice(place, 1)
  }
  return left
}
