/**
 * Copies the Swagger UI files that the docs page loads from the pinned package to public/, under a path with the
 * exact version, so that they can be cached for ever; and beside them the licences that have to come with them.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import distribution from "swagger-ui-dist/package.json" with { type: "json" }

const root = join(import.meta.dirname, "..", "..")
const assets = join(root, "public", "api", "assets")
const name = `swagger-ui-dist@${distribution.version}`
const files = [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "favicon-32x32.png",
  "swagger-ui-bundle.js.LICENSE.txt",
  "LICENSE",
  "NOTICE",
]

mkdirSync(join(assets, name), { recursive: true })
for (const entry of readdirSync(assets)) {
  if (entry.startsWith("swagger-ui-dist@") && entry !== name) rmSync(join(assets, entry), { recursive: true })
}
// What an earlier build copied and nothing asks for any more would be served, and counted by nobody.
for (const entry of readdirSync(join(assets, name))) {
  if (!files.includes(entry)) rmSync(join(assets, name, entry))
}
for (const file of files) {
  const target = join(assets, name, file)
  if (!existsSync(target)) copyFileSync(join(root, "node_modules", "swagger-ui-dist", file), target)
}
