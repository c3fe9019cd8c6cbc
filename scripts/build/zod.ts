/**
 * Writes the entries of zod again, without what nothing here asks for: the texts of its errors in fifty languages, its compiler, and what reads
 * JSON Schema. Together they are a quarter of the Worker, and hang on an object (`z`) that the bundler cannot look into.
 * wrangler.toml ([alias]) puts the result in zod's place.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(import.meta.dirname, "..", "..")
const out = join(root, "dist", "zod")
const library = join(dirname(fileURLToPath(import.meta.resolve("zod"))), "v4")

/** The lines of each entry that bring what is left out. */
const LANGUAGES = 'export * as locales from "../locales/index.js";\n'
const LEFT_OUT = {
  "core/index.js": [
    LANGUAGES,
    'export * from "./compile.js";\n',
    'export { JSONSchemaGenerator } from "./json-schema-generator.js";\n',
  ],
  "classic/external.js": [
    LANGUAGES,
    " compile, withParser, ZodCompileAsyncError, ZodCompileUnsupportedError,",
    'export { fromJSONSchema } from "./from-json-schema.js";\n',
    'export { deepPartial } from "./deep-partial.js";\n',
  ],
}

mkdirSync(out, { recursive: true })
writeFileSync(join(out, "core.js"), entry("core/index.js"))
writeFileSync(
  join(out, "index.js"),
  `${entry("classic/external.js").replace(/^export \* as core from .*$/m, 'export * as core from "./core.js";')}
import * as z from "./index.js";
import { config } from "${pathTo("core/index.js")}";
import en from "${pathTo("locales/en.js")}";
config(en());
export { z, z as default };
`,
)

function entry(name: keyof typeof LEFT_OUT): string {
  let text = readFileSync(join(library, name), "utf8")
  for (const part of LEFT_OUT[name]) {
    if (!text.includes(part)) {
      throw new Error(`zod's ${name} is not as it was: see whether ${import.meta.filename} still fits it`)
    }
    text = text.replace(part, "")
  }
  return text.replaceAll(/from "(\.[^"]*)"/g, (_, path: string) => `from "${pathTo(join(dirname(name), path))}"`)
}

function pathTo(file: string): string {
  return relative(out, join(library, file))
}
