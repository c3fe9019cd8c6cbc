/**
 * Starts Swagger UI on the documents that the page names. A file of its own, and not an inline script, so that the page's
 * Content-Security-Policy can forbid those.
 */
const root = document.getElementById("docs")
const title = document.title

/** In place of the Swagger logo, which brings an inline style element that the policy forbids: the name of this page. */
const name = ({ React }) => ({ components: { Logo: () => React.createElement("span", null, title) } })

SwaggerUIBundle({
  domNode: root,
  urls: JSON.parse(root.dataset.documents),
  // The standalone layout is the one with the selector of documents.
  layout: "StandaloneLayout",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  plugins: [name],
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The default, agate, shows numbers with too little contrast.
  syntaxHighlight: { theme: "obsidian" },
  // A token stays in this page's memory: it is not written to the browser's storage.
  persistAuthorization: false,
  // Nothing about the documents is sent to anyone.
  validatorUrl: null,
})
