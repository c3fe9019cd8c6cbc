/** What of others the project is made of: as docs/dependencies.md tells it, under permitted licences, pinned, and no more than that. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { z } from "zod"

const ROOT = join(import.meta.dirname, "..", "..")
/** What may be in the Worker: it asks for no more than to be named. */
const IN_THE_WORKER = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0"]
/** Tools that have another licence, and where nothing of them is handed on. */
const TOOLS: [name: RegExp, licence: string][] = [
  // Inside sharp, which miniflare resizes images with.
  [/^@img\/sharp-/, "LGPL-3.0-or-later"],
  [/^axe-core$/, "MPL-2.0"],
  // Of vite.
  [/^lightningcss(-|$)/, "MPL-2.0"],
  // Of two readers of YAML, which the linter of documents and the generator of clients use.
  [/^argparse$/, "Python-2.0"],
  [/^argparse$/, "PSF-2.0"],
  // Of miniflare's page of errors.
  [/^@speed-highlight\/core$/, "CC0-1.0"],
  // Of autocannon.
  [/^pako$/, "Zlib"],
]

const versions = z.record(z.string(), z.string())
const packageJson = z
  .object({
    dependencies: versions,
    devDependencies: versions,
    overrides: z.record(z.string(), versions),
    allowScripts: z.record(z.string(), z.boolean()),
  })
  .parse(JSON.parse(read("package.json")))

const locked = z.object({
  license: z.string().optional(),
  dependencies: versions.optional(),
  hasInstallScript: z.boolean().optional(),
})
const { "": _root, ...entries } = z
  .object({ packages: z.record(z.string(), locked) })
  .parse(JSON.parse(read("package-lock.json"))).packages
const installed = Object.entries(entries).map(([path, entry]) => ({ path, name: packageAt(path), ...entry }))

const page = read("docs/dependencies.md")
const runtime = Object.keys(packageJson.dependencies)

describe("docs/dependencies.md", () => {
  test("has a row for each dependency at run time with its licence, and for no other", () => {
    const rows = rowsOf("## At run time").map(([name, , licence]) => [name, licence])
    const licences = runtime.map((name) => [name, installed.find(({ path }) => path === at(name))?.license])
    expect(sorted(rows)).toEqual(sorted(licences))
  })

  test("names every tool, and no other", () => {
    const names = rowsOf("## To build and test").flatMap(([what = ""]) => what.split(", "))
    expect(sorted(names)).toEqual(sorted(Object.keys(packageJson.devDependencies)))
  })

  test("tells of each install script whether it is run", () => {
    const rows = rowsOf("## Install scripts").map(([name = "", allowed]) => [name, allowed === "yes"])
    expect(Object.fromEntries(rows)).toEqual(packageJson.allowScripts)
  })
})

describe("package.json", () => {
  test.each([
    ...Object.entries(packageJson.dependencies),
    ...Object.entries(packageJson.devDependencies),
    ...Object.values(packageJson.overrides).flatMap((names) => Object.entries(names)),
  ])("pins %s, %s", (_, version) => {
    expect(version).toMatch(/^(\d+\.\d+\.\d+(-[\w.]+)?|\$\w+)$/)
  })

  test("decides on every package with an install script", () => {
    const names = installed.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
    expect(sorted(new Set(names))).toEqual(sorted(Object.keys(packageJson.allowScripts)))
  })
})

describe("licences", () => {
  test("all that is installed has one that is permitted", () => {
    const others = installed.filter(({ name, license }) => !isPermitted(license, licencesFor(name)))
    expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
  })

  test("every exception is still needed", () => {
    const needless = TOOLS.filter(
      ([pattern, licence]) => !installed.some(({ name, license }) => pattern.test(name) && license?.includes(licence)),
    )
    expect(needless).toEqual([])
  })
})

describe("the built Worker", () => {
  const packages = packagesInWorker()

  test("has every dependency at run time in it", () => {
    expect(runtime.filter((name) => !packages.includes(at(name)))).toEqual([])
  })

  test("has nothing in it but these, and what they depend on", () => {
    const declared = withDependencies(runtime)
    expect(packages.filter((path) => !declared.has(packageAt(path)))).toEqual([])
  })

  test.each(packages)("may have %s in it", (path) => {
    const { license } = z.object({ license: z.string() }).parse(JSON.parse(read(join(path, "package.json"))))
    expect(IN_THE_WORKER).toContain(license)
  })

  test("is built with the licences of Swagger UI beside its files", () => {
    const assets = join(ROOT, "public", "api", "assets")
    const folder = readdirSync(assets).find((name) => name.startsWith("swagger-ui-dist@")) ?? ""
    for (const name of ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"]) {
      expect(readFileSync(join(assets, folder, name), "utf8")).toBe(read(join(at("swagger-ui-dist"), name)))
    }
  })
})

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8")
}

/** The cells of the table below a heading of the page, without the marks of code and the two lines of its head. */
function rowsOf(heading: string): string[][] {
  const [, section = ""] = page.split(`\n${heading}\n`)
  const lines = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| "))
  return lines.slice(2).map((line) =>
    line
      .replaceAll("`", "")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** Where a package is that nothing has a version of its own of. */
function at(name: string): string {
  return `node_modules/${name}`
}

/** The name of the package that has a file, or is at a place. */
function packageAt(path: string): string {
  const [, name = ""] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
  return name
}

function licencesFor(name: string): string[] {
  return [...IN_THE_WORKER, ...TOOLS.filter(([pattern]) => pattern.test(name)).map(([, licence]) => licence)]
}

/** Whether an SPDX expression of names, AND and OR is met. */
function isPermitted(expression: string | undefined, permitted: readonly string[]): boolean {
  const choices = (expression ?? "none").replaceAll(/[()]/g, "").split(" OR ")
  return choices.some((choice) => choice.split(" AND ").every((licence) => permitted.includes(licence)))
}

/** These packages, and all that they depend on. */
function withDependencies(names: readonly string[]): Set<string> {
  const found = new Set(names)
  for (const name of found) {
    for (const { dependencies = {} } of installed.filter((one) => one.name === name)) {
      for (const dependency of Object.keys(dependencies)) found.add(dependency)
    }
  }
  return found
}

/** Where the packages are that the bundler found something to put into the Worker in. */
function packagesInWorker(): string[] {
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-bundle-"))
  const file = join(folder, "metafile.json")
  try {
    const args = ["deploy", "--config", "wrangler.toml", "--dry-run", "--outdir", folder, "--metafile", file]
    execFileSync("wrangler", args, { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } })
    const metafile = z
      .object({ inputs: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(readFileSync(file, "utf8")))
    const paths = Object.keys(metafile.inputs).map(
      (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
    )
    return [...new Set(paths.flat())].toSorted()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sorted<Item>(items: Iterable<Item>): Item[] {
  return [...items].toSorted((one, other) => String(one).localeCompare(String(other)))
}
