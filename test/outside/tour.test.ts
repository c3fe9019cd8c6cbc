/** docs/tour.md and the example of README.md do what they say, block by block, with the shell and the curl of this machine. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, inject, test } from "vitest"

const ROOT = join(import.meta.dirname, "..", "..")
const tour = readFileSync(join(ROOT, "docs", "tour.md"), "utf8")
const [, example = ""] = /^## Two minutes\n(.*?)^## /ms.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? []
/** Separates what the blocks print; no command prints it. */
const MARK = "\u001e"

test.each([
  ["the tour", tour, 9],
  ["the README's example", example, 1],
])("every block of %s prints what the page says", (_, page, least) => {
  const { port, state } = inject("edge")
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)]
  const script = blocks.map(([, code = ""]) => `${code}printf '${MARK}'\n`).join("")
  const here = script.replaceAll(":8787", `:${port}`).replaceAll(".quarterdeck/", `${state}/`)
  const output = execFileSync("bash", ["-eu"], { input: here, encoding: "utf8" }).split(MARK)
  expect(blocks.length).toBeGreaterThanOrEqual(least)
  for (const [index, [, code = "", expected = ""]] of blocks.entries()) {
    expect(output[index], code).toMatch(pattern(expected))
  }
})

/** The expected text, its `…` standing for anything on one line. */
function pattern(expected: string): RegExp {
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
  return new RegExp(`^${parts.join(".*")}$`)
}
