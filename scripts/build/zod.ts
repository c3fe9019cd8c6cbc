/**
 * Writes the entry of zod again, without the texts of its errors in fifty languages, which are a fifth of the Worker: they hang on an object
 * that the bundler cannot look into, and nothing here asks for them. wrangler.toml ([alias]) puts the result in zod's place.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(import.meta.dirname, "..", "..")
const out = join(root, "dist", "zod")
const library = join(dirname(fileURLToPath(import.meta.resolve("zod"))), "v4")

/** The line of both entries that brings the languages. */
const LANGUAGES = 'export * as locales from "../locales/index.js";\n'

mkdirSync(out, { recursive: true })
writeFileSync(join(out, "core.js"), withoutLanguages("core/index.js"))
writeFileSync(
  join(out, "index.js"),
  `${withoutLanguages("classic/external.js").replace(/^export \* as core from .*$/m, 'export * as core from "./core.js";')}
import * as z from "./index.js";
import { config } from "${pathTo("core/index.js")}";
import en from "${pathTo("locales/en.js")}";
config(en());
export { z, z as default };
`,
)

function withoutLanguages(entry: string): string {
  const text = readFileSync(join(library, entry), "utf8")
  if (!text.includes(LANGUAGES)) {
    throw new Error(`zod's ${entry} is not as it was: see whether ${import.meta.filename} is still needed`)
  }
  return text
    .replace(LANGUAGES, "")
    .replaceAll(/from "(\.[^"]*)"/g, (_, path: string) => `from "${pathTo(join(dirname(entry), path))}"`)
}

function pathTo(file: string): string {
  return relative(out, join(library, file))
}
