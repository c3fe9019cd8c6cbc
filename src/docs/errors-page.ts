/** The page that explains errors: what the `Link` of each error leads to. */
import { explainedErrors } from "../gateway/error-help.ts"
import type { OwnFiles } from "./own-files.ts"
import { escape, icon } from "./page.ts"

/** The HTML, with each error under its code. */
export function errorsPage({ styles }: Pick<OwnFiles, "styles">): string {
  const rows = explainedErrors().map(
    ({ code, status, when, remedy }) =>
      `<tr id="${code}"><th scope="row"><a href="#${code}"><code>${code}</code></a></th><td>${status}</td><td>${text(when)}</td><td>${text(remedy)}</td></tr>`,
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
<h1>Errors</h1>
<p>Every error has a status, a message in its body, an <code>X-Request-Id</code> that the log has, too, and a <code>Link</code> that leads to its line here. <a href="/api">The API</a></p>
<table>
<thead><tr><th scope="col">code</th><th scope="col">status</th><th scope="col">when</th><th scope="col">what to do</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</body>
</html>
`
}

function text(help: string): string {
  return escape(help).replace(/`([^`]+)`/g, "<code>$1</code>")
}
