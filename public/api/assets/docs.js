/**
 * What the docs page does in the browser: Swagger UI on the document that the bar names, and the token that its requests
 * are sent with. A file of its own, and not an inline script, so that the page's Content-Security-Policy can forbid those.
 * changes.js, which is loaded before it, has the changes to Swagger UI.
 */
const element = (id) => document.getElementById(id)
const title = document.title

/* The token: kept for this tab, sent with what is tried out here, and with nothing else. */

const STORED = "quarterdeck-token"
const field = element("token-value")

/** Says how it is with the token. `tone` colours it. */
function tell(text, tone = "") {
  const state = element("token-state")
  state.textContent = text
  state.dataset.tone = tone
}

/** What the browser keeps for this tab. Where that is forbidden, a token lasts as long as the page. */
function tabStorage() {
  try {
    return sessionStorage
  } catch {
    const kept = new Map()
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    }
  }
}

const storage = tabStorage()
const tokenInUse = () => storage.getItem(STORED)

function keepToken(token) {
  if (token === null) storage.removeItem(STORED)
  else storage.setItem(STORED, token)
  element("token-forget").disabled = token === null
}

/** Why a token is not taken, by the status that says so. A good one is answered 200 also where there were too many attempts. */
const REFUSALS = {
  401: "Refused: unknown, expired or revoked. It is not used.",
  429: "Refused: too many attempts. Wait a minute, then try the right one.",
}

function refuseToken(reason) {
  keepToken(null)
  field.setAttribute("aria-invalid", "true")
  tell(reason, "bad")
}

/** Takes a token into use and asks this host, regional or global, who it is. What is not refused stays in use. */
async function useToken(token) {
  field.removeAttribute("aria-invalid")
  // Others cannot stand in a header: the request would fail as if the network had.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return refuseToken(token === "" ? "Enter a token first." : "Refused: a token has no spaces or accents.")
  }
  keepToken(token)
  tell("Checking…")
  const outcome = await askWhoIs(token)
  // Meanwhile it may have been forgotten, or replaced.
  if (tokenInUse() !== token) return
  if (outcome in REFUSALS) refuseToken(REFUSALS[outcome])
  else if (outcome === 200) tell("Accepted. Kept for this tab only.", "good")
  else if (outcome === OFFLINE) tell("Not checked: offline, this host does not answer.", "bad")
  else tell(`Not checked: this host answered ${outcome}.`, "bad")
}

const OFFLINE = "offline"

/** The status of the answer, or that there is none. */
async function askWhoIs(token) {
  try {
    const options = { headers: { "x-token": token }, credentials: "omit", redirect: "error", cache: "no-store" }
    return (await fetch("/v3/organizations/me", options)).status
  } catch {
    return OFFLINE
  }
}

function showToken(isShown) {
  const button = element("token-show")
  field.type = isShown ? "text" : "password"
  button.textContent = isShown ? "Hide" : "Show"
  button.setAttribute("aria-pressed", isShown)
}

element("token").addEventListener("submit", (event) => {
  event.preventDefault()
  showToken(false)
  void useToken(field.value.trim())
})
element("token-show").addEventListener("click", () => showToken(field.type === "password"))
element("token-forget").addEventListener("click", () => {
  keepToken(null)
  showToken(false)
  field.value = ""
  field.removeAttribute("aria-invalid")
  tell("Forgotten. Requests go without a token.")
  // The button that had the focus is disabled now.
  field.focus()
})

if (tokenInUse() === null) {
  tell("None: requests go without a token.")
} else {
  field.value = tokenInUse()
  void useToken(field.value)
}

/* What Swagger UI sends. */

/** Before every request: those that would leave this origin are refused here, where it can be said what to do instead. */
function beforeRequest(request) {
  const url = new URL(request.url, location.href)
  if (url.origin !== location.origin) {
    // Within a link of Markdown, brackets would end it.
    const place = `${location.search}${location.hash}`.replace(
      /[()[\]]/g,
      (one) => `%${one.charCodeAt(0).toString(16)}`,
    )
    const there = `${url.origin}/api${place}`
    const reason = request.loadSpec
      ? `This page loads nothing from ${url.origin}.`
      : `Not sent: this page calls ${location.origin} only. To call ${url.host}, open [its own page](${there}) and enter a token there.`
    // Thrown from here, it would leave Swagger UI without the request that it shows beside the answer.
    const refuse = () => Promise.reject(Object.assign(new Error(reason), { name: "" }))
    return Object.assign(request, { userFetch: refuse })
  }
  // Documents are open.
  const token = request.loadSpec ? null : tokenInUse()
  if (token !== null) Object.assign(request.headers, { "x-token": token })
  return request
}

/** After every answer. */
async function afterResponse(response) {
  const path = new URL(response.url, location.href).pathname
  // Documents arrive in any order; one that another was chosen over must not replace it.
  if (documents.some(({ value }) => value === path)) {
    if (path !== selector.value) return new Promise(() => {})
    if (response.ok) response.text = JSON.stringify(withoutOptionalExamples(JSON.parse(response.text)))
    return response
  }
  // The token may have ended since it was checked; or an origin has refused what the edge sent it.
  if (response.status === 401 && tokenInUse() !== null) void useToken(tokenInUse())
  // Swagger UI takes lines of JSON for bytes.
  if (/jsonl/.test(response.headers["content-type"]) && response.data instanceof Blob) {
    response.text = response.data = await response.data.text()
  }
  return response
}

/**
 * A document in which the examples of parameters that may be left out are part of their descriptions: Swagger UI would fill
 * them in, and a list that is filtered by all of them at once is empty.
 */
function withoutOptionalExamples(document) {
  const parameters = Object.values(document.paths ?? {}).flatMap((item) =>
    [item, ...Object.values(item ?? {})].flatMap((holder) => holder?.parameters ?? []),
  )
  for (const parameter of parameters.filter(({ required, $ref }) => !required && !$ref)) {
    const { description, schema = {} } = parameter
    const example = parameter.example ?? parameter["x-example"] ?? schema.example
    if (example === undefined || parameter.in === "body") continue
    for (const holder of [parameter, schema]) for (const key of ["example", "x-example"]) delete holder[key]
    const text = `Example: \`${typeof example === "string" ? example : JSON.stringify(example)}\``
    parameter.description = [description, text].filter(Boolean).join("\n\n")
  }
  return document
}

/* The document: the one that the address names, or else the first. */

const DOCUMENT = "urls.primaryName"
const selector = element("document")
const documents = [...selector.options]

/** Sets the selector and the page's title as the address says. */
function followAddress() {
  const name = new URLSearchParams(location.search).get(DOCUMENT)
  const option = documents.find(({ text }) => text === name) ?? documents[0]
  selector.value = option.value
  document.title = `${option.text} – ${title}`
}

followAddress()

const ui = SwaggerUIBundle({
  domNode: element("docs"),
  url: selector.value,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [swaggerUiChanges],
  requestInterceptor: beforeRequest,
  responseInterceptor: afterResponse,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The default, agate, shows numbers with too little contrast.
  syntaxHighlight: { theme: "obsidian" },
  // Nothing about the documents is sent to anyone.
  validatorUrl: null,
})

function load() {
  ui.specActions.updateUrl(selector.value)
  ui.specActions.download(selector.value)
}

selector.addEventListener("change", () => {
  const { text } = selector.selectedOptions[0]
  history.pushState(null, "", `${location.pathname}?${new URLSearchParams({ [DOCUMENT]: text })}`)
  followAddress()
  load()
})

// Back, forward, and links to other operations.
addEventListener("popstate", () => {
  const before = selector.value
  followAddress()
  const hash = decodeURIComponent(location.hash)
  ui.layoutActions.parseDeepLinkHash(hash)
  if (selector.value !== before) return load()
  // Swagger UI scrolls to what appears. This is there already, under the id that Swagger UI makes of the link.
  const names = hash.slice(1).split("/").slice(1)
  element(["operations", ...names].map((name) => CSS.escape(name.replace(/\s/g, "_"))).join("-"))?.scrollIntoView()
})

/* Light and dark: as the system, until the button says otherwise. Swagger UI's colours go by the class "dark-mode". */

const systemIsDark = matchMedia("(prefers-color-scheme: dark)")

function setDark(isDark) {
  document.documentElement.classList.toggle("dark-mode", isDark)
  document.documentElement.classList.toggle("light-mode", !isDark)
  element("dark").setAttribute("aria-pressed", isDark)
}

setDark(systemIsDark.matches)
systemIsDark.addEventListener("change", ({ matches }) => setDark(matches))
element("dark").addEventListener("click", () => setDark(!document.documentElement.classList.contains("dark-mode")))

/* The keyboard. */

element("skip").addEventListener("click", () => {
  const operations = element("operations")
  operations?.scrollIntoView()
  operations?.focus()
})

// Escape closes what is open around the focus.
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return
  if (element("token").contains(event.target)) return showToken(false)
  // The select closes its own list first.
  if (event.target.matches("select")) return
  // Of a deprecated operation no class says that it is open.
  const summary = event.target.closest(".opblock:has(.opblock-body)")?.querySelector(".opblock-summary-control")
  summary?.click()
  summary?.focus()
})
