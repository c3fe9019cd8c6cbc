/**
 * How a benchmark tells what it measured: tables that a person can read as they grow, which are Markdown too, and a file for the next run
 * to compare with.
 */
import { type Goal, isMet, type KeptRow, type KeptRun, type KeptTable, median } from "./results.ts"

const NAME_WIDTH = 50

/** A column of figures. */
export interface Column {
  heading: string
  digits?: number
  unit?: string
}

/** What is measured of something. */
export interface Row {
  name: string
  /** The figure that the table is about, once for each round. */
  values: readonly number[]
  goal?: Goal
  /** What stands in the other columns. null: not known. */
  others?: readonly (number | string | null)[]
}

/** Prints a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The report of one part of the benchmark. */
export class Report {
  readonly tables: KeptTable[] = []
  readonly #last: KeptRun | null

  /** `last` is what the run before this one found, null for none. */
  constructor(last: KeptRun | null) {
    this.#last = last
  }

  /** Begins a table about `figure`, with other columns beside it. */
  table(title: string, figure: Column, others: readonly Column[] = []): Table {
    const rows: KeptRow[] = []
    this.tables.push({ title, figure: figure.heading, rows })
    const last = this.#last?.tables.find((table) => table.title === title)?.rows ?? []
    return new Table({ title, figure, others, rows, last })
  }
}

interface TableParts {
  title: string
  figure: Column
  others: readonly Column[]
  rows: KeptRow[]
  last: readonly KeptRow[]
}

/** A table whose rows are printed as they come. */
export class Table {
  readonly #parts: TableParts

  constructor(parts: TableParts) {
    this.#parts = parts
  }

  /** Prints a row, and keeps it. */
  add({ name, values, goal, others = [] }: Row): void {
    const { figure, rows, last } = this.#parts
    const beside = this.#parts.others.map((_, index) => known(others[index]))
    if (rows.length === 0) this.#printHead()
    const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)]
    const met = goal === undefined ? null : isMet(goal, low, high)
    const before = last.find((row) => row.name === name)?.median
    const cells = [
      formatted(middle, figure),
      values.length > 1 ? `${formatted(low, figure)} - ${formatted(high, figure)}` : "",
      goal === undefined ? "" : `${"least" in goal ? ">=" : "<="} ${formatted(limitOf(goal), figure)}`,
      met ?? "",
      changeSince(before, middle),
      ...this.#parts.others.map((column, index) => formatted(beside[index] ?? null, column)),
    ]
    print(tableLine(name, cells))
    const kept = this.#headings().map((heading, index) => [heading, beside[index] ?? null] as const)
    rows.push({ name, median: middle, low, high, goal: goal ?? null, met, others: Object.fromEntries(kept) })
  }

  #printHead(): void {
    const { title, figure } = this.#parts
    const headings = [figure.heading, "from - to", "goal", "met", "last run", ...this.#headings()]
    const rule = headings.map(() => "---")
    for (const text of ["", tableLine(title, headings), tableLine("---", rule)]) print(text)
  }

  #headings(): string[] {
    return this.#parts.others.map(({ heading }) => heading)
  }
}

function limitOf(goal: Goal): number {
  return "least" in goal ? goal.least : goal.most
}

/** What was too short to be measured gives no number. */
function known(value: number | string | null | undefined): number | string | null {
  return value === undefined || (typeof value === "number" && !Number.isFinite(value)) ? null : value
}

/** What is not known is left empty. */
function formatted(value: number | string | null, { digits = 0, unit = "" }: Column): string {
  return typeof value === "number" ? `${value.toFixed(digits)}${unit}` : (value ?? "")
}

/** How the figure changed since the last run: of nothing there is no part. */
function changeSince(before: number | null | undefined, now: number | null): string {
  if (before === undefined) return ""
  if (before === now) return "same"
  if (before === null || now === null || before === 0) return ""
  const percent = Math.round((now / before - 1) * 100)
  return `${percent < 0 ? "" : "+"}${percent} %`
}

function tableLine(name: string, cells: readonly string[]): string {
  return `| ${name.padEnd(NAME_WIDTH)} | ${cells.map((cell) => cell.padStart(9)).join(" | ")} |`
}
