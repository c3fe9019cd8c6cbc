/**
 * The page at `/api`: Swagger UI over the documents of one host. It says what to load and from where; what then happens
 * in the browser is in public/api/assets: docs.js, changes.js and docs.css.
 */
import { SwaggerUI } from "@hono/swagger-ui"
// By name, and without an import attribute: so the bundle gets this one string and not the whole package.json.
import { version } from "swagger-ui-dist/package.json"
import { ERRORS_PATH } from "../gateway/dialect.ts"
import { INDEX_PATH, PAGE_PATH } from "../gateway/docs-paths.ts"
import type { OwnFiles } from "./own-files.ts"
import type { HostLink } from "./servers.ts"

/** Where scripts/build/assets.ts puts the files of Swagger UI. */
const assets = "/api/assets"

/** The file of the icon of our pages. */
export const ICON_FILE = `${assets}/swagger-ui-dist@${version}/favicon-32x32.png`

/** The icon of our pages, as it stands in their heads. */
export const icon = `<link rel="icon" type="image/png" sizes="32x32" href="${ICON_FILE}">`

/**
 * What the page may do, and nothing else: load and call its own origin. Swagger UI needs no exception for styles, because
 * it sets them through the CSSOM; its standalone preset, whose logo has a style element, is not loaded. `data:` is for the
 * icons in its style sheet. Forms are handled by scripts and never submitted. Trusted types are out of reach: Swagger UI
 * sets rendered Markdown as plain strings.
 */
export const docsContentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

export interface DocsPage {
  title: string
  /** What the selector offers, in this order. The name is also what a link to one document is made of. */
  documents: { name: string; json: string; yaml: string }[]
  hosts: readonly HostLink[]
  files: OwnFiles
}

/**
 * The HTML. The bar with the selector and the token stands in it, not in what scripts make, so that nothing moves when they
 * have loaded; docs.js gives it life. The token's field has no name and its form no address: nothing can put it in a URL.
 */
export function docsPage({ title, documents, hosts, files }: DocsPage): string {
  return SwaggerUI({
    baseUrl: assets,
    version,
    urls: documents.map(({ name, json }) => ({ name, url: json })),
    manuallySwaggerUIHtml: ({ css, js }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
${icon}
${[...css, files.styles].map((url) => `<link rel="stylesheet" href="${url}">`).join("\n")}
${[...js, ...files.scripts].map((url) => `<script defer src="${url}"></script>`).join("\n")}
</head>
<body>
<button type="button" class="skip" id="skip">Skip to the operations</button>
<header class="bar">
<h1>${escape(title)}</h1>
<div class="document">
<label for="document">Document</label>
<select id="document">
${documents.map(({ name, json }) => `<option value="${escape(json)}">${escape(name)}</option>`).join("\n")}
</select>
</div>
<form class="token" id="token" method="post">
<label for="token-value">Token</label>
<input id="token-value" type="password" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="kpat_… or spat_…" aria-describedby="token-state">
<button type="button" id="token-show" aria-pressed="false" aria-controls="token-value">Show</button>
<button type="submit" class="main">Use</button>
<button type="button" id="token-forget" disabled>Forget</button>
<p id="token-state" role="status" aria-live="polite"></p>
</form>
<button type="button" class="dark" id="dark" aria-pressed="false">Dark</button>
</header>
<nav class="places" aria-label="Other places">
<p id="hosts">Hosts</p>
<ul aria-labelledby="hosts">
${hosts.map(hostItem).join("\n")}
</ul>
<details>
<summary>Documents</summary>
<ul>
${documents.map(({ name, json, yaml }) => `<li>${escape(name)}: ${link(json, "JSON", name)} ${link(yaml, "YAML", name)}</li>`).join("\n")}
<li><a href="${INDEX_PATH}">This list as JSON</a></li>
</ul>
</details>
<a href="${ERRORS_PATH}">Errors</a>
</nav>
<div id="docs">
<noscript>
<main><p>This page needs JavaScript. The OpenAPI documents that it shows are above, under “Documents”.</p></main>
</noscript>
</div>
</body>
</html>
`,
  })
}

function hostItem({ name, url, isCurrent }: HostLink): string {
  return `<li><a href="${escape(`${url}${PAGE_PATH}`)}"${isCurrent ? ' aria-current="true"' : ""}>${escape(name)}</a></li>`
}

/** A link to a form of a document. Each has a name of its own, for whoever hears it without the others. */
function link(url: string, form: string, name: string): string {
  return `<a href="${escape(url)}" aria-label="${escape(name)} as ${form}">${form}</a>`
}

/** Text as it stands in HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
