/** Writes the table of errors in docs/errors.md from the catalogue; with `--check`, fails when it is not as it would be written. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { explainedErrors } from "../src/gateway/error-help.ts"

const file = join(import.meta.dirname, "..", "docs", "errors.md")
const [BEGIN, END] = ["<!-- from the catalogue: npm run generate -->", "<!-- end -->"]

const rows = explainedErrors().map(
  ({ code, status, when, remedy }) => `| \`${code}\` | ${status} | ${when} | ${remedy} |`,
)
const table = ["| code | status | when | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n")
const text = readFileSync(file, "utf8")
const [before, rest] = text.split(BEGIN)
const [, after] = rest?.split(END) ?? []
if (before === undefined || after === undefined) throw new Error(`docs/errors.md must hold ${BEGIN} and ${END}`)
const made = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`
if (!process.argv.includes("--check")) writeFileSync(file, made)
else if (made !== text) {
  process.stderr.write("docs/errors.md is not what the catalogue says: npm run generate\n")
  process.exitCode = 1
}
