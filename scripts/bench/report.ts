/** How a benchmark tells what it measured. */

/** The value in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? null
}

/** What is not known is left empty. */
export function figure(value: number | null, digits: number, unit = ""): string {
  return value === null ? "" : `${value.toFixed(digits)}${unit}`
}

/** A line of a table. */
export function row(name: string, figures: readonly string[]): string {
  return `${name.padEnd(44)}${figures.map((text) => text.padStart(14)).join("")}`.trimEnd()
}

/** Prints a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
