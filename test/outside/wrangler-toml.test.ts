/** How the text of a wrangler.toml is changed. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import * as toml from "../../scripts/operate/toml.ts"

const VARS = { table: "vars" }

test("an isolate remembers tokens for five seconds unless it is told otherwise", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "..", "wrangler.toml"), "utf8")
  expect(toml.getString(text, VARS, "TOKEN_CACHE_SECONDS")).toBe("5")
})

test("changes one string of a wrangler.toml, and leaves what looks like it", () => {
  const text = [
    'A = "top"',
    "list = [ # [vars]",
    "  \"]\", '[vars]',",
    "]",
    'long = """',
    "[vars]",
    'A = "no"',
    '"""',
    "[ vars ] # here",
    '# A = "comment"',
    "  A  =  'one' # why",
    "[vars.deep]",
    'A = "other"',
    "",
  ]
  const changed = toml.setString(text.join("\n"), VARS, "A", 'two "2"')
  expect(changed.split("\n")).toEqual(text.with(10, '  A  =  "two \\"2\\"" # why'))
  expect(toml.getString(changed, VARS, "A")).toBe('two "2"')
  expect(toml.setString(changed, VARS, "A", 'two "2"')).toBe(changed)
  expect(toml.setString(changed, VARS, "B", "b").split("\n")[11]).toBe('B = "b"')
  expect(() => toml.setString("[vars]\nA = 1\n", VARS, "A", "b")).toThrow("line 2: write A as a string on its line")
  expect(() => toml.setString("", VARS, "A", "b")).toThrow("has no table [vars]")
})

test.each([
  ["none", 'a = "b"\n\n# about vars\n[vars]\n', 'a = "b"\n\nroutes = [\n  NEW\n]\n\n# about vars\n[vars]\n'],
  ["a comment", "# say\n# routes = [\n#   x\n# ]\n[vars]\n", "# say\nroutes = [\n  NEW\n]\n[vars]\n"],
  ["one line", 'routes = [{ pattern = "old.x" }, "y/*"]\n', 'routes = [\n  "y/*",\n  NEW\n]\n'],
  ["lines", 'routes = [\n  # why\n  { pattern = "z" }\n]\n', 'routes = [\n  # why\n  { pattern = "z" },\n  NEW\n]\n'],
  [
    "a pattern",
    'routes = [\n  { pattern = "eu.x/*", zone_name = "x" },\n]\n',
    'routes = [\n  { pattern = "eu.x/*", zone_name = "x" },\n  NEW\n]\n',
  ],
])("puts routes where there is %s", (_, text, wanted) => {
  const expected = wanted.replace("NEW", '{ pattern = "new.x", custom_domain = true },')
  const once = toml.setRoutes(text, ["new.x"], ["old.x"])
  expect(once).toBe(expected)
  expect(toml.setRoutes(once, ["new.x"], ["old.x"])).toBe(once)
  if (text.includes("eu.x")) expect(toml.setRoutes(once, ["new.x", "eu.x"], [])).toBe(once)
})
