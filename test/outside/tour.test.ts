/** docs/tour.md does what it says, block by block, with the shell and the curl of this machine. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, inject, test } from "vitest"

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "tour.md"), "utf8")
/** Separates what the blocks print; no command prints it. */
const MARK = "\u001e"

test("every block of the tour prints what the page says", () => {
  const { port, state } = inject("edge")
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)]
  const script = blocks.map(([, code = ""]) => `${code}printf '${MARK}'\n`).join("")
  const here = script.replaceAll(":8787", `:${port}`).replaceAll(".quarterdeck/", `${state}/`)
  const output = execFileSync("bash", ["-eu"], { input: here, encoding: "utf8" }).split(MARK)
  expect(blocks.length).toBeGreaterThan(8)
  for (const [index, [, code = "", expected = ""]] of blocks.entries()) {
    expect(output[index], code).toMatch(pattern(expected))
  }
})

/** The expected text, its `…` standing for anything on one line. */
function pattern(expected: string): RegExp {
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
  return new RegExp(`^${parts.join(".*")}$`)
}
