/** What the docs say of the code is so. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { z } from "zod"
import { ERRORS } from "../../src/gateway/errors.ts"
import manifest from "../../package.json" with { type: "json" }

const ROOT = join(import.meta.dirname, "..", "..")
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  ...readdirSync(join(ROOT, "docs")).map((name) => join("docs", name)),
]

test("docs/errors.md lists the errors of the catalogue with their status, and no others", () => {
  const rows = read("docs/errors.md").matchAll(/^\| `([a-z_]+)` \| (\d+) \|/gm)
  const listed = [...rows].map(([, code, status]) => [code, Number(status)])
  expect(listed).toEqual(Object.entries(ERRORS).map(([code, { status }]) => [code, status]))
})

test.each(pages)("every link in %s leads somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = ""]) => target)
  const missing = links.filter((target) => !target.includes(":") && !existsSync(join(ROOT, dirname(page), target)))
  expect(missing).toEqual([])
})

test.each(pages)("every npm script that %s names exists", (page) => {
  const scripts = z.record(z.string(), z.string()).parse(manifest.scripts)
  const named = [...read(page).matchAll(/npm run ([a-z:]+)/g)].map(([, name = ""]) => name)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

test("docs/deploy.md tells of every scheduled job, and of no other", () => {
  const jobs = [...read("src/installation/jobs.ts").matchAll(/^ +"([a-z-]+)": \(\) =>|\{ "([a-z-]+)": \(\) =>/gm)]
  const told = [...read("docs/deploy.md").matchAll(/^\| `([a-z]+(?:-[a-z]+)+)` \|/gm)].map(([, name = ""]) => name)
  expect(jobs.length).toBeGreaterThan(8)
  const names = new Set(jobs.map(([, one, other = ""]) => one ?? other))
  expect(told.toSorted()).toEqual([...names].toSorted())
})

test.each(Object.entries(manifest.scripts))("npm run alone says what %s is for", (_, command) => {
  expect(command).toMatch(/^: '[^']{5,100}'; \S/)
})

function read(page: string): string {
  return readFileSync(join(ROOT, page), "utf8")
}
