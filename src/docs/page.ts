/**
 * The page at `/api`: Swagger UI over the documents of one host. It says what to load and from where; what then happens
 * in the browser is in public/api/assets/docs.js and docs.css.
 */
import { SwaggerUI } from "@hono/swagger-ui"
// By name, and without an import attribute: so the bundle gets this one string and not the whole package.json.
import { version } from "swagger-ui-dist/package.json"

/** Where scripts/build/assets.ts puts the files of Swagger UI, and where our own two are. */
const assets = "/api/assets"

/**
 * What the page may do, and nothing else: load and call its own origin. Swagger UI needs no exception for styles, because
 * it sets them through the CSSOM; the one style element that it does have is in its logo, which docs.js replaces.
 * `data:` is for the icons in its style sheet. Its forms are handled by scripts and never submitted. Trusted types are out
 * of reach: it sets rendered Markdown as plain strings.
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
  documents: { name: string; url: string }[]
}

/** The HTML. The documents reach docs.js in an attribute, so that no script has to be written per request. */
export function docsPage({ title, documents }: DocsPage): string {
  return SwaggerUI({
    baseUrl: assets,
    version,
    urls: documents,
    manuallySwaggerUIHtml: ({ css, js }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" type="image/png" sizes="32x32" href="${assets}/swagger-ui-dist@${version}/favicon-32x32.png">
${[...css, `${assets}/docs.css`].map((url) => `<link rel="stylesheet" href="${url}">`).join("\n")}
${[...js, `${assets}/swagger-ui-dist@${version}/swagger-ui-standalone-preset.js`, `${assets}/docs.js`]
  .map((url) => `<script defer src="${url}"></script>`)
  .join("\n")}
</head>
<body>
<div id="docs" data-documents="${escape(JSON.stringify(documents))}">
<h1>${escape(title)}</h1>
<noscript>
<p>This page needs JavaScript. These are the OpenAPI documents that it shows:</p>
<ul>
${documents.map(({ name, url }) => `<li><a href="${escape(url)}">${escape(name)}</a></li>`).join("\n")}
</ul>
</noscript>
</div>
</body>
</html>
`,
  })
}

/** Text as it stands in HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
