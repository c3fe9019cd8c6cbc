/** The page that explains errors: what the `Link` of each error leads to. */
import { explainedErrors } from "../gateway/error-help.ts"
import type { OwnFiles } from "./own-files.ts"
import { escape, icon } from "./page.ts"

const COLUMNS = ["status", "when", "what to do"]

/** The HTML, with each error under its code. */
export function errorsPage({ styles }: Pick<OwnFiles, "styles">): string {
  const rows = explainedErrors().map(
    ({ code, status, when, remedy }) =>
      `<tr id="${code}"><th scope="row"><a href="#${code}"><code>${code}</code></a></th>${cells([String(status), text(when), text(remedy)])}</tr>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors – Quarterdeck</title>
${icon}
<link rel="stylesheet" href="${styles}">
</head>
<body class="page">
<main>
<h1>Errors</h1>
<p>Every error has a status, a message in its body, an <code>X-Request-Id</code> that the log has, too, and a <code>Link</code> that leads to its line here. <a href="/api">The API</a></p>
<table>
<thead><tr>${["code", ...COLUMNS].map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</main>
</body>
</html>
`
}

/** The cells of a row. Where there is no room for a table, each says itself which it is. */
function cells(contents: readonly string[]): string {
  return contents.map((html, at) => `<td data-column="${COLUMNS[at]}">${html}</td>`).join("")
}

function text(help: string): string {
  return escape(help).replace(/`([^`]+)`/g, "<code>$1</code>")
}
