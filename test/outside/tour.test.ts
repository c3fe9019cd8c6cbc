/** The shell blocks of the docs do what they say, with the shell and the curl of this machine, and can be run again. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, expect, inject, test } from "vitest"

const ROOT = join(import.meta.dirname, "..", "..")
const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)]
/** Commands that need an account, another installation or half an hour, and those whose own tests are elsewhere. */
const ELSEWHERE = /^(npm |npx |cp wrangler\.toml|export KEPTN_API_TOKEN)/
/** Separates what the blocks print; no command prints it. */
const MARK = "\u001e"

interface Block {
  code: string
  /** What the page says that it prints; null where it says nothing. */
  expected: string | null
}

const pages = PAGES.map((page): [string, Block[]] => [page, blocksOf(readFileSync(join(ROOT, page), "utf8"))]).filter(
  ([, blocks]) => blocks.length > 0,
)

beforeAll(() => {
  // What the pages call sockshop is there already.
  const script = String.raw`
    SHIPYARD=$(printf 'apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nspec:\n  stages:\n    - name: dev\n' | base64 | tr -d '\n')
    curl -sS --fail-with-body -H "x-token: $TOKEN" -H 'Content-Type: application/json' \
      -d '{"name":"sockshop","shipyard":"'"$SHIPYARD"'"}' "http://eu.api.localhost:8787/api/controlPlane/v1/project"
  `
  run(script)
})

test("the pages with blocks that run here are known", () => {
  expect(Object.fromEntries(pages.map(([page, { length }]) => [page, length]))).toEqual({
    "README.md": 1,
    "docs/files.md": 2,
    "docs/keptn.md": 1,
    "docs/retries.md": 1,
    "docs/tokens.md": 1,
    "docs/tour.md": 11,
  })
})

test.each(pages)("every block of %s prints what the page says, also when it is run twice", (_, blocks) => {
  const script = blocks.flatMap(({ code }) => [code, code]).map((code) => `${code}printf '${MARK}'\n`)
  const output = run(script.join("")).split(MARK)
  for (const [index, { code, expected }] of blocks.entries()) {
    for (const printed of output.slice(2 * index, 2 * index + 2)) {
      if (expected === null) expect(printed, code).not.toMatch(/"(code|status)":\s*[45]\d\d/)
      else expect(printed, code).toMatch(pattern(expected))
    }
  }
})

test.each(PAGES)("no block of %s hides what went wrong", (page) => {
  expect(readFileSync(join(ROOT, page), "utf8")).not.toMatch(/2> ?\/dev\/null|\|\| true/)
})

function blocksOf(page: string): Block[] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)]
  return blocks
    .map(([, code = "", expected]) => ({ code, expected: expected ?? null }))
    .filter(({ code }) => !ELSEWHERE.test(code))
}

/** Runs a script against the edge of these tests, in a folder of its own. Answers what it prints; throws when a command fails. */
function run(script: string): string {
  const { port, state, token } = inject("edge")
  const here = script
    .replaceAll("https://eu.api.example.com", "http://eu.api.localhost:8787")
    .replaceAll(":8787", `:${port}`)
    .replaceAll(".quarterdeck/", `${state}/`)
  // Git asks for the token as a password, unless the page gives it on the command line.
  const variables = script.includes("extraHeader")
    ? {}
    : { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "http.extraHeader" }
  return execFileSync("bash", ["-eu", "-o", "pipefail"], {
    input: here,
    encoding: "utf8",
    cwd: mkdtempSync(join(tmpdir(), "quarterdeck-tour-")),
    env: { ...process.env, ...variables, TOKEN: token, GIT_CONFIG_VALUE_0: `x-token: ${token}` },
  })
}

/** The expected text, its `…` standing for anything on one line. */
function pattern(expected: string): RegExp {
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
  return new RegExp(`^${parts.join(".*")}$`)
}
