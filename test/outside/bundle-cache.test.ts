/** A bundle that is kept is the bundle of the code as it is. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { bundleKey, findBundle, keepBundle, newBundleFolder } from "../../scripts/start/bundle-cache.ts"

let root = ""

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "quarterdeck-bundle-"))
  for (const folder of ["src/lib", "migrations", "scripts/build", "scripts/bench", "node_modules"]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  write("src/index.ts", "one")
})

afterAll(() => rmSync(root, { recursive: true }))

function write(path: string, content: string): void {
  writeFileSync(join(root, path), content)
}

function key(source = "src/index.ts"): string {
  return bundleKey(source, root)
}

it.each([
  "src/index.ts",
  "src/lib/new.ts",
  "migrations/0001.sql",
  "scripts/build/zod.ts",
  "scripts/prepare-build.ts",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
  "node_modules/.package-lock.json",
])("has another key when %s changes, and the same when it is as it was", (path) => {
  write(path, "before")
  const before = key()
  write(path, "after")
  expect(key()).not.toBe(before)
  write(path, "before")
  expect(key()).toBe(before)
})

it("has another key when a file is renamed", () => {
  write("src/lib/a.ts", "the same")
  const before = key()
  rmSync(join(root, "src/lib/a.ts"))
  write("src/lib/b.ts", "the same")
  expect(key()).not.toBe(before)
})

it("has another key for another source, and what stands beside that", () => {
  write("scripts/bench/worker.ts", "one")
  const before = key("scripts/bench/worker.ts")
  expect(before).not.toBe(key())
  write("scripts/bench/beside.ts", "new")
  expect(key("scripts/bench/worker.ts")).not.toBe(before)
})

/** Builds something, as wrangler would. */
function build(text: string): string {
  const folder = newBundleFolder(root)
  mkdirSync(folder)
  writeFileSync(join(folder, "index.js"), text)
  return folder
}

it("is found under its key once it is whole, and not before", () => {
  const folder = build("whole")
  expect(findBundle("whole", root)).toBeNull()
  const kept = keepBundle(folder, "whole", root)
  expect(findBundle("whole", root)).toBe(kept)
  expect(readFileSync(join(kept, "index.js"), "utf8")).toBe("whole")
})

it("is the first of two that were built at once", () => {
  const [first, second] = [build("first"), build("second")]
  const kept = keepBundle(first, "twice", root)
  expect(keepBundle(second, "twice", root)).toBe(kept)
  expect(readFileSync(join(kept, "index.js"), "utf8")).toBe("first")
  expect(existsSync(second)).toBe(false)
})

it("stays with the newest others, of which the one that was found last is the newest", () => {
  const names = Array.from({ length: 12 }, (_, index) => `bundle-${index}`)
  for (const [index, name] of names.entries()) {
    const kept = keepBundle(build(name), name, root)
    utimesSync(kept, index, index)
    // As if each later start took it again.
    expect(findBundle("bundle-0", root)).not.toBeNull()
  }
  const left = readdirSync(join(root, "dist", "bundles"))
  expect(left).toHaveLength(8)
  expect(left).toContain("bundle-0")
  expect(left).not.toContain("bundle-1")
})
